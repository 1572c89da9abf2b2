// What a user does with the page, and what can be asked of it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { PATIENCE, isForDocs } from "./browser.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Sets a slider. */
export const slide = (page, id, value) => page.evaluate(([id, value]) => {
  const field = document.getElementById(id);
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}, [id, value]);

/** How many, by what they are for; what the documentation shows has all of them. */
export const STEPS = { quick: 4, shown: isForDocs ? 30 : 4, outlasting: 40, endless: 100 };

/** The first step is done. */
export const isDrawing = (page) => page.waitForFunction(
  () => /step \d+ of/.test(document.getElementById("progress-text").textContent),
);

/** Drags the mouse between two places on the canvas, fractions of its width and height. */
export async function dragOnStage(page, [x0, y0], [x1, y1]) {
  const { x, y, width, height } = await page.locator("#stage").boundingBox();
  await page.mouse.move(x + x0 * width, y + y0 * height);
  await page.mouse.down();
  for (const share of [0.3, 0.6, 1]) {
    await page.mouse.move(x + (x0 + (x1 - x0) * share) * width, y + (y0 + (y1 - y0) * share) * height);
  }
  await page.mouse.up();
}

export const boxes = (page) => page.evaluate(() => JSON.parse(localStorage.getItem("gligen-draft")).objects);
export const close = (found, expected, by = 0.02) => {
  assert.ok(found.every((x, i) => Math.abs(x - expected[i]) < by), `${found} is not about ${expected}`);
};

/** Waits for what the page does by and by. */
export async function until(holds) {
  const start = performance.now();
  while (!await holds()) assert.ok(performance.now() - start < PATIENCE, `never: ${holds}`);
}

/** Pixels of the mask. */
export const painted = (page) => page.evaluate(() => {
  const canvas = document.getElementById("mask");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((_, i) => i % 4 === 3).reduce((sum, alpha) => sum + (alpha > 127), 0);
});

export async function draw(page, count = 1) {
  await page.locator("#draw").click();
  await page.locator("#draw").waitFor(); // it was hidden by the click; a quick job shows no progress
  assert.equal(await page.locator("#problem").isVisible(), false, await page.locator("#problem").textContent());
  assert.equal(await page.locator(".card .look img").count(), count);
  assert.match(await page.locator("#status").textContent(), /Done in/);
}

/** Hands a file to the page, at the element, as a drag from the desktop does, or as pasting does. */
export async function drop(page, name, type, bytes, at = "#stage", kinds = ["dragover", "drop"]) {
  await page.evaluate(([name, type, bytes, at, kinds]) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], name, { type }));
    const target = document.querySelector(at);
    for (const kind of kinds) {
      const event = kind === "paste"
        ? new ClipboardEvent(kind, { clipboardData: data, bubbles: true, cancelable: true })
        : new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
      target.dispatchEvent(event);
    }
  }, [name, type, [...bytes], at, kinds]);
}

/** Pastes a text where no field has the focus. */
export const pasteText = (page, text) => page.evaluate((text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}, text);

/** No serious finding of axe-core, in the light and in the dark. */
export async function accessible(page, when) {
  await page.evaluate(AXE);
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" }); // no colour on its way to another
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    const bad = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    const told = bad.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("\n")}`);
    assert.equal(bad.length, 0, `${when}, ${colorScheme}: ${told.join("\n")}`);
  }
}

export const noSidewaysScrolling = async (page) => {
  const [content, window] = await page.evaluate(() => [document.scrollingElement.scrollWidth, innerWidth]);
  assert.ok(content <= window, `${content} pixels on a screen of ${window}`);
};

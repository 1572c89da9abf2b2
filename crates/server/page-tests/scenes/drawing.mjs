// Boxes drawn, moved and shaped by mouse; pictures drawn, kept and forgotten.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { isForDocs, reload, screenshot, visit } from "../browser.mjs";
import { STEPS, accessible, boxes, close, dragOnStage, draw, slide } from "../user.mjs";

/** The file of a picture that the page gave, once it has. */
export let madePicture;

export async function mouse() {
  const page = await visit();
  await accessible(page, "at the start");
  await page.locator("#clear").click();
  assert.ok(await page.locator("#invitation").isVisible());

  await page.fill("#prompt", "a penguin and a red apple on a light blue background");
  await dragOnStage(page, [0.1, 0.25], [0.5, 0.9]);
  await page.keyboard.type("a penguin"); // a new box takes the focus to its phrase
  await dragOnStage(page, [0.9, 0.85], [0.6, 0.5]); // from the lower right corner
  await page.keyboard.type("a red apple");
  let [penguin, apple] = await boxes(page);
  assert.deepEqual([penguin.phrase, apple.phrase], ["a penguin", "a red apple"]);
  close(penguin.box, [0.1, 0.25, 0.5, 0.9]);
  close(apple.box, [0.6, 0.5, 0.9, 0.85]);

  await dragOnStage(page, [0.75, 0.7], [0.7, 0.6]);
  close((await boxes(page))[1].box, [0.55, 0.4, 0.85, 0.75]);
  await dragOnStage(page, [0.55, 0.575], [0.58, 0.575]); // its left edge, by the handle in the middle
  close((await boxes(page))[1].box, [0.58, 0.4, 0.85, 0.75]);
  await page.locator("#undo").click();
  close((await boxes(page))[1].box, [0.55, 0.4, 0.85, 0.75]);
  await page.locator("#redo").click();
  close((await boxes(page))[1].box, [0.58, 0.4, 0.85, 0.75]);
  await shaping(page);

  await page.locator("summary").click();
  await page.fill("#seed", "5");
  await slide(page, "steps", STEPS.shown);
  const drawing = draw(page);
  if (isForDocs) {
    await page.waitForFunction(() => /step (1[4-9]|2\d) of/.test(document.getElementById("progress-text").textContent));
    await screenshot(page, "progress");
  }
  await drawing;
  await page.locator("summary").click();
  await accessible(page, "with a result");

  await page.locator("#show-boxes").uncheck();
  assert.equal(await page.locator("#boxes").evaluate((layer) => getComputedStyle(layer).opacity), "0");
  assert.equal(await page.locator(".overlay").first().isVisible(), false);
  await page.locator("#show-boxes").check();

  const [download] = await Promise.all([page.waitForEvent("download"), page.getByText("Download").click()]);
  assert.equal(download.suggestedFilename(), "gligen-5.png");
  madePicture = readFileSync(await download.path());

  // Four side by side, and what the history keeps over a reload.
  await page.selectOption("#num-images", "4");
  await slide(page, "steps", STEPS.shown);
  await draw(page, 4);
  await page.locator(".box").first().focus();
  await page.keyboard.press("Escape"); // nothing selected
  await screenshot(page, "variations", true);
  await page.locator(".card .look").nth(2).click();
  assert.ok(await page.locator(".card").nth(2).evaluate((card) => card.classList.contains("shown")));
  await page.locator("#clear").click();
  await page.fill("#prompt", "something else");
  await reload(page);
  assert.equal(await page.inputValue("#prompt"), "something else");
  await page.locator("#history .open").nth(1).click();
  assert.equal(await page.locator(".card").count(), 1);
  await page.getByText("Use these settings").click();
  assert.equal(await page.inputValue("#prompt"), "a penguin and a red apple on a light blue background");
  assert.equal(await page.inputValue("#seed"), "5");
  assert.equal((await boxes(page)).length, 2);
  await accessible(page, "with a history");
  await page.emulateMedia({ colorScheme: "dark" });
  await screenshot(page, "dark");
  await page.locator("#history .remove").first().click();
  await page.waitForFunction(() => document.querySelectorAll("#history li").length === 1);
  await page.context().close();
}

/** What else can be done with the apple, and undone. */
async function shaping(page) {
  const apple = async () => (await boxes(page))[1].box;
  const exactly = [0.58, 0.4, 0.85, 0.75];
  const undone = async (times) => {
    for (let i = 0; i < times; i++) await page.locator("#undo").click();
    assert.equal((await boxes(page)).length, 2);
    close(await apple(), exactly);
  };
  // Each of the eight handles moves the edges that it is on.
  for (const [x, y] of [[0, 0], [0.5, 0], [1, 0], [1, 0.5], [1, 1], [0.5, 1], [0, 1], [0, 0.5]]) {
    const [x0, y0, x1, y1] = await apple();
    const at = [x0 + x * (x1 - x0), y0 + y * (y1 - y0)];
    await dragOnStage(page, at, [at[0] + 0.06, at[1] - 0.06]);
    const [left, right, top, bottom] = [x === 0, x === 1, y === 0, y === 1].map((is) => (is ? 0.06 : 0));
    close(await apple(), [x0 + left, y0 - top, x1 + right, y1 - bottom]);
    await undone(1);
  }
  // Its upper edge falls in line with the penguin's, unless that is not wanted.
  await dragOnStage(page, [0.7, 0.6], [0.7, 0.457]);
  assert.equal((await apple())[1], (await boxes(page))[0].box[1]);
  await undone(1);
  await page.locator("#snap").uncheck();
  await dragOnStage(page, [0.7, 0.6], [0.7, 0.457]);
  assert.notEqual((await apple())[1], (await boxes(page))[0].box[1]);
  await undone(1);
  await page.locator("#snap").check();
  // Copies: pulled off with Alt, and from the list; and one removed.
  await page.keyboard.down("Alt");
  await dragOnStage(page, [0.7, 0.6], [0.7, 0.8]);
  await page.keyboard.up("Alt");
  assert.deepEqual((await boxes(page)).map(({ phrase }) => phrase), ["a penguin", "a red apple", "a red apple"]);
  await undone(1);
  await page.getByRole("button", { name: "Copy box 2, a red apple" }).click();
  await page.getByRole("button", { name: "Remove box 1, a penguin" }).click();
  assert.deepEqual((await boxes(page)).map(({ phrase }) => phrase), ["a red apple", "a red apple"]);
  await undone(2);
  await page.locator(".box").nth(1).dblclick({ position: { x: 60, y: 90 } });
  assert.equal(await page.evaluate(() => document.activeElement.value), "a red apple");
  // Other shapes of the canvas.
  await page.selectOption("#shape", "Wide 16:9");
  assert.deepEqual([await page.inputValue("#width"), await page.inputValue("#height")], ["128", "72"]);
  const { width, height } = await page.locator("#stage").boundingBox();
  assert.ok(Math.abs(width / height - 16 / 9) < 0.02, `${width} by ${height}`);
  await undone(1);
  assert.equal(await page.locator("#shape option:checked").textContent(), "Square");
  await page.locator("#help-open").click();
  await accessible(page, "with help");
  await page.keyboard.press("Escape");
}

// A part of a picture painted over and drawn anew.

import assert from "node:assert/strict";
import { screenshot, visit } from "../browser.mjs";
import { STEPS, accessible, dragOnStage, draw, painted, slide, until } from "../user.mjs";

export async function repaint() {
  const page = await visit();
  await slide(page, "steps", STEPS.shown);
  await draw(page);
  await page.getByRole("button", { name: /^Repaint picture 1/ }).click();
  await page.locator("#repaint-bar").waitFor();
  await page.getByText("Brush", { exact: true }).click();
  await slide(page, "brush-size", 40);
  await dragOnStage(page, [0.7, 0.5], [0.8, 0.6]);
  await page.locator("#objects input").nth(1).fill("a banana");
  await page.fill("#prompt", "a cat and a banana on a light blue background");
  await accessible(page, "while repainting");
  await screenshot(page, "repaint");
  const before = await painted(page);
  assert.ok(before > 200, `${before} pixels`);
  for (let i = 0; i < 3; i++) await page.locator("#undo").click(); // caption, phrase, stroke
  await until(async () => await painted(page) === 0);
  for (let i = 0; i < 3; i++) await page.locator("#redo").click();
  await until(async () => Math.abs(await painted(page) - before) < 20);
  await page.getByText("Eraser", { exact: true }).click();
  await dragOnStage(page, [0.75, 0.5], [0.75, 0.6]);
  const left = await painted(page);
  assert.ok(left > 50 && left < before - 50, `${left} of ${before} pixels`);
  await page.locator("#undo").click();
  await until(async () => Math.abs(await painted(page) - before) < 20);
  await page.getByText("Brush", { exact: true }).click();

  // What was not painted over stays as it was.
  const corner = () => page.evaluate(async () => {
    const image = await createImageBitmap(document.querySelector(".card .look img"));
    const canvas = new OffscreenCanvas(image.width, image.height);
    canvas.getContext("2d").drawImage(image, 0, 0);
    return [...canvas.getContext("2d").getImageData(0, 0, 20, 20).data];
  });
  const cornerBefore = await corner();
  await draw(page);
  assert.equal(await page.locator("#mask").isVisible(), false); // the result, until the user paints on
  await screenshot(page, "repainted");
  assert.deepEqual(await corner(), cornerBefore);
  await page.locator("#repaint-close").click();
  assert.equal(await page.locator("#repaint-bar").isVisible(), false);
  await page.context().close();
}

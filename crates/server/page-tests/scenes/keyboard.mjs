// All of it without a mouse.

import assert from "node:assert/strict";
import { visit } from "../browser.mjs";
import { boxes, close, isDrawing } from "../user.mjs";

export async function keyboard() {
  const page = await visit();
  const press = (key) => page.keyboard.press(key);
  /** Presses Tab until the focus is on what matches. */
  const tabTo = async (selector) => {
    for (let i = 0; i < 80; i++) {
      if (await page.evaluate((selector) => document.activeElement.matches(selector), selector)) return;
      await press("Tab");
    }
    assert.fail(`${selector} cannot be reached by Tab`);
  };
  await tabTo("#clear");
  await press("Enter");
  await page.locator("body").evaluate(() => document.activeElement.blur());
  await tabTo("#add-box");
  await press("Enter");
  await page.keyboard.type("a dog");
  await page.locator("#objects input").evaluate(() => document.activeElement.blur());
  await tabTo(".box");
  const [before] = await boxes(page);
  await press("ArrowRight");
  await press("ArrowDown");
  await press("Shift+ArrowRight");
  const [after] = await boxes(page);
  close(after.box, before.box.map((x, i) => x + [1, 1, 2, 1][i] / 64), 0.001);
  assert.match(await page.locator(".box").getAttribute("aria-label"), /Box 1: a dog; from 22% left, 22% down/);
  await press("Control+d");
  assert.equal((await boxes(page)).length, 2);
  await press("Delete");
  assert.equal((await boxes(page)).length, 1);
  await press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.value), "a dog");
  await page.evaluate(() => document.activeElement.blur());
  await tabTo("#prompt");
  await press("Control+a");
  await page.keyboard.type("a dog on a white background");
  await tabTo("summary");
  await press("Enter");
  await tabTo("#steps");
  await press("Home");
  assert.equal(await page.inputValue("#steps"), "2");
  await press("Control+Enter");
  await page.locator(".card .seed").waitFor();
  // Begun, and cancelled: the focus goes from one button to the other.
  await tabTo("#steps");
  await press("End");
  await tabTo("#draw");
  await press("Enter");
  await isDrawing(page);
  await press("Enter");
  await page.getByText("Cancelled.").waitFor();
  assert.ok(await page.evaluate(() => document.activeElement.matches("#draw")));
  // From the history back onto the canvas, and on from there.
  await tabTo("#history .open");
  await press("Enter");
  await tabTo(".card .look");
  await press("Enter");
  await press("Tab");
  await press("Enter");
  await page.getByText("Settings taken over.").waitFor();
  assert.equal(await page.inputValue("#steps"), "2");
  await press("Control+z");
  assert.equal(await page.inputValue("#steps"), "100");
  await page.context().close();
}

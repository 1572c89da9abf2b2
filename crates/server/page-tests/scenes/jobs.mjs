// A job cancelled, and one that outlives a reload.

import assert from "node:assert/strict";
import { reload, visit } from "../browser.mjs";
import { STEPS, isDrawing, slide } from "../user.mjs";

export async function cancel() {
  const page = await visit();
  await slide(page, "steps", STEPS.endless);
  await page.locator("#draw").click();
  await isDrawing(page);
  await page.locator("#pictures.look img").waitFor(); // a look at the unfinished picture
  await page.locator("#cancel").click();
  await page.locator("#draw").waitFor();
  assert.equal(await page.locator("#status").textContent(), "Cancelled.");
  assert.equal(await page.locator("#history li").count(), 0);

  // A job outlives a reload of the page.
  await slide(page, "steps", STEPS.outlasting);
  await page.locator("#draw").click();
  await isDrawing(page);
  await reload(page);
  await page.locator(".card .seed").waitFor();
  await page.context().close();
}

// How soon there is something to see, and how large the page is.

import assert from "node:assert/strict";
import { reload, visit } from "../browser.mjs";

/** Milliseconds until there is something to see, and until the boxes are there to be drawn on; bytes of the whole page. */
export async function measure() {
  const page = await visit();
  await page.addInitScript(() => {
    globalThis.useful = new Promise((resolve) => {
      new MutationObserver((_, observer) => {
        if (!document.querySelector(".box")) return;
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
      }).observe(document, { childList: true, subtree: true });
    });
  });
  const times = [];
  for (let round = 0; round < 9; round++) {
    await reload(page);
    times.push(await page.evaluate(async () => {
      const useful = await globalThis.useful;
      const first = () => performance.getEntriesByName("first-contentful-paint")[0];
      while (!first()) await new Promise(requestAnimationFrame);
      return [first().startTime, useful];
    }));
  }
  const bytes = await page.evaluate(() => [
    ...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource"),
  ].filter(({ name }) => !name.includes("/v1/")).reduce((sum, entry) => sum + entry.decodedBodySize, 0));
  const median = (index) => times.map((both) => both[index]).sort((a, b) => a - b)[4].toFixed(0);
  console.log(`first paint: ${median(0)} ms, boxes: ${median(1)} ms (medians of 9); whole page: ${bytes} bytes`);
  assert.ok(bytes > 50_000 && bytes < 150_000);
  await page.context().close();
}

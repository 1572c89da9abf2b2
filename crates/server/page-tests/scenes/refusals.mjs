// What is refused, and a server that is gone.

import assert from "node:assert/strict";
import { home, visit } from "../browser.mjs";

export async function refusals() {
  const page = await visit();
  await page.fill("#prompt", " ");
  await page.locator("#draw").click();
  await page.getByText("There is no caption yet").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "prompt");
  await page.fill("#prompt", "a".repeat(20_000));
  await page.locator("#draw").click();
  await page.getByText("expected at most 10000 characters").waitFor();
  assert.ok(await page.locator("#draw").isVisible());
  home.server.kill("SIGTERM");
  await new Promise((resolve) => home.server.on("exit", resolve));
  await page.fill("#prompt", "a cat");
  await page.locator("#draw").click();
  await page.getByText("the server cannot be reached").waitFor();
}

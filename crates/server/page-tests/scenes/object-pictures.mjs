// Pictures that say what stands in a box.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { serve, visit } from "../browser.mjs";
import { STEPS, accessible, boxes, draw, drop, slide } from "../user.mjs";
import { madePicture } from "./drawing.mjs";

/** A model that takes pictures of objects: small, random, and therefore no joy to look at. */
export async function objectPictures() {
  const model = fileURLToPath(new URL("../../../../fixtures/models/text-image", import.meta.url));
  const other = await serve("--model", model);
  const page = await visit({}, other.url);
  await drop(page, "cat.png", "image/png", madePicture, ".box");
  await page.locator(".box img:not([hidden])").waitFor();
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.locator("#objects .picture").nth(1).click(),
  ]);
  await chooser.setFiles({ name: "apple.png", mimeType: "image/png", buffer: madePicture });
  await page.waitForFunction(() => document.querySelectorAll(".box img:not([hidden])").length === 2);
  await page.locator("#objects input").nth(1).fill(""); // the picture alone says what it is
  await accessible(page, "with pictures of objects");
  await slide(page, "steps", STEPS.quick);
  await draw(page);
  await page.getByRole("button", { name: /Take away the picture of box 1/ }).click();
  assert.deepEqual((await boxes(page)).map(({ image }) => Boolean(image)), [false, true]);
  await page.locator("#objects input").first().focus();
  await drop(page, "cat.png", "image/png", madePicture, "body", ["paste"]);
  await page.waitForFunction(() => document.querySelectorAll(".box img:not([hidden])").length === 2);
  await page.getByText("Use these settings").click();
  assert.deepEqual((await boxes(page)).map(({ phrase, image }) => [phrase, Boolean(image)]), [["a cat", true], ["", true]]);

  // A picture for a box of one of several layouts leaves the choice among them.
  await drop(page, "two.jsonl", "", Buffer.from(["a cat", "a dog"].map(oneBox).join("\n")));
  await page.locator("#imported-bar").waitFor();
  await drop(page, "cat.png", "image/png", madePicture, ".box");
  await page.locator(".box img:not([hidden])").waitFor();
  assert.ok(await page.locator("#imported-bar").isVisible());
  await page.context().close();
}

const oneBox = (phrase) => JSON.stringify({ prompt: phrase, objects: [{ phrase, box: [0.1, 0.2, 0.9, 0.8] }] });

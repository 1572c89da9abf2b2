// The page in a real Chromium, driven as a user drives it.
//
// node page.mjs GLIGEN CHROMIUM [PICTURES]: the two programs, and a folder for screenshots.

import assert from "node:assert/strict";
import { complaints, end } from "./browser.mjs";
import { mouse } from "./scenes/drawing.mjs";
import { dropBack, imports } from "./scenes/files.mjs";
import { cancel } from "./scenes/jobs.mjs";
import { keyboard } from "./scenes/keyboard.mjs";
import { measure } from "./scenes/measure.mjs";
import { objectPictures } from "./scenes/object-pictures.mjs";
import { phone } from "./scenes/phone.mjs";
import { refusals } from "./scenes/refusals.mjs";
import { repaint } from "./scenes/repainting.mjs";

const SCENES = [
  measure, mouse, dropBack, imports, cancel, keyboard, repaint, objectPictures, phone, refusals,
];

try {
  for (const scene of SCENES) {
    const start = performance.now();
    await scene();
    assert.deepEqual(complaints, [], scene.name);
    console.log(`${scene.name}: ok, ${((performance.now() - start) / 1000).toFixed(1)} s`);
  }
} finally {
  await end();
}

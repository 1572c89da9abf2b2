// Files that come in: pictures and layouts of ours, layouts of others, what is neither.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { visit } from "../browser.mjs";
import { accessible, boxes, close, drop, noSidewaysScrolling, pasteText, until } from "../user.mjs";
import { madePicture } from "./drawing.mjs";

export async function dropBack() {
  const page = await visit();
  await page.locator("#clear").click();
  await drop(page, "made.png", "image/png", madePicture);
  await page.getByText("Layout restored").waitFor();
  assert.equal(await page.inputValue("#prompt"), "a penguin and a red apple on a light blue background");
  const [penguin, apple] = await boxes(page);
  assert.deepEqual([penguin.phrase, apple.phrase], ["a penguin", "a red apple"]);
  close(apple.box, [0.58, 0.4, 0.85, 0.75]);
  assert.equal(await page.locator(".card").count(), 1);

  const layout = { prompt: "a rocket", objects: [{ phrase: "a rocket", box: [0.1, 0.1, 0.4, 0.9] }] };
  await drop(page, "layout.json", "application/json", Buffer.from(JSON.stringify(layout)));
  await page.getByText("Layout opened").waitFor();
  assert.equal((await boxes(page))[0].phrase, "a rocket");
  await drop(page, "broken.json", "application/json", Buffer.from("{"));
  await page.getByText("broken.json cannot be used").waitFor();
  await drop(page, "notes.txt", "text/plain", Buffer.from("not a picture"));
  await page.getByText("notes.txt cannot be used").waitFor();
  assert.equal((await boxes(page))[0].phrase, "a rocket");
  await page.context().close();
}

/** A file of another program. */
const foreign = (name) => readFileSync(new URL(`../../../../fixtures/foreign_layouts/${name}`, import.meta.url));

/** `png` with its texts left out, and with one of another program. */
function withText(png, keyword, text) {
  const parts = [png.subarray(0, 8)];
  for (let at = 8; at < png.length;) {
    const end = at + 12 + png.readUInt32BE(at);
    const kind = png.toString("latin1", at + 4, at + 8);
    if (kind === "IEND") parts.push(chunk("tEXt", Buffer.from(`${keyword}\0${text}`, "latin1")));
    if (!/^(tEXt|iTXt)$/.test(kind)) parts.push(png.subarray(at, end));
    at = end;
  }
  return Buffer.concat(parts);
}

function chunk(kind, data) {
  const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(kind), data, Buffer.alloc(4)]);
  bytes.writeUInt32BE(data.length, 0);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), bytes.length - 4);
  return bytes;
}

/** Layouts of other programs, dropped and pasted. */
export async function imports() {
  const page = await visit();
  const opened = () => page.getByText("Layout opened").waitFor();
  const phrases = async () => (await boxes(page)).map(({ phrase }) => phrase);
  const vaseAndChair = ["a red colored vase", "a blue colored chair"];

  // Several layouts in a file: the first, until another is chosen.
  await drop(page, "mig.json", "application/json", foreign("mig.json"));
  await opened();
  assert.deepEqual(await phrases(), vaseAndChair);
  close((await boxes(page))[0].box, [0.1, 0.2, 0.35, 0.6]);
  assert.equal(await page.inputValue("#prompt"), "a red colored vase, a blue colored chair");
  await accessible(page, "with a choice of layouts");
  await page.selectOption("#imported", { label: "785: a green colored ski" });
  assert.deepEqual(await phrases(), ["a green colored ski"]);
  await page.locator("#undo").click();
  assert.deepEqual(await phrases(), vaseAndChair);

  // One that the page cannot use is told, and changes nothing.
  await drop(page, "two.jsonl", "", Buffer.from('{"prompt": "a cat"}\n{"prompt": ""}\n'));
  await page.selectOption("#imported", "1");
  await page.getByText("no caption in it").waitFor();
  assert.equal(await page.inputValue("#prompt"), "a cat");

  // Pictures that a file names are not there for a page.
  await pasteText(page, '{"prompt": "a cat", "objects": [{"image": "cat.png", "box": [0.1, 0.2, 0.9, 0.8]}]}');
  await page.getByText("pictures that the file names are left out").waitFor();

  // What a model answered is no JSON; what was put right is told.
  await drop(page, "answer.txt", "text/plain", foreign("lmd.txt"));
  await page.locator("#imported-bar").waitFor({ state: "hidden" });
  await opened();
  assert.deepEqual(await phrases(), ["a green car", "a blue truck", "a traveller's dog"]);
  const wrongWayRound = '{"1": {"caption": "a cat", "segment": [{"label": "a cat", "bbox": [0.9, 0.2, 0.1, 0.8]}]}}';
  await pasteText(page, wrongWayRound);
  await page.getByText("corners the wrong way round were put right").waitFor();
  assert.deepEqual((await boxes(page))[0].box, [0.1, 0.2, 0.9, 0.8]);

  // A picture with a workflow, and one whose workflow has no boxes.
  await drop(page, "fox.png", "image/png", withText(madePicture, "prompt", foreign("comfyui.json")));
  const foxAndOak = "a red fox, an old oak";
  await until(async () => (await phrases()).join(", ") === foxAndOak);
  await drop(page, "plain.png", "image/png", withText(madePicture, "prompt", "{}"));
  await page.locator("#repaint-bar").waitFor();

  // What cannot be used changes nothing.
  await pasteText(page, wrongWayRound.replace("0.9", "900"));
  await page.getByText("lies outside the picture").waitFor();
  assert.equal((await phrases()).join(", "), foxAndOak);
  await noSidewaysScrolling(page);
  await page.context().close();
}

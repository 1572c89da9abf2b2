// The page in a real Chromium, driven as a user drives it.
//
// node page.mjs GLIGEN CHROMIUM [PICTURES]: the two programs, and a folder for screenshots.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const [gligen, browserPath, pictures] = process.argv.slice(2);
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
/** Longer than any picture takes, even on a machine with other things to do. */
const PATIENCE = 60_000;

// ---------------------------------------------------------------- server and browser

const servers = [];

async function serve(...more) {
  const server = spawn(gligen, ["serve", "--port", "0", ...more], { stdio: ["ignore", "pipe", "inherit"] });
  servers.push(server);
  let text = "";
  for await (const chunk of server.stdout) {
    text += chunk;
    if (text.includes("\n")) break;
  }
  return { server, url: text.trim() };
}

const { server, url } = await serve();
const browser = await chromium.launch({ executablePath: browserPath, args: FLAGS });
const complaints = [];

/** A page of a browser that was never here. */
async function visit(options = {}, address = url) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on("pageerror", (error) => complaints.push(`error: ${error.stack}`));
  page.on("console", (message) => {
    // The browser tells of each refusal; the page does too.
    if (message.type() === "error" && !message.text().includes("Failed to load resource")) complaints.push(message.text());
  });
  page.on("request", (request) => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(address)) complaints.push(`asks for ${request.url()}`);
  });
  await page.goto(address);
  await isReady(page);
  return page;
}

/** The page knows what the server can do, and has taken up what was there before. */
const isReady = (page) => page.waitForSelector("#model:not(:empty)");

async function reload(page) {
  await page.reload();
  await isReady(page);
}

/** For the documentation: the page from its top, the whole of it if `fullPage`, otherwise what the screen shows. */
async function screenshot(page, name, fullPage = false) {
  if (!pictures) return;
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: join(pictures, `page-${name}.png`), fullPage });
}

// ---------------------------------------------------------------- what a user does

/** Sets a slider. */
const slide = (page, id, value) => page.evaluate(([id, value]) => {
  const field = document.getElementById(id);
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}, [id, value]);

const STEPS = { quick: 4, pretty: 30, outlasting: 40, endless: 100 };

/** The first step is done. */
const isDrawing = (page) => page.waitForFunction(
  () => /step \d+ of/.test(document.getElementById("progress-text").textContent),
);

/** Drags the mouse between two places on the canvas, fractions of its width and height. */
async function dragOnStage(page, [x0, y0], [x1, y1]) {
  const { x, y, width, height } = await page.locator("#stage").boundingBox();
  await page.mouse.move(x + x0 * width, y + y0 * height);
  await page.mouse.down();
  for (const share of [0.3, 0.6, 1]) {
    await page.mouse.move(x + (x0 + (x1 - x0) * share) * width, y + (y0 + (y1 - y0) * share) * height);
  }
  await page.mouse.up();
}

const boxes = (page) => page.evaluate(() => JSON.parse(localStorage.getItem("gligen-draft")).objects);
const close = (found, expected, by = 0.02) => {
  assert.ok(found.every((x, i) => Math.abs(x - expected[i]) < by), `${found} is not about ${expected}`);
};

/** Waits for what the page does by and by. */
async function until(holds) {
  const start = performance.now();
  while (!await holds()) assert.ok(performance.now() - start < PATIENCE, `never: ${holds}`);
}

/** Pixels of the mask. */
const painted = (page) => page.evaluate(() => {
  const canvas = document.getElementById("mask");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((_, i) => i % 4 === 3).reduce((sum, alpha) => sum + (alpha > 127), 0);
});

async function draw(page, count = 1) {
  await page.locator("#draw").click();
  await page.locator("#draw").waitFor(); // it was hidden by the click; a quick job shows no progress
  assert.equal(await page.locator("#problem").isVisible(), false, await page.locator("#problem").textContent());
  assert.equal(await page.locator(".card .look img").count(), count);
  assert.match(await page.locator("#status").textContent(), /Done in/);
}

/** Hands a file to the page, at the element, as a drag from the desktop does, or as pasting does. */
async function drop(page, name, type, bytes, at = "#stage", kinds = ["dragover", "drop"]) {
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

/** No serious finding of axe-core, in the light and in the dark. */
async function accessible(page, when) {
  await page.evaluate(AXE);
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" }); // no colour on its way to another
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    const bad = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    const told = bad.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("\n")}`);
    assert.equal(bad.length, 0, `${when}, ${colorScheme}: ${told.join("\n")}`);
  }
}

const noSidewaysScrolling = async (page) => {
  const [content, window] = await page.evaluate(() => [document.scrollingElement.scrollWidth, innerWidth]);
  assert.ok(content <= window, `${content} pixels on a screen of ${window}`);
};

// ---------------------------------------------------------------- scenes

let madePicture; // bytes of a picture that the page gave

async function mouse() {
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
  await slide(page, "steps", pictures ? STEPS.pretty : STEPS.quick);
  const drawing = draw(page);
  if (pictures) {
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
  await slide(page, "steps", pictures ? STEPS.pretty : STEPS.quick);
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

async function cancel() {
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

async function dropBack() {
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

async function keyboard() {
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

async function repaint() {
  const page = await visit();
  await slide(page, "steps", pictures ? STEPS.pretty : STEPS.quick);
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

/** A model that takes pictures of objects: small, random, and therefore no joy to look at. */
async function objectPictures() {
  const model = fileURLToPath(new URL("../../../fixtures/models/text-image", import.meta.url));
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
  await page.context().close();
}

async function phone() {
  const page = await visit({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
  await noSidewaysScrolling(page);
  await page.locator("#clear").tap();
  const cdp = await page.context().newCDPSession(page);
  /** Drags a finger over places on the canvas. */
  const swipe = async (first, ...others) => {
    const { x, y, width, height } = await page.locator("#stage").boundingBox();
    const send = (type, ...points) => cdp.send("Input.dispatchTouchEvent", {
      type, touchPoints: points.map(([a, b]) => ({ x: x + a * width, y: y + b * height })),
    });
    await send("touchStart", first);
    for (const point of others) await send("touchMove", point);
    await send("touchEnd");
  };
  const box = async () => (await boxes(page))[0].box;
  await swipe([0.2, 0.2], [0.4, 0.5], [0.8, 0.8]);
  close(await box(), [0.2, 0.2, 0.8, 0.8]);
  await swipe([0.5, 0.5], [0.52, 0.45], [0.55, 0.4]);
  close(await box(), [0.25, 0.1, 0.85, 0.7]);
  await swipe([0.85, 0.7], [0.8, 0.75], [0.75, 0.85]); // by its lower right corner
  close(await box(), [0.25, 0.1, 0.75, 0.85]);
  await page.locator("#objects input").fill("a red apple");
  await page.fill("#prompt", "a red apple on a yellow background");
  await slide(page, "steps", pictures ? STEPS.pretty : STEPS.quick);
  await draw(page);
  await noSidewaysScrolling(page);
  await accessible(page, "on a phone");
  await screenshot(page, "phone");

  await page.getByRole("button", { name: /^Repaint picture 1/ }).tap();
  await page.locator("#repaint-bar").waitFor();
  await page.getByText("Brush", { exact: true }).tap();
  await swipe([0.3, 0.3], [0.5, 0.5], [0.7, 0.3]);
  await until(async () => await painted(page) > 200);
  await noSidewaysScrolling(page);
  await accessible(page, "repainting on a phone");
  await page.context().close();
}

async function refusals() {
  const page = await visit();
  await page.fill("#prompt", " ");
  await page.locator("#draw").click();
  await page.getByText("There is no caption yet").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "prompt");
  await page.fill("#prompt", "a".repeat(20_000));
  await page.locator("#draw").click();
  await page.getByText("expected at most 10000 characters").waitFor();
  assert.ok(await page.locator("#draw").isVisible());
  server.kill("SIGTERM");
  await new Promise((resolve) => server.on("exit", resolve));
  await page.fill("#prompt", "a cat");
  await page.locator("#draw").click();
  await page.getByText("the server cannot be reached").waitFor();
}

/** Milliseconds until there is something to see, and until the boxes are there to be drawn on; bytes of the whole page. */
async function measure() {
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

try {
  for (const scene of [measure, mouse, dropBack, cancel, keyboard, repaint, objectPictures, phone, refusals]) {
    const start = performance.now();
    await scene();
    assert.deepEqual(complaints, [], scene.name);
    console.log(`${scene.name}: ok, ${((performance.now() - start) / 1000).toFixed(1)} s`);
  }
} finally {
  await browser.close();
  for (const server of servers) server.kill("SIGKILL");
}

// The page: wires the parts together, and runs jobs.

import * as api from "./api.js";
import { addBox } from "./canvas.js";
import * as imported from "./imported.js";
import * as layout from "./layout.js";
import { state } from "./layout.js";
import * as mask from "./mask.js";
import * as objects from "./objects.js";
import { choose, download, toRepaint } from "./pictures.js";
import { textsOf } from "./png.js";
import * as results from "./results.js";
import * as shape from "./shape.js";

const $ = (id) => document.getElementById(id);
const EXAMPLE = {
  prompt: "a cat and a red apple on a light blue background",
  objects: [
    { phrase: "a cat", box: [0.06, 0.3, 0.5, 0.9] },
    { phrase: "a red apple", box: [0.6, 0.42, 0.9, 0.72] },
  ],
};
const RUNNING = "gligen-job";
const TITLE = document.title;

let can = null; // what the server can do
let defaults = {};
let job = null; // the id of the running one

// ---------------------------------------------------------------- fields

/** Binds a field to a place in the state. */
function bind(id, read, write, event = "input") {
  const field = $(id);
  field.addEventListener(event, () => layout.change(`field ${id}`, (state) => write(state, field)));
  layout.onChange(() => {
    const value = String(read(state));
    if (field.value !== value) field.value = value;
    const out = $(`${id}-out`);
    if (out) out.textContent = id === "beta" ? `${Math.round(value * 100)}% of the steps` : value;
  });
}

function setting(id, key, event) {
  bind(id, ({ settings }) => settings[key], ({ settings }, field) => { settings[key] = Number(field.value); }, event);
}

bind("prompt", (state) => state.prompt, (state, field) => { state.prompt = field.value; });
bind("negative", (state) => state.negative, (state, field) => { state.negative = field.value; });
bind("seed", ({ settings }) => settings.seed, ({ settings }, field) => { settings.seed = field.value.replace(/\D/g, ""); });
bind("scheduler", ({ settings }) => settings.scheduler, ({ settings }, field) => { settings.scheduler = field.value; });
setting("steps", "steps");
setting("guidance", "guidance_scale");
setting("beta", "scheduled_sampling_beta");
setting("num-images", "num_images");
for (const side of ["width", "height"]) {
  bind(side, ({ settings }) => settings[side], ({ settings }, field) => {
    const most = can.limits.side;
    settings[side] = Math.min(most, Math.max(64, Math.round(Number(field.value) / 8) * 8)) || defaults[side];
  }, "change");
}

layout.onChange(() => {
  const { settings, repaint } = state;
  $("stage").style.aspectRatio = `${settings.width} / ${settings.height}`;
  $("stage").style.setProperty("--shape", settings.width / settings.height);
  $("undo").disabled = !layout.canUndo();
  $("redo").disabled = !layout.canRedo();
  const about = can?.schedulers.find(({ name }) => name === settings.scheduler);
  $("scheduler-hint").textContent = about ? `${about.name}: ${about.description}.` : "";
  if (repaint) {
    if ($("pictures").dataset.repaint !== repaint.image) {
      showPicture(repaint.image);
      $("stage").classList.remove("result");
    }
    $("pictures").dataset.repaint = repaint.image;
  } else if ($("pictures").dataset.repaint) {
    delete $("pictures").dataset.repaint;
    showPicture(null);
  }
});

// ---------------------------------------------------------------- canvas

/** Shows a picture under the boxes, or none. */
function showPicture(source, isLook = false) {
  const pictures = $("pictures");
  if (!source) pictures.replaceChildren();
  else if (pictures.firstElementChild) pictures.firstElementChild.src = source;
  else pictures.append(Object.assign(new Image(), { src: source, alt: "" }));
  pictures.classList.toggle("look", isLook);
  if (source) $("invitation").hidden = true;
}

/** Shows what was drawn; over a picture to repaint, until the user goes on with that. */
function showResult(source, isLook = false) {
  showPicture(source, isLook);
  $("stage").classList.add("result");
}

$("stage").addEventListener("pointerdown", () => {
  if (!state.repaint || !$("stage").classList.contains("result")) return;
  $("stage").classList.remove("result");
  showPicture(state.repaint.image);
}, { capture: true });

$("add-box").addEventListener("click", addBox);
$("undo").addEventListener("click", layout.undo);
$("redo").addEventListener("click", layout.redo);
$("clear").addEventListener("click", () => {
  showPicture(null);
  layout.change(null, (state) => { state.objects = []; state.repaint = null; });
});
$("show-boxes").addEventListener("change", (event) => $("stage").classList.toggle("hide-boxes", !event.target.checked));
addEventListener("keydown", (event) => {
  const command = event.ctrlKey || event.metaKey;
  const isText = event.target.matches("textarea, input[type=text]");
  if (command && event.key === "Enter") return void draw();
  const key = event.key.toLowerCase();
  if (command && (key === "z" || key === "y") && !isText) {
    event.preventDefault();
    if (event.shiftKey || key === "y") layout.redo(); else layout.undo();
  }
});

// ---------------------------------------------------------------- drawing

const say = (text) => { $("status").textContent = text; };

function complain(error) {
  const box = $("problem");
  box.replaceChildren(error.message);
  if (error.hint) box.append(Object.assign(document.createElement("small"), { textContent: error.hint }));
  box.hidden = false;
}

const act = {
  show: showResult,
  use(used) {
    layout.fromLayout(used, defaults);
    say("Settings taken over.");
  },
  async repaint(blob, used) {
    layout.fromLayout({ ...used, inpaint_image: null, inpaint_mask: null }, defaults);
    await startRepainting(blob);
  },
  opened() {
    $("stage").scrollIntoView({ block: "nearest", behavior: "smooth" });
  },
};

async function draw() {
  if (job) return;
  $("problem").hidden = true;
  if (!state.prompt.trim()) {
    complain(new api.Problem({ detail: "There is no caption yet.", hint: "Say in a few words what the whole picture shows." }));
    return $("prompt").focus();
  }
  const asked = layout.toLayout({ inpaintMode: can.features.inpaint_modes[0] });
  setBusy(true);
  $("stage").scrollIntoView({ block: "nearest" });
  try {
    const { id } = await api.submit(asked);
    try { sessionStorage.setItem(RUNNING, JSON.stringify({ id, asked })); } catch { /* too large to resume */ }
    await run(id, asked);
  } catch (error) {
    complain(error);
    say("");
  } finally {
    setBusy(false);
  }
}

/** Follows a job to its pictures. */
async function run(id, asked) {
  job = id;
  let isLost = false;
  let share = 0; // of the steps that are done
  say("Drawing…");
  try {
    const done = await api.follow(id, {
      queued: ({ position }) => progress(null, position ? `${position} before you` : "starting…"),
      progress: ({ step, steps, eta_s: left }) => {
        share = step / steps;
        progress(share, `step ${step} of ${steps}${timeLeft(left)}`);
      },
      preview: ({ images }) => {
        // Seen from afar, as it were, what is there shows through the noise that is left.
        $("stage").style.setProperty("--blur", `${(1 - share) ** 1.5 * 0.045 * $("stage").clientWidth}px`);
        showResult(images[0], true);
        if (images.length > 1) results.showLooks(images);
      },
    });
    if (!done) {
      showPicture(state.repaint?.image);
      $("stage").classList.remove("result");
      return say("Cancelled.");
    }
    const { images, warnings, seconds } = done.result;
    const made = await Promise.all(images.map(async ({ url, seed, withheld, layout }) => {
      return { blob: await api.picture(url), seed, withheld, layout };
    }));
    const finished = { layout: asked, images: made };
    results.show(finished, act);
    say(`Done in ${seconds.toFixed(1)} s.`);
    if (warnings.length) complain(new api.Problem({ detail: warnings.join("; ") }));
    await results.keep(finished, act);
  } catch (error) {
    isLost = error instanceof api.Lost;
    throw error;
  } finally {
    job = null;
    results.hideLooks();
    // A job that was only lost from sight is looked for again after a reload; a reload itself loses it so.
    if (!isLost) sessionStorage.removeItem(RUNNING);
  }
}

const timeLeft = (seconds) => (seconds >= 1 ? ` · ${Math.round(seconds)} s left` : "");

function progress(share, text) {
  if (share === null) $("progress").removeAttribute("value"); else $("progress").value = share;
  document.title = share === null ? TITLE : `${Math.round(share * 100)}% · ${TITLE}`;
  $("progress-text").textContent = text;
}

function setBusy(isBusy) {
  const hadFocus = document.activeElement === $("draw") || document.activeElement === $("cancel");
  $("draw").hidden = isBusy;
  $("cancel").hidden = !isBusy;
  $("progress-row").hidden = !isBusy;
  progress(null, "starting…");
  if (hadFocus) $(isBusy ? "cancel" : "draw").focus();
}

$("draw").addEventListener("click", draw);
$("cancel").addEventListener("click", () => {
  say("Cancelling…");
  if (job) api.cancel(job).catch(() => { /* over already */ });
});

// ---------------------------------------------------------------- pictures and layouts that come in

async function startRepainting(blob) {
  const { width, height } = state.settings;
  const image = await toRepaint(blob, width, height);
  layout.change(null, (state) => { state.repaint = { image, mask: null }; });
  $("repaint-bar").scrollIntoView({ block: "nearest" });
  say("Paint over what shall change, or draw boxes; then say what stands there.");
}

const FILES_LEFT_OUT = "pictures that the file names are left out: drop each on its box, and one to repaint on the canvas";

/** Takes up a layout that the server read from a file, and tells what it or the page put right or left out. */
function useImported({ layout: found, notes: ofServer }) {
  layout.fromLayout(found, defaults);
  say("Layout opened.");
  $("problem").hidden = true;
  const notes = [...(layout.namesFiles(found) ? [FILES_LEFT_OUT] : []), ...ofServer];
  const more = notes.length > 3 ? [`${notes.length - 3} more`] : [];
  if (notes.length) complain(new api.Problem({ detail: [...notes.slice(0, 3), ...more].join("; ") }));
}

/** A file of layouts, ours or another program's. */
async function openLayouts(file) {
  const layouts = await api.importLayouts(file);
  useImported(layouts[0]);
  imported.offer(layouts, (chosen) => {
    try { useImported(chosen); } catch (error) { complain(error); }
  });
}

/** A file from wherever: a layout, a picture of ours, a picture for a box, or one to repaint. */
async function take(file, target) {
  $("problem").hidden = true;
  try {
    const isPicture = file.type.startsWith("image/");
    const element = isPicture && objects.takesPictures() && target?.closest?.("[data-id]");
    if (element) return await objects.setPicture(Number(element.dataset.id), file);
    imported.offer([]);
    if (!isPicture) return await openLayouts(file);
    const texts = await textsOf(file);
    if (texts.has("gligen")) {
      const found = JSON.parse(texts.get("gligen"));
      layout.fromLayout(found, defaults);
      results.show({ layout: found, images: [{ blob: file, seed: found.seed ?? "?", layout: found }] }, act);
      return say("Layout restored from the picture.");
    }
    // A picture of ComfyUI has its workflow in it; where that says no layout, it is a picture as any other.
    const workflow = texts.get("prompt");
    if (workflow && await openLayouts(new Blob([workflow])).then(() => true, () => false)) return;
    await startRepainting(file);
  } catch (error) {
    complain(new api.Problem({ detail: `${file.name || "this file"} cannot be used: ${error.message}`, hint: error.hint }));
  }
}

addEventListener("dragover", (event) => {
  event.preventDefault();
  $("stage").classList.add("dropping");
});
addEventListener("dragleave", (event) => { if (!event.relatedTarget) $("stage").classList.remove("dropping"); });
addEventListener("drop", (event) => {
  event.preventDefault();
  $("stage").classList.remove("dropping");
  const file = event.dataTransfer.files[0];
  if (file) take(file, event.target);
});
addEventListener("paste", (event) => {
  const file = event.clipboardData.files[0];
  if (file) return void take(file, document.activeElement);
  if (event.target.closest?.("input, textarea")) return; // the text is meant for the field
  const text = event.clipboardData.getData("text/plain");
  if (text.trim()) take(new File([text], "what was pasted", { type: "text/plain" }));
});
$("open").addEventListener("click", async () => {
  const file = await choose("image/png,application/json,.json,.jsonl,.txt");
  if (file) take(file);
});
$("save").addEventListener("click", () => {
  const saved = layout.toLayout({ inpaintMode: can.features.inpaint_modes[0] });
  download(new Blob([JSON.stringify(saved, null, 2)], { type: "application/json" }), "layout.json");
});
$("repaint-open").addEventListener("click", async () => {
  const file = await choose("image/*");
  if (file) startRepainting(file).catch(complain);
});
$("repaint-close").addEventListener("click", () => layout.change(null, (state) => { state.repaint = null; }));
$("reset").addEventListener("click", () => layout.change(null, (state) => {
  state.settings = { ...defaults };
  state.negative = "";
}));

// ---------------------------------------------------------------- help, light and dark

$("help-open").addEventListener("click", () => $("help").showModal());

const THEME = "gligen-theme";
const setTheme = (theme) => { if (theme) document.documentElement.dataset.theme = theme; };
setTheme(localStorage.getItem(THEME));
$("theme").addEventListener("click", () => {
  const isDark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  setTheme(isDark ? "light" : "dark");
  localStorage.setItem(THEME, isDark ? "light" : "dark");
});

// ---------------------------------------------------------------- start

async function begin() {
  can = await api.capabilities();
  defaults = { ...can.defaults, num_images: 1, seed: "" };
  $("model").textContent = can.model.name;
  $("scheduler").replaceChildren(...can.schedulers.map(({ name }) => new Option(name)));
  $("steps").max = Math.min(100, can.limits.steps);
  mask.useBoxes();
  objects.begin(can);
  $("help-pictures").hidden = !objects.takesPictures();
  shape.begin(defaults);
  layout.begin(defaults, EXAMPLE);
  await results.begin(act);
  let left = null;
  try { left = JSON.parse(sessionStorage.getItem(RUNNING)); } catch { /* none */ }
  if (left) {
    setBusy(true);
    await run(left.id, left.asked).catch(() => say("")).finally(() => setBusy(false));
  }
}

begin().catch(complain);

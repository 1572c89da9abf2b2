// What the page holds: a layout, its history of changes, and its copy that survives a reload.

const DRAFT = "gligen-draft";
const COLOURS = ["#175cd3", "#b42318", "#027a48", "#7a2fb5", "#b54708", "#0e7090", "#c11574", "#4e5ba6"];

export const colour = (index) => COLOURS[index % COLOURS.length];

let nextId = 1;

/** The state of the page; change it through `change`. */
export const state = {
  prompt: "",
  negative: "",
  objects: [], // {id, phrase, image: data URL or null, box: [x0, y0, x1, y1]}
  settings: {},
  repaint: null, // {image: data URL, mask: data URL or null}
};
export let selected = null;

const listeners = [];
const past = [];
let future = [];
let lastKind = null;

/** Calls `listener` after every change. */
export const onChange = (listener) => listeners.push(listener);

const copy = () => structuredClone(state);

/** Makes a change that can be undone. Changes of the same kind in a row are undone as one. */
export function change(kind, make) {
  if (!kind || kind !== lastKind) {
    past.push(copy());
    if (past.length > 100) past.shift();
  }
  lastKind = kind;
  future = [];
  make(state);
  tell();
}

/** Ends a row of changes of one kind. */
export const settle = () => { lastKind = null; };

export function undo() { step(past, future); }
export function redo() { step(future, past); }
export const canUndo = () => past.length > 0;
export const canRedo = () => future.length > 0;

function step(from, to) {
  if (!from.length) return;
  to.push(copy());
  Object.assign(state, from.pop());
  lastKind = null;
  if (!state.objects.some((object) => object.id === selected)) selected = null;
  tell();
}

export function select(id) {
  if (selected === id) return;
  selected = id;
  tell();
}

function tell() {
  for (const listener of listeners) listener();
  try {
    // Pictures to repaint are too large to keep at every change.
    localStorage.setItem(DRAFT, JSON.stringify({ ...state, repaint: null }));
  } catch { /* no room: the draft is lost on reload, and nothing else */ }
}

export function newObject(box, from = {}) {
  return { id: nextId++, phrase: from.phrase || "", image: from.image || null, box: box.map(round) };
}

/** Takes up what was there before a reload, or an example. */
export function begin(defaults, example) {
  let draft = null;
  try { draft = JSON.parse(localStorage.getItem(DRAFT)); } catch { /* none */ }
  if (draft && Array.isArray(draft.objects)) {
    Object.assign(state, { ...draft, repaint: null, settings: { ...defaults, ...draft.settings } });
    state.objects = draft.objects.map((object) => newObject(object.box, object));
  } else {
    state.settings = { ...defaults };
    state.prompt = example.prompt;
    state.objects = example.objects.map(({ phrase, box }) => newObject(box, { phrase }));
  }
  tell();
}

const round = (x) => Math.round(Math.min(1, Math.max(0, x)) * 1e4) / 1e4;

/** A box with its corners in order, inside the picture. */
export function tidy([x0, y0, x1, y1]) {
  return [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)].map(round);
}

/** The layout as the server reads it. */
export function toLayout({ inpaintMode }) {
  const { settings } = state;
  const layout = {
    prompt: state.prompt,
    objects: state.objects
      .filter(({ phrase, image }) => phrase.trim() || image)
      .map(({ phrase, image, box }) => ({
        ...(phrase.trim() && { phrase: phrase.trim() }),
        ...(image && { image }),
        box,
      })),
    steps: settings.steps,
    guidance_scale: settings.guidance_scale,
    scheduled_sampling_beta: settings.scheduled_sampling_beta,
    scheduler: settings.scheduler,
    width: settings.width,
    height: settings.height,
    num_images: settings.num_images,
    seed: settings.seed === "" ? -1 : Number(settings.seed),
  };
  if (state.negative.trim()) layout.negative_prompt = state.negative.trim();
  if (state.repaint) {
    layout.inpaint_image = state.repaint.image;
    layout.inpaint_mode = inpaintMode;
    if (state.repaint.mask) layout.inpaint_mask = state.repaint.mask;
  }
  return layout;
}

const isEmbedded = (text) => typeof text === "string" && text.startsWith("data:image/");

/** Whether a layout names pictures by their files, which the page cannot open. */
export function namesFiles({ objects = [], inpaint_image, inpaint_mask }) {
  const pictures = [...objects.flat().map(({ image }) => image), inpaint_image, inpaint_mask];
  return pictures.some((picture) => picture && !isEmbedded(picture));
}

/** Takes up a layout of ours. Throws if it is none. */
export function fromLayout(layout, defaults) {
  const first = (value) => (Array.isArray(value) ? value[0] : value) || "";
  if (typeof first(layout.prompt) !== "string" || !layout.prompt) throw new Error("no caption in it");
  let objects = layout.objects || [];
  if (Array.isArray(objects[0])) objects = objects[0];
  const number = (value, fallback) => (Number.isFinite(value) ? value : fallback);
  change(null, (state) => {
    state.prompt = first(layout.prompt);
    state.negative = first(layout.negative_prompt);
    state.objects = objects
      .filter(({ box }) => Array.isArray(box) && box.length === 4 && box.every(Number.isFinite))
      .map((object) => newObject(tidy(object.box), {
        phrase: String(object.phrase || ""),
        image: isEmbedded(object.image) ? object.image : null,
      }));
    state.settings = {
      ...state.settings,
      steps: number(layout.steps, defaults.steps),
      guidance_scale: number(layout.guidance_scale, defaults.guidance_scale),
      scheduled_sampling_beta: number(layout.scheduled_sampling_beta, defaults.scheduled_sampling_beta),
      scheduler: layout.scheduler || defaults.scheduler,
      width: number(layout.width, defaults.width),
      height: number(layout.height, defaults.height),
      num_images: number(layout.num_images, 1),
      seed: layout.seed >= 0 ? String(layout.seed) : "",
    };
    const { inpaint_image: image, inpaint_mask: mask } = layout;
    state.repaint = isEmbedded(image) ? { image, mask: isEmbedded(mask) ? mask : null } : null;
  });
  select(null);
}

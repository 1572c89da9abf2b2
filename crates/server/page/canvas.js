// The canvas: boxes that are drawn, moved and resized, by mouse, touch and keyboard.

import { change, colour, newObject, onChange, select, selected, settle, state, tidy } from "./layout.js";
import { hideGuides, snap } from "./snap.js";

const stage = document.getElementById("stage");
const layer = document.getElementById("boxes");

/** Handles: which edges each moves; -1 the first, 1 the second, 0 none. */
const HANDLES = [[-1, -1], [0, -1], [1, -1], [1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0]];
const CURSORS = ["nwse", "ns", "nesw", "ew", "nwse", "ns", "nesw", "ew"];

/** A side below this is a slip of the finger, not a box. */
const SMALLEST = 0.02;
const KEY_STEP = 1 / 64;

const find = (id) => state.objects.find((object) => object.id === id);
const area = ([x0, y0, x1, y1]) => (x1 - x0) * (y1 - y0);

/** Where on the stage the pointer is, as fractions. */
function place(event) {
  const rect = stage.getBoundingClientRect();
  const clamp = (x) => Math.min(1, Math.max(0, x));
  return [clamp((event.clientX - rect.left) / rect.width), clamp((event.clientY - rect.top) / rect.height)];
}

export const phraseField = (id) => document.querySelector(`#objects [data-id="${id}"] input`);

/** Follows the pointer until it is lifted. */
function drag(event, move, done) {
  event.preventDefault();
  const { pointerId } = event;
  try { stage.setPointerCapture(pointerId); } catch { /* a pointer that is gone already */ }
  const onMove = (event) => event.pointerId === pointerId && move(place(event), event);
  const onEnd = (event) => {
    if (event.pointerId !== pointerId) return;
    stage.removeEventListener("pointermove", onMove);
    for (const name of ["pointerup", "pointercancel"]) stage.removeEventListener(name, onEnd);
    settle();
    hideGuides();
    done?.(event.type === "pointerup");
  };
  stage.addEventListener("pointermove", onMove);
  for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, onEnd);
}

stage.addEventListener("pointerdown", (event) => {
  // A second finger draws nothing.
  if (event.button !== 0 || !event.isPrimary || stage.classList.contains("brushing")) return;
  const element = event.target.closest(".box");
  const id = element && Number(element.dataset.id);
  const start = place(event);
  if (id && event.target.classList.contains("handle")) return resize(event, id, Number(event.target.dataset.handle));
  if (id && event.altKey) return move(event, lift(id), start);
  if (id && !event.shiftKey) return move(event, id, start);
  drawNew(event, start);
});
// The stage has captured the pointer: the box itself hears of no click.
stage.addEventListener("dblclick", () => phraseField(selected)?.focus());

/** `point`, or a place nearby to which it snaps. */
function snapped(event, [x, y], id) {
  const [dx, dy] = snap(event, [[x], [y]], id);
  return [x + dx, y + dy];
}

function drawNew(event, start) {
  let object = null;
  select(null);
  start = snapped(event, start);
  drag(event, (point, event) => {
    const box = tidy([...start, ...snapped(event, point, object?.id)]);
    if (!object) {
      if (box[2] - box[0] < SMALLEST || box[3] - box[1] < SMALLEST) return;
      object = newObject(box);
      change("draw", (state) => state.objects.push(object));
      select(object.id);
      return;
    }
    change("draw", () => { find(object.id).box = box; });
  }, () => object && phraseField(object.id)?.focus());
}

function move(event, id, start) {
  select(id);
  const from = find(id).box;
  const kind = `move ${id}`;
  drag(event, ([x, y], event) => {
    const [dx, dy] = [x - start[0], y - start[1]];
    const edges = [0, 1].map((axis) => {
      const [first, second] = [from[axis], from[axis + 2]].map((edge) => edge + [dx, dy][axis]);
      return [first, (first + second) / 2, second];
    });
    const by = snap(event, edges, id);
    shift(kind, id, from, dx + by[0], dy + by[1]);
  }, () => layer.querySelector(`[data-id="${id}"]`)?.focus());
}

function shift(kind, id, [x0, y0, x1, y1], dx, dy) {
  dx = Math.min(1 - x1, Math.max(-x0, dx));
  dy = Math.min(1 - y1, Math.max(-y0, dy));
  if (dx || dy) change(kind, () => { find(id).box = tidy([x0 + dx, y0 + dy, x1 + dx, y1 + dy]); });
}

function resize(event, id, handle) {
  select(id);
  const [horizontal, vertical] = HANDLES[handle];
  const [x0, y0, x1, y1] = find(id).box;
  drag(event, ([x, y], event) => {
    const by = snap(event, [horizontal ? [x] : [], vertical ? [y] : []], id);
    [x, y] = [x + by[0], y + by[1]];
    change(`resize ${id}`, () => {
      find(id).box = tidy([
        horizontal < 0 ? x : x0, vertical < 0 ? y : y0,
        horizontal > 0 ? x : x1, vertical > 0 ? y : y1,
      ]);
    });
  });
}

/** A box in the middle, where none lies exactly. */
export function addBox() {
  const offset = (state.objects.length % 6) * 0.05;
  const object = newObject([0.2 + offset, 0.2 + offset, 0.6 + offset, 0.6 + offset]);
  change(null, (state) => state.objects.push(object));
  select(object.id);
  phraseField(object.id)?.focus();
}

export function duplicate(id) {
  const { box, ...rest } = find(id);
  const [dx, dy] = [Math.min(0.05, 1 - box[2]), Math.min(0.05, 1 - box[3])];
  const object = newObject([box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy], rest);
  change(null, (state) => state.objects.push(object));
  select(object.id);
  return object.id;
}

/** A copy in the same place, to be moved away: undone with that move. */
function lift(id) {
  const object = newObject(find(id).box, find(id));
  change(`move ${object.id}`, (state) => state.objects.push(object));
  return object.id;
}

export function remove(id) {
  change(null, (state) => { state.objects = state.objects.filter((object) => object.id !== id); });
  select(null);
}

layer.addEventListener("keydown", (event) => {
  const id = Number(event.target.closest(".box")?.dataset.id);
  if (!id) return;
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const focus = (id) => layer.querySelector(`[data-id="${id}"]`)?.focus();
  if (arrows[event.key]) {
    const [dx, dy] = arrows[event.key].map((x) => x * KEY_STEP);
    const [x0, y0, x1, y1] = find(id).box;
    if (event.shiftKey) {
      const box = [x0, y0, Math.max(x0 + SMALLEST, x1 + dx), Math.max(y0 + SMALLEST, y1 + dy)];
      change(`key resize ${id}`, () => { find(id).box = tidy(box); });
    } else {
      shift(`key move ${id}`, id, [x0, y0, x1, y1], dx, dy);
    }
  } else if (event.key === "Delete" || event.key === "Backspace") {
    remove(id);
    (layer.querySelector(".box") || document.getElementById("add-box")).focus();
  } else if (event.key === "d" && (event.ctrlKey || event.metaKey)) {
    focus(duplicate(id));
  } else if (event.key === "Enter") {
    phraseField(id)?.focus();
  } else if (event.key === "Escape") {
    select(null);
  } else {
    return;
  }
  event.preventDefault();
});
layer.addEventListener("focusin", (event) => select(Number(event.target.closest(".box")?.dataset.id) || null));

const percent = (x) => `${Math.round(x * 100)}%`;

function describe(object, index) {
  const [x0, y0, x1, y1] = object.box;
  const name = object.phrase || (object.image ? "a picture" : "nothing said yet");
  return `Box ${index + 1}: ${name}; from ${percent(x0)} left, ${percent(y0)} down, to ${percent(x1)} left, ${percent(y1)} down`;
}

/** Puts an element for each object, in their order, keeping those that are there: focus stays where it is. */
function render() {
  const known = new Map([...layer.children].map((element) => [Number(element.dataset.id), element]));
  for (const [id, element] of known) if (!find(id)) element.remove();
  state.objects.forEach((object, index) => {
    const element = known.get(object.id) || create(object.id);
    if (layer.children[index] !== element) layer.insertBefore(element, layer.children[index] || null);
    const [x0, y0, x1, y1] = object.box;
    Object.assign(element.style, {
      left: `${x0 * 100}%`, top: `${y0 * 100}%`, width: `${(x1 - x0) * 100}%`, height: `${(y1 - y0) * 100}%`,
      // A small box inside a large one must not hide behind it.
      zIndex: object.id === selected ? 1001 : Math.round(1000 * (1 - area(object.box))),
    });
    element.style.setProperty("--c", colour(index));
    element.classList.toggle("selected", object.id === selected);
    element.setAttribute("aria-label", describe(object, index));
    element.querySelector(".label").textContent = object.phrase || `${index + 1}`;
    const image = element.querySelector("img");
    image.hidden = !object.image;
    if (object.image && image.src !== object.image) image.src = object.image;
  });
  document.getElementById("invitation").hidden =
    state.objects.length > 0 || Boolean(state.repaint) || document.getElementById("pictures").childElementCount > 0;
}

function create(id) {
  const element = document.createElement("div");
  element.className = "box";
  element.dataset.id = id;
  element.tabIndex = 0;
  element.setAttribute("role", "group");
  element.setAttribute("aria-roledescription", "box");
  element.setAttribute("aria-describedby", "box-keys");
  const image = Object.assign(document.createElement("img"), { alt: "", hidden: true });
  const label = Object.assign(document.createElement("span"), { className: "label" });
  element.append(image, label, ...HANDLES.map(([x, y], handle) => {
    const dot = Object.assign(document.createElement("span"), { className: "handle" });
    dot.dataset.handle = handle;
    Object.assign(dot.style, { left: `${50 + 50 * x}%`, top: `${50 + 50 * y}%`, cursor: `${CURSORS[handle]}-resize` });
    return dot;
  }));
  return element;
}

onChange(render);

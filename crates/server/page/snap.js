// Snapping: edges and middles fall on those of the canvas and of the other boxes, and a line says so.

import { state } from "./layout.js";

const stage = document.getElementById("stage");
const guides = document.getElementById("guides");

/** From so many pixels of the screen. */
const REACH = 7;

/** Where to fall on; axis 0 is across, 1 is down. */
function places(axis, id) {
  const others = state.objects.filter((object) => object.id !== id);
  return [0, 0.5, 1, ...others.flatMap(({ box }) => [box[axis], (box[axis] + box[axis + 2]) / 2, box[axis + 2]])];
}

/** The shortest way from one of `edges` to a place within reach, or null. */
function shortest(axis, edges, id) {
  const reach = REACH / (axis === 0 ? stage.clientWidth : stage.clientHeight);
  const ways = edges.flatMap((edge) => places(axis, id).map((place) => ({ by: place - edge, place })));
  const near = ways.filter(({ by }) => Math.abs(by) <= reach);
  return near.length ? near.reduce((a, b) => (Math.abs(b.by) < Math.abs(a.by) ? b : a)) : null;
}

/**
 * How far to move, across and down, so that one of `edges` (a list for each axis) of the box `id` snaps.
 * Not while the user holds Ctrl, or has switched it off.
 */
export function snap(event, edges, id) {
  const isOff = event.ctrlKey || event.metaKey || !document.getElementById("snap").checked;
  const ways = edges.map((edges, axis) => (isOff ? null : shortest(axis, edges, id)));
  guides.replaceChildren(...ways.flatMap((way, axis) => {
    if (!way || way.place === 0 || way.place === 1) return [];
    const line = document.createElement("i");
    line.className = axis === 0 ? "across" : "down";
    line.style.setProperty("--at", `${way.place * 100}%`);
    return [line];
  }));
  return ways.map((way) => (way ? way.by : 0));
}

export const hideGuides = () => guides.replaceChildren();

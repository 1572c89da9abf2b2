// The list of objects: a phrase, and a picture if the model takes one, for each box.

import { duplicate, remove } from "./canvas.js";
import { change, colour, onChange, select, selected, state } from "./layout.js";
import { choose, toObject } from "./pictures.js";

const list = document.getElementById("objects");
const find = (id) => state.objects.find((object) => object.id === id);
const PICTURE_ICON = `<svg viewBox="0 0 16 16" aria-hidden="true"><rect x="1.5" y="2.5" width="13" height="11" rx="2"/>
  <circle cx="5" cy="6" r="1.2"/><path d="M2 12l4-3.5 2.5 2 3-3 3 3"/></svg>`;
let features = { max_objects: 30 };
let known = null; // what the model has learnt, if that can be listed
let about = "";

export function begin(capabilities) {
  features = capabilities.features;
  const { things, backgrounds } = capabilities.model;
  document.getElementById("known-things").replaceChildren(...things.map((thing) => new Option(thing)));
  if (things.length) {
    known = new Set(things.map(noun));
    about = `This small model has learnt ${things.length} things (type to see them) on plain backgrounds: ${backgrounds.join(", ")}.`;
  }
  render();
}

/** A name without its article. */
const noun = (name) => name.trim().toLowerCase().replace(/^(an?|the) +/, "");

/** Gives the object `id` a picture from a file. */
export async function setPicture(id, blob) {
  const image = await toObject(blob);
  change(null, () => { find(id).image = image; });
}

export const takesPictures = () => features.object_pictures;

function create(id) {
  const item = document.createElement("li");
  item.dataset.id = id;
  item.innerHTML = `<span class="dot" aria-hidden="true"></span>
    <input type="text" list="known-things" autocomplete="off" placeholder="what stands here?">
    <button type="button" class="picture"></button>
    <button type="button" class="copy" title="Copy"><svg viewBox="0 0 16 16" aria-hidden="true"><rect x="2" y="2" width="8.5" height="8.5" rx="2"/><path d="M5.5 13.9h6.2a2.2 2.2 0 0 0 2.2-2.2V5.5"/></svg></button>
    <button type="button" class="remove" title="Remove"><svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3.5 3.5l9 9m0-9l-9 9"/></svg></button>`;
  const input = item.querySelector("input");
  input.addEventListener("input", () => change(`phrase ${id}`, () => { find(id).phrase = input.value; }));
  input.addEventListener("focus", () => select(id));
  item.addEventListener("click", (event) => event.target === item && select(id));
  item.querySelector(".picture").addEventListener("click", async () => {
    if (find(id).image) return change(null, () => { find(id).image = null; });
    const file = await choose("image/*");
    if (file) setPicture(id, file);
  });
  item.querySelector(".copy").addEventListener("click", () => duplicate(id));
  item.querySelector(".remove").addEventListener("click", () => {
    const next = item.nextElementSibling || item.previousElementSibling;
    remove(id);
    (next?.querySelector("input") || document.getElementById("add-box")).focus();
  });
  return item;
}

function render() {
  const items = new Map([...list.children].map((item) => [Number(item.dataset.id), item]));
  state.objects.forEach((object, index) => {
    let item = items.get(object.id);
    if (!item) list.append((item = create(object.id)));
    items.delete(object.id);
    if (list.children[index] !== item) list.insertBefore(item, list.children[index]);
    item.style.setProperty("--c", colour(index));
    item.classList.toggle("selected", object.id === selected);
    item.querySelector(".dot").textContent = index + 1;
    const input = item.querySelector("input");
    if (input.value !== object.phrase) input.value = object.phrase;
    const name = object.phrase ? `${index + 1}, ${object.phrase}` : `${index + 1}`;
    input.setAttribute("aria-label", `Phrase of box ${index + 1}`);
    item.querySelector(".copy").setAttribute("aria-label", `Copy box ${name}`);
    item.querySelector(".remove").setAttribute("aria-label", `Remove box ${name}`);
    const picture = item.querySelector(".picture");
    picture.hidden = !features.object_pictures && !object.image;
    picture.setAttribute("aria-label", `${object.image ? "Take away the picture" : "Choose a picture"} of box ${name}`);
    picture.title = object.image ? "Take its picture away" : "Give it a picture";
    if (picture.dataset.image !== (object.image || "none")) {
      picture.dataset.image = object.image || "none";
      const image = object.image && Object.assign(new Image(), { src: object.image, alt: "" });
      picture.innerHTML = PICTURE_ICON;
      if (image) picture.replaceChildren(image);
    }
  });
  for (const item of items.values()) item.remove();
  const count = state.objects.length;
  const strange = state.objects.map(({ phrase }) => phrase).filter((phrase) => phrase.trim() && known && !known.has(noun(phrase)));
  document.getElementById("things").textContent =
    strange.length ? `${about} It has not learnt “${strange.join("”, “")}”, and will draw something else.` : about;
  document.getElementById("no-objects").hidden = count > 0;
  document.getElementById("object-count").textContent =
    count > features.max_objects ? `${count}: the model sees the first ${features.max_objects}` : count || "";
}

onChange(render);

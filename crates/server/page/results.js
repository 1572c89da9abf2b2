// Finished pictures: side by side with their boxes, and the history below.

import { colour } from "./layout.js";
import * as history from "./history.js";
import { download } from "./pictures.js";

const results = document.getElementById("results");
const strip = document.getElementById("history");
const urls = new Map();

/** The address of a blob, the same each time. */
function address(blob) {
  if (!urls.has(blob)) urls.set(blob, URL.createObjectURL(blob));
  return urls.get(blob);
}

const captionOf = (layout) => [layout.prompt].flat()[0];
const element = (tag, fields, ...children) => {
  const made = Object.assign(document.createElement(tag), fields);
  made.append(...children);
  return made;
};
const button = (text, label, onclick) => {
  const made = element("button", { type: "button", onclick }, text);
  made.setAttribute("aria-label", label);
  return made;
};

/** Shows the pictures of a run. `act`: what the page does with one: `show`, `use`, `repaint`. */
export function show(run, act) {
  const cards = run.images.map((image, index) => card(run, image, index, act));
  results.replaceChildren(...cards);
  if (cards.length) pick(cards[0], run.images[0], act);
}

/** Shows unfinished pictures, data URLs, where the finished ones will be. */
export function showLooks(sources) {
  const images = results.querySelectorAll(".card.look img");
  if (images.length === sources.length) {
    images.forEach((image, index) => { image.src = sources[index]; });
  } else {
    results.replaceChildren(...sources.map((src) => element("div", { className: "card look" }, element("img", { src, alt: "" }))));
  }
}

export const hideLooks = () => results.querySelectorAll(".card.look").forEach((card) => card.remove());

function pick(card, image, act) {
  for (const other of results.children) other.classList.toggle("shown", other === card);
  act.show(address(image.blob), image);
}

function card(run, image, index, act) {
  const name = `picture ${index + 1}, seed ${image.seed}`;
  const layout = image.layout || run.layout;
  const look = element("button", { type: "button", className: "look" });
  look.setAttribute("aria-label", `Show ${name} on the canvas`);
  const boxes = element("span", { className: "overlay" });
  [layout.objects || []].flat(2).forEach(({ box: [x0, y0, x1, y1] }, n) => {
    const frame = element("i");
    Object.assign(frame.style, {
      left: `${x0 * 100}%`, top: `${y0 * 100}%`, width: `${(x1 - x0) * 100}%`, height: `${(y1 - y0) * 100}%`,
    });
    frame.style.setProperty("--c", colour(n));
    boxes.append(frame);
  });
  look.append(element("img", { src: address(image.blob), alt: captionOf(layout) }), boxes);
  const file = `gligen-${image.seed}.png`;
  const bar = element("div", { className: "bar" },
    element("span", { className: "quiet seed" }, image.withheld ? "withheld by the safety checker" : `seed ${image.seed}`),
    button("Use these settings", `Use these settings: ${name}`, () => act.use(layout)),
    button("Repaint", `Repaint ${name}`, () => act.repaint(image.blob, layout)),
    button("Download", `Download ${name}`, () => download(image.blob, file)));
  const made = element("div", { className: "card" }, look, bar);
  look.addEventListener("click", () => pick(made, image, act));
  return made;
}

/** Keeps a run and shows it in the history. */
export async function keep(run, act) {
  try {
    await history.add(run);
  } catch {
    return; // no room or not allowed: the pictures are still on the page
  }
  strip.prepend(entry(run, act));
  tellLength();
}

/** Shows what was kept before. */
export async function begin(act) {
  const runs = await history.all().catch(() => []);
  strip.replaceChildren(...runs.map((run) => entry(run, act)));
  tellLength();
  document.getElementById("history-clear").addEventListener("click", async () => {
    if (!confirm("Forget all pictures in this browser?")) return;
    await history.clear();
    strip.replaceChildren();
    tellLength();
  });
}

function entry(run, act) {
  const caption = captionOf(run.layout);
  const open = element("button", { type: "button", className: "open", onclick: () => { show(run, act); act.opened(); } },
    element("img", { src: address(run.images[0].blob), alt: "", loading: "lazy" }),
    element("span", {}, caption));
  open.setAttribute("aria-label", `Open: ${caption}`);
  const item = element("li", {}, open, button("✕", `Forget: ${caption}`, async () => {
    await history.remove(run.id);
    item.remove();
    tellLength();
  }));
  item.lastElementChild.className = "remove";
  return item;
}

function tellLength() {
  document.getElementById("no-history").hidden = strip.childElementCount > 0;
  document.getElementById("history-clear").hidden = strip.childElementCount === 0;
}

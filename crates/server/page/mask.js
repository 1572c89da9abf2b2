// The mask of a picture to repaint: painted over it with a brush.

import { change, onChange, state } from "./layout.js";

const stage = document.getElementById("stage");
const canvas = document.getElementById("mask");
const context = canvas.getContext("2d", { willReadFrequently: true });
const COLOUR = "#ff3b6b";

let tool = "box";
let shown; // the mask that the canvas shows

for (const radio of document.querySelectorAll("[name=tool]")) {
  radio.addEventListener("change", () => {
    tool = radio.value;
    stage.classList.toggle("brushing", tool !== "box");
  });
}

export function useBoxes() {
  document.querySelector("[name=tool][value=box]").click();
}

function point(event) {
  const rect = canvas.getBoundingClientRect();
  return [
    (event.clientX - rect.left) / rect.width * canvas.width,
    (event.clientY - rect.top) / rect.height * canvas.height,
  ];
}

stage.addEventListener("pointerdown", (event) => {
  if (tool === "box" || event.button !== 0 || !event.isPrimary || !state.repaint) return;
  event.preventDefault();
  stage.setPointerCapture(event.pointerId);
  const size = Number(document.getElementById("brush-size").value) / 100 * canvas.width;
  Object.assign(context, {
    globalCompositeOperation: tool === "eraser" ? "destination-out" : "source-over",
    strokeStyle: COLOUR, lineWidth: size, lineCap: "round", lineJoin: "round",
  });
  let last = point(event);
  const stroke = (event) => {
    if (!event.isPrimary) return;
    context.beginPath();
    context.moveTo(...last);
    last = point(event);
    context.lineTo(...last);
    context.stroke();
  };
  stroke(event);
  const end = (event) => {
    if (!event.isPrimary) return;
    stage.removeEventListener("pointermove", stroke);
    for (const name of ["pointerup", "pointercancel"]) stage.removeEventListener(name, end);
    shown = toMask();
    change(null, (state) => { state.repaint = { ...state.repaint, mask: shown }; });
  };
  stage.addEventListener("pointermove", stroke);
  for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, end);
});

document.getElementById("mask-clear").addEventListener("click", () => {
  change(null, (state) => { state.repaint = { ...state.repaint, mask: null }; });
});

/** White where something was painted, black elsewhere, as a data URL; null if nothing was. */
function toMask() {
  const { width, height } = canvas;
  const pixels = context.getImageData(0, 0, width, height);
  let any = false;
  for (let i = 0; i < pixels.data.length; i += 4) {
    const painted = pixels.data[i + 3] >= 128;
    any ||= painted;
    pixels.data.fill(painted ? 255 : 0, i, i + 3);
    pixels.data[i + 3] = 255;
  }
  if (!any) return null;
  const copy = Object.assign(document.createElement("canvas"), { width, height });
  copy.getContext("2d").putImageData(pixels, 0, 0);
  return copy.toDataURL("image/png");
}

/** Shows a mask that did not come from the brush: of a layout, or after an undo. */
async function show(mask) {
  const image = mask && Object.assign(new Image(), { src: mask });
  if (image) await image.decode();
  if (mask !== shown) return; // overtaken
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (!image) return;
  context.globalCompositeOperation = "source-over";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < pixels.data.length; i += 4) {
    const light = pixels.data[i] >= 128;
    pixels.data.set([0xff, 0x3b, 0x6b, light ? 255 : 0], i);
  }
  context.putImageData(pixels, 0, 0);
}

onChange(() => {
  const { repaint, settings } = state;
  canvas.hidden = !repaint;
  document.getElementById("repaint-bar").hidden = !repaint;
  document.getElementById("repaint-open").hidden = Boolean(repaint);
  if (!repaint) {
    shown = undefined;
    if (tool !== "box") useBoxes();
    return;
  }
  if (canvas.width !== settings.width || canvas.height !== settings.height) {
    Object.assign(canvas, { width: settings.width, height: settings.height });
    shown = undefined;
  }
  if (repaint.mask !== shown) {
    shown = repaint.mask;
    show(shown);
  }
});

// Shapes of the canvas to choose from. The longer side is always the model's own, at which it is best.

import { change, onChange, state } from "./layout.js";

const SHAPES = [
  ["Square", 1, 1], ["Landscape 4:3", 4, 3], ["Portrait 3:4", 3, 4], ["Wide 16:9", 16, 9], ["Tall 9:16", 9, 16],
];

const select = document.getElementById("shape");
const valueOf = (width, height) => `${width} × ${height}`;
const rounded = (pixels) => Math.max(64, Math.round(pixels / 8) * 8);

export function begin({ width, height }) {
  const longer = Math.max(width, height);
  select.replaceChildren(...SHAPES.map(([name, across, down]) => {
    const unit = longer / Math.max(across, down);
    return new Option(name, valueOf(rounded(across * unit), rounded(down * unit)));
  }));
  select.addEventListener("change", () => {
    const [width, height] = select.value.split(" × ").map(Number);
    change(null, ({ settings }) => Object.assign(settings, { width, height }));
  });
}

onChange(() => {
  const { width, height } = state.settings;
  const size = valueOf(width, height);
  select.querySelector("[data-own]")?.remove();
  if (![...select.options].some(({ value }) => value === size)) {
    const own = new Option(size, size); // typed, or of a layout
    own.dataset.own = "";
    select.append(own);
  }
  select.value = size;
  // A picture to repaint has been cut to shape.
  for (const id of ["shape", "width", "height"]) document.getElementById(id).disabled = Boolean(state.repaint);
});

// A file with several layouts: which of them is on the canvas.

const bar = document.getElementById("imported-bar");
const choice = document.getElementById("imported");

const caption = ({ prompt }) => (Array.isArray(prompt) ? prompt[0] : prompt);

/** Lets the user choose among `layouts`, as the server reads them from a file; calls `use` with each choice. */
export function offer(layouts, use) {
  bar.hidden = layouts.length < 2;
  choice.replaceChildren(...layouts.map(({ id, layout }, index) => new Option(`${id}: ${caption(layout)}`, index)));
  choice.onchange = () => use(layouts[choice.value]);
}

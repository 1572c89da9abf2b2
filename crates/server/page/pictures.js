// Pictures that users bring: read, cut to shape, made small.

/** The longest side of a picture of an object; the model looks at fewer pixels. */
const OBJECT_SIDE = 336;

const bitmap = (blob) => createImageBitmap(blob).catch(() => {
  throw new Error("this file is no picture that the browser can read");
});

function draw(width, height, paint) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  paint(context);
  return canvas;
}

/** The middle of the picture at the aspect of `width` × `height`, in that size, as a data URL. */
export async function toRepaint(blob, width, height) {
  const image = await bitmap(blob);
  const scale = Math.max(width / image.width, height / image.height);
  const [w, h] = [image.width * scale, image.height * scale];
  const canvas = draw(width, height, (context) => context.drawImage(image, (width - w) / 2, (height - h) / 2, w, h));
  const png = canvas.toDataURL("image/png");
  // A file holds no larger layout than 1 MiB; beside such a picture nobody sees the difference.
  return png.length < 600_000 ? png : canvas.toDataURL("image/jpeg", 0.94);
}

/** The picture of an object, as a data URL. */
export async function toObject(blob) {
  const image = await bitmap(blob);
  const scale = Math.min(1, OBJECT_SIDE / Math.max(image.width, image.height));
  const [w, h] = [image.width, image.height].map((side) => Math.max(1, Math.round(side * scale)));
  return draw(w, h, (context) => {
    context.fillStyle = "#fff";
    context.fillRect(0, 0, w, h);
    context.drawImage(image, 0, 0, w, h);
  }).toDataURL("image/jpeg", 0.92);
}

/** Lets the user choose a file; gives null if they do not. */
export function choose(accept) {
  const input = document.getElementById("file");
  input.accept = accept;
  input.value = "";
  return new Promise((resolve) => {
    input.onchange = () => resolve(input.files[0] || null);
    input.oncancel = () => resolve(null);
    input.click();
  });
}

export function download(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

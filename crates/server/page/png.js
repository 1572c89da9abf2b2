// The layout in a picture made by us: the text `gligen` of a PNG file.

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

/** The layout that the file holds, or null. */
export async function layoutOf(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte)) return null;
  const view = new DataView(bytes.buffer);
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const data = bytes.subarray(at + 8, at + 8 + length);
    const text = kind === "tEXt" ? plainText(data) : kind === "iTXt" ? internationalText(data) : null;
    if (text) return JSON.parse(text);
    at += 12 + length;
  }
  return null;
}

const KEYWORD = [...new TextEncoder().encode("gligen"), 0];
const isOurs = (data) => KEYWORD.every((byte, i) => data[i] === byte);

function plainText(data) {
  return isOurs(data) ? new TextDecoder("latin1").decode(data.subarray(KEYWORD.length)) : null;
}

/** Keyword, packed or not, how, language, keyword in that language, text. We write no packed ones. */
function internationalText(data) {
  if (!isOurs(data) || data[KEYWORD.length] !== 0) return null;
  const language = data.indexOf(0, KEYWORD.length + 2);
  const translated = data.indexOf(0, language + 1);
  return new TextDecoder().decode(data.subarray(translated + 1));
}

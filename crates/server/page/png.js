// The texts in a PNG file: layouts of ours, and workflows of other programs.

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

/** The text under a keyword as bytes of the two kinds of chunks have it; packed ones are left out. */
const READ = { tEXt: plainText, iTXt: internationalText };

/** The texts that the file holds by their keywords; none if it is another kind of picture. */
export async function textsOf(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const texts = new Map();
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte)) return texts;
  const view = new DataView(bytes.buffer);
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const data = bytes.subarray(at + 8, at + 8 + length);
    const end = data.indexOf(0); // of the keyword
    const text = end > 0 ? READ[kind]?.(data, end + 1) : null;
    if (text) texts.set(latin(data.subarray(0, end)), text);
    at += 12 + length;
  }
  return texts;
}

const latin = (bytes) => new TextDecoder("latin1").decode(bytes);

function plainText(data, at) {
  return latin(data.subarray(at));
}

/** Packed or not, how, language, keyword in that language, text. */
function internationalText(data, at) {
  if (data[at] !== 0) return null;
  const language = data.indexOf(0, at + 2);
  const translated = data.indexOf(0, language + 1);
  return new TextDecoder().decode(data.subarray(translated + 1));
}

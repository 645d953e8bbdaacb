// Text to symbols and back, as charlm's tokenizers do it.

/** Text with symbols in place of characters that cannot be seen or that change the direction of others. */
function visible(text) {
  return text.replace(/[\u0000-\u0008\u000b-\u001f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)))
    .replace(/\u007f/g, "\u2421")
    .replace(/[\u0080-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
      (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}

/** Symbols and the text that each stands for.
 *
 * `pieces` are the bytes of each symbol, maybe part of a character.
 */
class Tokenizer {
  constructor({ kind, characters, subwords, begin, end, unknown, numUnknown, names, normalize, unifiesNewlines }) {
    Object.assign(this, { kind, begin, end, unknown, numUnknown, names, normalize, unifiesNewlines });
    const encoder = new TextEncoder();
    const texts = { char: ["\ufffd", ...characters ?? ""], byte: [...Array(256).keys()], sentencepiece: subwords?.pieces };
    const inner = texts[kind].map((each) => (typeof each === "number" ? Uint8Array.of(each) : encoder.encode(each)));
    this.subwords = kind === "sentencepiece" ? new Subwords(subwords) : null;
    this.special = begin === null ? [] : [new Uint8Array(0), encoder.encode("\n")];
    this.pieces = [...this.special, ...inner];
    this.characters = new Map(Array.from(characters ?? "", (character, index) => [character, index + 1]));
  }

  /** Returns a text in the form that the training text was given; a half of a surrogate pair becomes U+FFFD. */
  clean(text) {
    let cleaned = text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
    if (this.unifiesNewlines) cleaned = cleaned.replace(/\r\n?/g, "\n");
    return this.normalize === null ? cleaned : cleaned.normalize(this.normalize);
  }

  /** Returns the symbols of a text without the begin and the end of records. */
  encode(text) {
    const shift = this.special.length;
    if (this.subwords !== null) return this.subwords.encode(text).map((symbol) => symbol + shift);
    if (this.kind === "byte") return Array.from(new TextEncoder().encode(text), (byte) => byte + shift);
    return Array.from(text, (character) => (this.characters.get(character) ?? 0) + shift);
  }

  /** Returns the symbols of a whole text to be measured: of records, each line that is not empty between begin and end. */
  encodeAll(text) {
    if (this.begin === null) return this.encode(text);
    return this.records(text).flatMap((record) => [this.begin, ...this.encode(record), this.end]);
  }

  /** Returns the records of a text: its lines, without empty ones. */
  records(text) {
    return text.split("\n").map((line) => line.replace(/\r$/, "")).filter((line) => line !== "");
  }

  /** Returns the symbols to be read before a text is written: a prompt's, or those that a text begins after. */
  encodePrompt(text) {
    if (this.begin !== null) return [this.begin, ...this.encode(text)];
    const symbols = this.encode(text);
    if (symbols.length) return symbols;
    const start = ["\n", " "].find((each) => !this.unknownIn(each).length);
    return start === undefined ? [this.neverDrawn().includes(0) ? 1 : 0] : this.encode(start);
  }

  /** Returns the distinct characters of a text that the vocabulary lacks. */
  unknownIn(text) {
    if (this.kind !== "char") return [];
    return [...new Set(Array.from(text).filter((character) => !this.characters.has(character)))];
  }

  /** Returns the symbols that stand for nothing that could be shown. */
  neverDrawn() {
    return [this.unknown, this.begin].filter((symbol) => symbol !== null);
  }

  /** Returns a function from symbols, one at a time, to the text that each completes. */
  decoder() {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    return (symbol) => decoder.decode(this.pieces[symbol], { stream: true });
  }
}

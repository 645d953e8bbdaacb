// A measured text in colours, and what is told of the character that is pointed at.

class ShadedText {
  /** @param {object} shading where the levels of bits and of units' values begin, and the names of the levels */
  constructor(tokenizer, shading) {
    Object.assign(this, { tokenizer, shading, pieces: [], current: null, stretches: [], measurement: null });
    this.box = element("shaded");
    this.box.addEventListener("pointerover", (event) => this.choose(this.placeOf(event.target)));
    this.box.addEventListener("click", (event) => this.choose(this.placeOf(event.target)));
    this.box.addEventListener("focus", () => this.choose(this.current ?? 0));
    this.box.addEventListener("keydown", (event) => this.move(event));
  }

  /** Shows a measured text, coloured by "surprise" or by the "unit" that was measured. */
  show(measurement, colour) {
    const isSame = this.measurement !== null && this.measurement.text === measurement.text;
    this.measurement = measurement;
    this.stretches = measurement.stretches();
    const lines = [make("div")];
    this.pieces = this.stretches.map((stretch, place) => {
      const piece = make("b", this.classOf(stretch, colour), stretch.text === "\n" ? "⏎" : visible(stretch.text));
      piece.dataset.place = place;
      lines.at(-1).append(piece);
      if (stretch.text.endsWith("\n")) lines.push(make("div"));
      return piece;
    });
    if (!lines.at(-1).hasChildNodes()) lines.pop();
    this.box.replaceChildren(...lines);
    const before = isSame ? this.current : null;
    this.current = null;
    if (before !== null) this.choose(before);
    else if (document.activeElement === this.box) this.choose(0);
  }

  showKey(colour) {
    const names = colour === "surprise" ? this.shading.bitNames : ["-1", "", "", "", "0", "", "", "", "1"];
    const prefix = colour === "surprise" ? "l" : "u";
    const samples = names.map((name, level) => {
      const item = make("li");
      item.append(make("b", `${prefix}${level}`, name || "\u00a0"));
      return item;
    });
    element("key").replaceChildren(make("li", "", colour === "surprise" ? "Bits for a character" : "The unit's value"), ...samples);
  }

  classOf({ text, first, last }, colour) {
    const { bits, values } = this.measurement;
    if (colour === "unit") return `u${this.shading.unitBorders.filter((border) => values[last] >= border).length}`;
    const level = this.bitsOf(first, last) / Array.from(text).length;
    if (Number.isNaN(bits[last])) return "";
    return `l${this.shading.bitBorders.filter((border) => level >= border).length}`;
  }

  bitsOf(first, last) {
    let bits = 0;
    for (let place = first; place <= last; place++) bits += this.measurement.bits[place] || 0;
    return bits;
  }

  placeOf(target) {
    const { place } = target.dataset ?? {};
    return place === undefined ? null : Number(place);
  }

  /** Makes a piece of the text the current one, and tells about it. */
  choose(place) {
    if (place === null || place === this.current || this.pieces[place] === undefined) return;
    this.pieces[this.current]?.classList.remove("current");
    this.current = place;
    this.pieces[place].classList.add("current");
    this.tell(this.stretches[place]);
  }

  move(event) {
    if (this.current === null) return;
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -this.current, End: this.pieces.length - 1 - this.current };
    const step = event.key === "ArrowUp" || event.key === "ArrowDown" ? this.lineStep(event.key) : steps[event.key];
    if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    this.choose(Math.min(Math.max(this.current + step, 0), this.pieces.length - 1));
    this.pieces[this.current].scrollIntoView({ block: "nearest" });
  }

  /** Returns how many pieces away the nearest one of the line above or below is. */
  lineStep(key) {
    const step = key === "ArrowDown" ? 1 : -1, from = this.pieces[this.current].getBoundingClientRect();
    let best = 0, nearest = Infinity, line = null;
    for (let place = this.current + step; this.pieces[place] !== undefined; place += step) {
      const { top, left } = this.pieces[place].getBoundingClientRect();
      if (Math.abs(top - from.top) < from.height / 2) continue;
      line ??= top;
      if (Math.abs(top - line) >= from.height / 2) break;
      if (Math.abs(left - from.left) < nearest) [best, nearest] = [place - this.current, Math.abs(left - from.left)];
    }
    return best;
  }

  tell({ text, first, last }) {
    const { bits, ranks, values, unit } = this.measurement;
    const shown = { "\n": "line end", " ": "space", "\t": "tab" }[text] ?? visible(text);
    const heading = make("p");
    heading.append(make("strong", "", shown));
    const value = `unit ${unit.layer + 1}:${unit.unit + 1} is ${values[last].toFixed(2)} after it`;
    if (Number.isNaN(bits[last])) {
      heading.append(` was read, not measured; ${value}.`);
      element("detail").replaceChildren(heading);
      return;
    }
    const several = last > first ? ` for its ${last - first + 1} symbols` : `, rank ${ranks[last]}`;
    heading.append(` took ${this.bitsOf(first, last).toFixed(2)} bits${several}; ${value}.`);
    element("detail").replaceChildren(heading, this.alternatives(last));
  }

  /** Returns the likeliest symbols at a place as a list with bars. */
  alternatives(place) {
    const { top, likeliest, probabilities, symbols } = this.measurement, list = make("ul", "alternatives");
    list.setAttribute("aria-label", "The likeliest symbols in its place");
    for (let slot = place * top; slot < (place + 1) * top && probabilities[slot] > 0; slot++) {
      const share = probabilities[slot], item = make("li");
      const name = make("code", likeliest[slot] === symbols[place] ? "it" : "", this.tokenizer.names[likeliest[slot]]);
      const bar = make("span", "bar");
      bar.style.setProperty("--share", `${100 * share}%`);
      item.append(name, bar, make("span", "share", share < 0.01 ? "<1%" : `${Math.round(100 * share)}%`));
      list.append(item);
    }
    return list;
  }
}

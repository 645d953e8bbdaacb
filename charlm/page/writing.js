// Text that is written symbol by symbol, and the code lengths of a text that is there.

const LONGEST_PROMPT = 1 << 14; // symbols at its end that are read
const LONGEST_RECORD = 1000; // characters after which a record that does not end is ended

/** Passes text on as it arrives, up to a stop string; what may be the beginning of one is held back. */
class StopFilter {
  constructor(stop) {
    Object.assign(this, { stop, held: "", stopped: false });
  }

  feed(text) {
    if (this.stopped) return "";
    if (this.stop === "") return text;
    const whole = this.held + text, place = whole.indexOf(this.stop);
    if (place >= 0) {
      this.stopped = true;
      return whole.slice(0, place);
    }
    let size = Math.min(this.stop.length - 1, whole.length);
    while (size > 0 && !whole.endsWith(this.stop.slice(0, size))) size--;
    this.held = whole.slice(whole.length - size);
    return whole.slice(0, whole.length - size);
  }
}

/** A text that a network goes on with. Records follow one another, each from the first state and with a seed of its own. */
class Writer {
  /**
   * @param {object} settings temperature, topK, topP and seed, as `Drawer` takes them, and stop, empty for none
   * @param {string} prompt cleaned, of characters that the tokenizer knows
   */
  constructor(network, tokenizer, settings, prompt) {
    Object.assign(this, { network, tokenizer, settings, prompt, numRecords: 0, saved: null });
    this.begin();
  }

  get stopped() {
    return this.filter.stopped;
  }

  /** Draws a symbol and returns the text that it completes; of a record that ends, a line end and the next one's prompt. */
  next() {
    const { tokenizer, network } = this, symbol = this.drawer.draw(this.logits);
    if (symbol === tokenizer.end || this.length >= LONGEST_RECORD && tokenizer.end !== null) {
      this.numRecords++;
      this.begin();
      return `\n${this.prompt}`;
    }
    const piece = this.decode(symbol);
    this.length += piece.length;
    this.logits = network.step(symbol);
    return this.filter.feed(piece);
  }

  /** Keeps the state, so that the network can be used for something else until `resume`. */
  suspend() {
    this.saved = { state: this.network.save(), logits: this.logits.slice() };
  }

  resume() {
    if (this.saved === null) return;
    this.network.restore(this.saved.state);
    this.logits = this.saved.logits;
    this.saved = null;
  }

  /** Goes on with other settings; a seed that is not a new one goes on with its numbers. */
  retune(settings) {
    if (settings.seed !== this.settings.seed) this.drawer = new Drawer(settings, this.tokenizer.neverDrawn());
    if (settings.stop !== this.settings.stop || this.stopped) this.filter = new StopFilter(settings.stop);
    const { temperature, topK, topP } = settings;
    Object.assign(this.drawer, { temperature, topK, topP });
    this.settings = settings;
  }

  begin() {
    const { network, tokenizer, settings } = this;
    const seed = (settings.seed + BigInt(this.numRecords)) % (1n << 63n);
    this.drawer = new Drawer({ ...settings, seed }, tokenizer.neverDrawn());
    this.filter = new StopFilter(settings.stop);
    this.decode = tokenizer.decoder();
    this.length = 0;
    network.reset();
    for (const symbol of tokenizer.encodePrompt(this.prompt).slice(-LONGEST_PROMPT)) this.logits = network.step(symbol);
  }
}

/** A text symbol by symbol: what each took, what was expected in its place, and a unit's value after it. */
class Measurement {
  /**
   * @param {string} text cleaned
   * @param {object} unit {layer, unit}, from 0
   * @param {number} top how many of the likeliest symbols are kept for each place
   */
  constructor(network, tokenizer, text, { unit, top }) {
    const symbols = tokenizer.encodeAll(text);
    Object.assign(this, { network, tokenizer, text, unit, top, symbols, place: 0, totalBits: 0, numScored: 0 });
    this.bits = new Float64Array(symbols.length); // NaN where a symbol is read only
    this.ranks = new Int32Array(symbols.length);
    this.values = new Float64Array(symbols.length);
    this.likeliest = new Int32Array(symbols.length * top);
    this.probabilities = new Float32Array(symbols.length * top);
    this.logits = null;
    network.reset();
  }

  get finished() {
    return this.place === this.symbols.length;
  }

  /** Measures and reads the next symbol. */
  next() {
    const { network, tokenizer, place } = this, symbol = this.symbols[place];
    if (symbol === tokenizer.begin) {
      network.reset();
      this.logits = null;
    }
    if (this.logits === null) this.bits[place] = NaN;
    else this.measure(symbol, logProbabilities(this.logits));
    this.logits = network.step(symbol);
    this.values[place] = network.unitValue(this.unit.layer, this.unit.unit);
    this.place++;
  }

  measure(symbol, likelihoods) {
    const { place, top, tokenizer } = this;
    const which = symbol === tokenizer.unknown ? Math.log(tokenizer.numUnknown) : 0; // which unknown character it is
    this.bits[place] = (which - likelihoods[symbol]) / Math.LN2;
    this.totalBits += this.bits[place];
    this.numScored++;
    const first = place * top, { likeliest, probabilities } = this;
    let rank = 1, kept = 0;
    for (let other = 0; other < likelihoods.length; other++) {
      const likelihood = likelihoods[other];
      if (likelihood > likelihoods[symbol]) rank++;
      if (kept === top && likelihood <= likelihoods[likeliest[first + top - 1]]) continue;
      let slot = kept < top ? kept++ : top - 1;
      while (slot > 0 && likelihood > likelihoods[likeliest[first + slot - 1]]) {
        likeliest[first + slot] = likeliest[first + slot - 1];
        slot--;
      }
      likeliest[first + slot] = other;
    }
    this.ranks[place] = rank;
    for (let slot = 0; slot < kept; slot++) probabilities[first + slot] = Math.exp(likelihoods[likeliest[first + slot]]);
  }

  /** Returns each stretch of text that symbols end: {text, first, last}, the places of its symbols; nearly always one. */
  stretches() {
    const { tokenizer, symbols } = this, decode = tokenizer.decoder(), found = [];
    const characters = tokenizer.unknown === null ? null : this.shownCharacters();
    let first = 0;
    symbols.forEach((symbol, place) => {
      const decoded = decode(symbol), text = symbol === tokenizer.unknown ? characters[place] : decoded;
      if (text === "") return;
      found.push({ text, first, last: place });
      first = place + 1;
    });
    return found;
  }

  /** Returns the character of each symbol; where something can be unknown, every symbol but begin and end is one. */
  shownCharacters() {
    const { tokenizer, symbols } = this;
    const characters = Array.from(tokenizer.begin === null ? this.text : tokenizer.records(this.text).join(""));
    let next = 0;
    return symbols.map((symbol) => (symbol === tokenizer.begin || symbol === tokenizer.end ? "" : characters[next++]));
  }

  /** Returns the bits for each character of the text. */
  get bitsPerCharacter() {
    let characters = 0;
    for (let place = 0; place < this.place; place++) {
      if (Number.isNaN(this.bits[place])) continue;
      characters += this.tokenizer.pieces[this.symbols[place]].reduce((sum, byte) => sum + ((byte & 0xc0) !== 0x80), 0);
    }
    return this.totalBits / characters;
  }
}

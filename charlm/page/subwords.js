// Subwords as the sentencepiece library finds them: the likeliest pieces (Kudo 2018), or merged pairs (Sennrich et al.
// 2016). Scores are added and compared as the library does it, in float32 and double precision, so that ties agree.

const MARK = "\u2581"; // what the library writes for a space; in a text it is spelled in bytes
const LONGEST_CUT = 2048; // characters that the library is given at a time
const UNKNOWN_PENALTY = 10;

class Subwords {
  /**
   * @param {(string|number)[]} pieces the text of each symbol, or its byte
   * @param {number[]} scores of all pieces
   * @param {boolean} merges whether pairs are merged
   * @param {number} unknown the symbol that is never produced
   */
  constructor({ pieces, scores, merges, unknown }) {
    Object.assign(this, { scores: Float32Array.from(scores), merges });
    this.symbols = new Map();
    this.bytes = [];
    pieces.forEach((piece, symbol) => {
      if (typeof piece === "number") this.bytes[piece] = symbol;
      else if (symbol !== unknown) this.symbols.set(piece, symbol);
    });
    this.longest = Math.max(...[...this.symbols.keys()].map((piece) => Array.from(piece).length));
    const normal = [...this.symbols].filter(([piece]) => piece !== "\n").map(([, symbol]) => this.scores[symbol]);
    this.unknownScore = Math.fround(normal.reduce((least, score) => Math.min(least, score), Infinity) - UNKNOWN_PENALTY);
    this.encoder = new TextEncoder();
  }

  /** Returns the symbols of a text. */
  encode(text) {
    return this.cut(Array.from(text)).flatMap((part) => {
      const [first, ...others] = part.join("").split(MARK).map((each) => this.encodePart(Array.from(each)));
      return [first, ...others.map((each) => [...this.spell(MARK), ...each])].flat();
    });
  }

  /** Returns the characters in pieces that end after a line end, before spaces, or in a word, as charlm cuts them. */
  cut(characters) {
    const parts = [];
    let start = 0;
    while (characters.length - start > LONGEST_CUT) {
      const window = characters.slice(start, start + LONGEST_CUT);
      let stop = window.lastIndexOf("\n") + 1;
      if (stop === 0) {
        stop = Math.max(window.lastIndexOf(" "), 0);
        while (stop > 0 && window[stop - 1] === " ") stop--;
      }
      parts.push(window.slice(0, stop || window.length));
      start += parts.at(-1).length;
    }
    return [...parts, characters.slice(start)];
  }

  encodePart(characters) {
    const found = this.merges ? this.merge(characters) : this.likeliest(characters);
    return found.flatMap((piece) => {
      const symbol = this.symbols.get(piece);
      return symbol === undefined ? this.spell(piece) : [symbol];
    });
  }

  spell(text) {
    return Array.from(this.encoder.encode(text), (byte) => this.bytes[byte]);
  }

  /** Returns the pieces whose scores have the highest sum. */
  likeliest(characters) {
    const best = [{ score: 0, start: 0 }];
    for (let start = 0; start < characters.length; start++) {
      const { score: before } = best[start];
      let piece = "", hasOne = false;
      const offer = (end, score) => {
        if (best[end] === undefined || score > best[end].score) best[end] = { score: Math.fround(score), start };
      };
      for (let end = start + 1; end <= Math.min(start + this.longest, characters.length); end++) {
        piece += characters[end - 1];
        const symbol = this.symbols.get(piece);
        if (symbol === undefined) continue;
        offer(end, (piece === "\n" ? -0.1 : this.scores[symbol]) + before);
        hasOne ||= end === start + 1;
      }
      if (!hasOne) offer(start + 1, Math.fround(this.unknownScore + before));
    }
    const found = [];
    for (let end = characters.length; end > 0; end = best[end].start) found.unshift(characters.slice(best[end].start, end).join(""));
    return found;
  }

  /** Returns the pieces that are left when pairs are merged, the one of the highest score first, then the leftmost. */
  merge(characters) {
    const parts = characters.map((piece, place) => ({ piece, before: place - 1, after: place + 1 }));
    const pairs = []; // a heap
    const isFirst = (one, other) => one.score > other.score || one.score === other.score && one.left < other.left;
    const offer = (left, right) => {
      if (left < 0 || right >= parts.length || parts[left].piece === "\n" || parts[right].piece === "\n") return;
      const piece = parts[left].piece + parts[right].piece, symbol = this.symbols.get(piece);
      if (symbol === undefined) return;
      pairs.push({ left, right, piece, score: this.scores[symbol] });
      for (let place = pairs.length - 1; place > 0;) {
        const above = (place - 1) >> 1;
        if (!isFirst(pairs[place], pairs[above])) break;
        [pairs[place], pairs[above]] = [pairs[above], pairs[place]];
        place = above;
      }
    };
    const take = () => {
      const [first] = pairs, last = pairs.pop();
      if (pairs.length) pairs[0] = last;
      for (let place = 0; ;) {
        let next = place;
        for (const below of [2 * place + 1, 2 * place + 2]) {
          if (below < pairs.length && isFirst(pairs[below], pairs[next])) next = below;
        }
        if (next === place) return first;
        [pairs[place], pairs[next]] = [pairs[next], pairs[place]];
        place = next;
      }
    };
    for (let place = 1; place < parts.length; place++) offer(place - 1, place);
    while (pairs.length) {
      const { left, right, piece } = take(), one = parts[left], other = parts[right];
      if (one.piece === "" || other.piece === "" || one.piece + other.piece !== piece || one.after !== right) continue;
      one.piece = piece;
      one.after = other.after;
      if (other.after < parts.length) parts[other.after].before = left;
      other.piece = "";
      offer(one.before, left);
      offer(left, one.after);
    }
    return parts.map(({ piece }) => piece).filter((piece) => piece !== "");
  }
}

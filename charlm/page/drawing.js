// The next symbol from logits: temperature, top-k, top-p and a seeded draw, in charlm's order and with its numbers.

/** Numbers from 0 to 1 without end: those of numpy.random.default_rng(seed).random(), a PCG64 (O'Neill 2014). */
class UniformNumbers {
  /** @param {bigint} seed from 0 on */
  constructor(seed) {
    const words = seedWords(seed);
    this.mask = (1n << 128n) - 1n;
    this.increment = (((words[2] << 64n) | words[3]) << 1n | 1n) & this.mask;
    this.state = 0n;
    this.advance();
    this.state = (this.state + ((words[0] << 64n) | words[1])) & this.mask;
    this.advance();
  }

  next() {
    this.advance();
    const low = BigInt.asUintN(64, this.state ^ (this.state >> 64n)), turn = this.state >> 122n;
    const turned = BigInt.asUintN(64, (low >> turn) | (low << (64n - turn)));
    return Number(turned >> 11n) / 2 ** 53;
  }

  advance() {
    this.state = (this.state * 0x2360ed051fc65da44385df649fccf645n + this.increment) & this.mask;
  }
}

/** Returns the four words of 64 bits that NumPy's SeedSequence makes of a seed. */
function seedWords(seed) {
  const entropy = [];
  for (let rest = seed; rest > 0n; rest >>= 32n) entropy.push(Number(rest & 0xffffffffn));
  let constant = 0x43b0d7e5;
  const hash = (value, factor) => {
    let hashed = value ^ constant;
    constant = Math.imul(constant, factor);
    hashed = Math.imul(hashed, constant);
    return (hashed ^ (hashed >>> 16)) >>> 0;
  };
  const mix = (one, other) => {
    const mixed = Math.imul(0xca01f9dd, one) - Math.imul(0x4973f715, other) | 0;
    return (mixed ^ (mixed >>> 16)) >>> 0;
  };
  const pool = [0, 1, 2, 3].map((index) => hash(entropy[index] ?? 0, 0x931e8875));
  for (let source = 0; source < 4; source++) {
    for (let target = 0; target < 4; target++) {
      if (source !== target) pool[target] = mix(pool[target], hash(pool[source], 0x931e8875));
    }
  }
  constant = 0x8b51f9dd;
  const halves = Array.from({ length: 8 }, (_, index) => BigInt(hash(pool[index % 4], 0x58f38ded)));
  return [0, 2, 4, 6].map((index) => halves[index] | (halves[index + 1] << 32n));
}

/** A seeded source of symbols. */
class Drawer {
  /**
   * @param {object} settings temperature, topK and topP, the last two null where they are off, and the seed, a bigint
   * @param {number[]} excluded symbols that are never drawn and that no filter counts
   */
  constructor({ temperature, topK, topP, seed }, excluded) {
    Object.assign(this, { temperature, topK, topP, excluded });
    this.numbers = new UniformNumbers(seed);
    this.weights = new Float64Array(0);
  }

  /** Returns a symbol; temperature 0 takes the likeliest, of equally likely ones the lowest. */
  draw(logits) {
    if (this.weights.length !== logits.length) this.weights = new Float64Array(logits.length);
    const { weights, temperature } = this;
    weights.set(logits);
    for (const symbol of this.excluded) weights[symbol] = -Infinity;
    let likeliest = 0;
    for (let symbol = 1; symbol < weights.length; symbol++) if (weights[symbol] > weights[likeliest]) likeliest = symbol;
    if (!Number.isFinite(weights[likeliest])) throw new Error("The model's output is not finite, so it cannot write text.");
    if (temperature === 0) return likeliest;
    const highest = weights[likeliest];
    for (let symbol = 0; symbol < weights.length; symbol++) weights[symbol] = (weights[symbol] - highest) / temperature;
    this.filter();
    let total = 0;
    for (let symbol = 0; symbol < weights.length; symbol++) {
      total += Math.exp(weights[symbol]);
      weights[symbol] = total;
    }
    const threshold = this.numbers.next() * total;
    return weights.findIndex((sum) => sum > threshold);
  }

  /** Leaves the `topK` likeliest symbols, then the fewest whose probabilities sum to `topP` (Holtzman et al. 2020). */
  filter() {
    const { weights, topK, topP } = this;
    if (topK === null && (topP === null || topP >= 1)) return;
    const order = Array.from(weights.keys()).sort((one, other) => weights[other] - weights[one] || one - other);
    if (topK !== null) for (const symbol of order.splice(topK)) weights[symbol] = -Infinity;
    if (topP === null || topP >= 1) return;
    const total = order.reduce((sum, symbol) => sum + Math.exp(weights[symbol]), 0);
    let before = 0;
    for (const symbol of order) {
      const share = Math.exp(weights[symbol]) / total;
      if (before >= topP) weights[symbol] = -Infinity;
      before += share;
    }
  }
}

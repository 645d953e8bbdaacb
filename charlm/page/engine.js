"use strict";
// A recurrent language model that reads and predicts one symbol at a time: memory and products, cells, the network,
// the tokenizer, and the drawing of symbols. Nothing here knows of a page. The figures are those of charlm's own step
// engine but for the order in which sums are added up; the seeds draw the numbers that NumPy's generator draws.

// ---- Memory and products ------------------------------------------------------------------------------------------

const LANES = 16; // Rows of a matrix that one pass of the kernel computes; matrices are padded to a multiple of them.

/** Returns a WebAssembly module of one function: the product of a matrix and a vector, 16 rows at a time.
 *
 * In JavaScript it would read
 *   do { a, b, c, d = 0; x = first; do { v = memory[x]; a, b, c, d += memory[w, …, w + 15] * v; w += 16; x += 1 }
 *        while (x < last); memory[out, …, out + 15] = a, b, c, d; out += 16 } while (out < end)
 * where a to d hold four sums each. It is assembled here because a page that loads nothing can load no module either.
 */
function kernelBytes() {
  const unsigned = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...unsigned(n >>> 7)]);
  const list = (items) => [...unsigned(items.length), ...items.flat()];
  const section = (id, content) => [id, ...unsigned(content.length), ...content];
  const [I32, V128] = [0x7f, 0x7b];
  const get = (local) => [0x20, local], set = (local) => [0x21, local], tee = (local) => [0x22, local];
  const simd = (code) => [0xfd, ...unsigned(code)];
  const zero = [...simd(12), ...Array(16).fill(0)];
  const load = (offset) => [...simd(0), 2, ...unsigned(offset)], store = (offset) => [...simd(11), 2, ...unsigned(offset)];
  const loadForAll = [...simd(9), 2, 0], multiply = simd(0xe6), add = simd(0xe4);
  const advance = (local, bytes) => [...get(local), 0x41, ...unsigned(bytes), 0x6a, ...tee(local)]; // bytes below 64
  const advanceBy64 = (local) => [...get(local), 0x41, 0xc0, 0, 0x6a, ...tee(local)];
  const loop = [0x03, 0x40], repeatIfBelow = [0x49, 0x0d, 0], end = [0x0b], drop = [0x1a];
  const [w, first, last, out, stop, x, v] = [0, 1, 2, 3, 4, 5, 6], sums = [7, 8, 9, 10];
  const body = [
    loop,
    ...sums.map((sum) => [...zero, ...set(sum)]), get(first), set(x),
    loop,
    get(x), loadForAll, set(v),
    ...sums.map((sum, lane) => [get(sum), get(w), load(16 * lane), get(v), multiply, add, set(sum)].flat()),
    advanceBy64(w), drop,
    advance(x, 4), get(last), repeatIfBelow,
    end,
    ...sums.map((sum, lane) => [get(out), get(sum), store(16 * lane)].flat()),
    advanceBy64(out), get(stop), repeatIfBelow,
    end,
    end,
  ].flat();
  const code = [...list([[1, I32], [5, V128]]), ...body];
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list([[0x60, ...list([[I32], [I32], [I32], [I32], [I32]]), 0]])),
    ...section(2, list([[1, 0x6d, 1, 0x6d, 2, 0, 1]])), // imports "m"."m", a memory
    ...section(3, list([[0]])),
    ...section(7, list([[1, 0x66, 0, 0]])), // exports "f", the function
    ...section(10, list([[...unsigned(code.length), ...code]])),
  ]);
}

/** float32 numbers in one block, and the product of a matrix and a vector in it. */
class Memory {
  constructor(numFloats, { compiled = true } = {}) {
    const bytes = 4 * (numFloats + LANES);
    this.taken = LANES;
    this.kernel = null;
    if (compiled && typeof WebAssembly === "object") {
      try {
        const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536) });
        this.kernel = new WebAssembly.Instance(new WebAssembly.Module(kernelBytes()), { m: { m: memory } }).exports.f;
        this.buffer = memory.buffer;
      } catch { // A browser without these instructions, or one that compiles nothing: slower, not other figures.
        this.kernel = null;
      }
    }
    if (this.kernel === null) this.buffer = new ArrayBuffer(bytes);
    this.floats = new Float32Array(this.buffer);
  }

  /** Returns a vector of zeros; what pads it to a multiple of 16 is nobody else's. */
  vector(length) {
    const start = this.taken;
    this.taken += padded(length);
    return this.floats.subarray(start, start + length);
  }

  /** Returns a matrix of numbers that are given row by row. */
  matrix(rows, columns, numbers) {
    const start = this.taken;
    this.taken += padded(rows) * columns;
    for (let row = 0; row < rows; row++) {
      let place = start + (row - (row % LANES)) * columns + (row % LANES);
      for (let column = 0; column < columns; column++, place += LANES) this.floats[place] = numbers[row * columns + column];
    }
    return { start, rows, columns };
  }

  /** Writes the product of a matrix and the vector `inputs` into the vector `outputs`. */
  multiply(matrix, inputs, outputs) {
    const rows = padded(matrix.rows);
    if (this.kernel !== null) {
      const first = inputs.byteOffset, out = outputs.byteOffset;
      this.kernel(4 * matrix.start, first, first + 4 * matrix.columns, out, out + 4 * rows);
      return;
    }
    const { floats } = this, { start, columns } = matrix, target = outputs.byteOffset / 4;
    for (let row = 0; row < rows; row += 4) {
      let a = 0, b = 0, c = 0, d = 0, place = start + (row - (row % LANES)) * columns + (row % LANES);
      for (let column = 0; column < columns; column++, place += LANES) {
        const input = inputs[column];
        a += floats[place] * input;
        b += floats[place + 1] * input;
        c += floats[place + 2] * input;
        d += floats[place + 3] * input;
      }
      floats[target + row] = a;
      floats[target + row + 1] = b;
      floats[target + row + 2] = c;
      floats[target + row + 3] = d;
    }
  }
}

function padded(length) {
  return Math.ceil(length / LANES) * LANES;
}

// ---- Cells --------------------------------------------------------------------------------------------------------
// A step turns a layer's hidden and memory into the next ones. `inputs` are the pre-activations from the layer below,
// biases added, `state` those from its own last output, each `[gates, hidden]`. Gates that end in a logistic function
// stand first and arrive halved, as sigma(x) = (1 + tanh(x / 2)) / 2.

const logistic = (halved) => 0.5 + 0.5 * Math.tanh(halved);

function stepLstm({ inputs, state, hidden, memory, peepholes }) {
  const n = hidden.length, output = 2 * n, candidate = 3 * n;
  for (let unit = 0; unit < n; unit++) {
    let i = inputs[unit] + state[unit], f = inputs[n + unit] + state[n + unit];
    let o = inputs[output + unit] + state[output + unit];
    if (peepholes) { // Two gates see the old memory, the output gate the new one.
      i += 0.5 * peepholes[unit] * memory[unit];
      f += 0.5 * peepholes[n + unit] * memory[unit];
    }
    const g = Math.tanh(inputs[candidate + unit] + state[candidate + unit]);
    const c = logistic(f) * memory[unit] + logistic(i) * g;
    if (peepholes) o += 0.5 * peepholes[output + unit] * c;
    memory[unit] = c;
    hidden[unit] = logistic(o) * Math.tanh(c);
  }
}

function stepGru({ inputs, state, hidden, innerBias }) {
  const n = hidden.length;
  for (let unit = 0; unit < n; unit++) {
    const r = logistic(inputs[unit] + state[unit]), z = logistic(inputs[n + unit] + state[n + unit]);
    const candidate = Math.tanh(inputs[2 * n + unit] + r * (state[2 * n + unit] + innerBias[unit]));
    hidden[unit] = candidate + z * (hidden[unit] - candidate);
  }
}

function stepGruResetBefore({ inputs, state, hidden, recurrent, remembered, candidates }, memory) {
  const n = hidden.length;
  for (let unit = 0; unit < n; unit++) remembered[unit] = logistic(inputs[unit] + state[unit]) * hidden[unit];
  memory.multiply(recurrent.candidate, remembered, candidates);
  for (let unit = 0; unit < n; unit++) {
    const z = logistic(inputs[n + unit] + state[n + unit]);
    const candidate = Math.tanh(inputs[2 * n + unit] + candidates[unit]);
    hidden[unit] = candidate + z * (hidden[unit] - candidate);
  }
}

function stepGruSimple({ inputs, state, hidden }) {
  const n = hidden.length;
  for (let unit = 0; unit < n; unit++) {
    const z = logistic(inputs[unit] + state[unit]), candidate = Math.tanh(inputs[n + unit] + state[n + unit]);
    hidden[unit] = candidate + z * (hidden[unit] - candidate);
  }
}

const NONLINEARITIES = { tanh: Math.tanh, relu: (x) => Math.max(x, 0), sigmoid: (x) => logistic(0.5 * x) };

function stepRnn({ inputs, state, hidden, nonlinearity }) {
  for (let unit = 0; unit < hidden.length; unit++) hidden[unit] = nonlinearity(inputs[unit] + state[unit]);
}

const CELLS = {
  "lstm": { step: stepLstm, numStates: 2 },
  "lstm-peephole": { step: stepLstm, numStates: 2 },
  "gru": { step: stepGru, numStates: 1 },
  "gru-reset-before": { step: stepGruResetBefore, numStates: 1 },
  "gru-simple": { step: stepGruSimple, numStates: 1 },
  "rnn": { step: stepRnn, numStates: 1 },
};

// ---- The network --------------------------------------------------------------------------------------------------

const EPSILON = 1e-5; // of the layers' normalisation

/** Returns the stored arrays by name, in float32: rounded ones times the scale of their row.
 *
 * @param {object[]} described their names, shapes, types and places, as charlm/page/packing.py writes them
 * @param {ArrayBuffer} buffer the numbers of all of them
 */
function unpackArrays(described, buffer) {
  const arrays = {};
  for (const { name, rows, columns, type, offset } of described) {
    const length = rows * columns;
    let numbers;
    if (type === "int8") {
      const rounded = new Int8Array(buffer, offset, length);
      const scales = new Float32Array(buffer, offset + 4 * Math.ceil(length / 4), rows);
      numbers = new Float32Array(length);
      for (let place = 0; place < length; place++) numbers[place] = rounded[place] * scales[Math.floor(place / columns)];
    } else {
      numbers = new Float32Array(buffer, offset, length);
    }
    arrays[name] = { rows, columns, numbers };
  }
  return arrays;
}

/** A network whose state is its own; a step takes it one symbol further. */
class Network {
  /**
   * @param {object} model its cell, sizes and arrays, as charlm/page/network.py describes them
   * @param {object} arrays as `unpackArrays` gives them
   */
  constructor(model, arrays, { compiled = true } = {}) {
    const sizes = Object.values(arrays).map(({ rows, columns }) => (padded(rows) + LANES) * columns);
    const buffers = model.layers * (20 * padded(model.hidden) + 256) + 3 * model.vocabulary + 1024;
    this.memory = new Memory(sizes.reduce((sum, size) => sum + size, buffers) + 2 * padded(model.hidden ** 2), { compiled });
    this.cell = CELLS[model.cell];
    this.held = []; // units that have a value of their own before every step: {layer, unit, value}
    this.vocabulary = model.vocabulary;
    const { memory } = this, size = model.hidden;
    const vector = (name) => {
      if (!(name in arrays)) return null;
      const found = memory.vector(arrays[name].numbers.length);
      found.set(arrays[name].numbers);
      return found;
    };
    const matrix = (name) => memory.matrix(arrays[name].rows, arrays[name].columns, arrays[name].numbers);
    this.embedding = arrays.embedding;
    this.embedded = memory.vector(this.embedding.columns);
    this.projections = []; // of each symbol to the lowest layer's gates, from when it is first read
    this.layers = Array.from({ length: model.layers }, (_, index) => {
      const recurrent = matrix(`${index}.recurrent`), gates = recurrent.rows / size;
      if (model.cell === "gru-reset-before") {
        const { numbers } = arrays[`${index}.recurrent`];
        recurrent.candidate = memory.matrix(size, size, numbers.subarray(2 * size * size));
      }
      return {
        weights: matrix(`${index}.inputs`),
        bias: vector(`${index}.bias`),
        recurrent,
        innerBias: vector(`${index}.inner`),
        peepholes: vector(`${index}.peepholes`),
        gain: vector(`${index}.gain`),
        offset: vector(`${index}.offset`),
        nonlinearity: NONLINEARITIES[model.nonlinearity],
        addsInputs: model.residual && arrays[`${index}.inputs`].columns === size,
        inputs: memory.vector(gates * size),
        state: memory.vector(gates * size),
        hidden: memory.vector(size),
        memory: memory.vector(size), // of an LSTM; the others leave it at zero
        remembered: memory.vector(size), // of a GRU that resets before its product, like the next
        candidates: memory.vector(size),
        outputs: memory.vector(size),
      };
    });
    this.output = matrix("output");
    this.outputBias = vector("output.bias");
    this.logits = memory.vector(model.vocabulary);
  }

  /** Reads a symbol and returns the logits of the next; the next step overwrites them. */
  step(token) {
    this.hold();
    const { memory } = this, size = this.embedding.columns;
    this.embedded.set(this.embedding.numbers.subarray(token * size, (token + 1) * size));
    let inputs = this.embedded;
    this.layers.forEach((layer, index) => {
      if (index === 0) layer.inputs.set(this.projection(token, layer));
      else this.project(layer, inputs);
      memory.multiply(layer.recurrent, layer.hidden, layer.state);
      this.cell.step(layer, memory);
      const { hidden, outputs } = layer;
      for (let unit = 0; unit < hidden.length; unit++) outputs[unit] = hidden[unit] + (layer.addsInputs ? inputs[unit] : 0);
      if (layer.gain !== null) normalize(layer);
      inputs = outputs;
    });
    memory.multiply(this.output, inputs, this.logits);
    for (let symbol = 0; symbol < this.vocabulary; symbol++) this.logits[symbol] += this.outputBias[symbol];
    return this.logits;
  }

  /** Returns a copy of the state, for `restore`. */
  save() {
    return this.layers.map(({ hidden, memory }) => [hidden.slice(), memory.slice()]);
  }

  restore(saved) {
    this.layers.forEach((layer, index) => {
      layer.hidden.set(saved[index][0]);
      layer.memory.set(saved[index][1]);
    });
  }

  /** Makes the state that of before any symbol. */
  reset() {
    for (const layer of this.layers) {
      layer.hidden.fill(0);
      layer.memory.fill(0);
    }
  }

  /** Returns a unit's value, from -1 to 1 in most cells: of its memory in an LSTM, squashed as the cell does; else of its output. */
  unitValue(layer, unit) {
    const { hidden, memory } = this.layers[layer];
    return this.cell.numStates === 2 ? Math.tanh(memory[unit]) : hidden[unit];
  }

  hold() {
    for (const { layer, unit, value } of this.held) {
      const { hidden, memory } = this.layers[layer];
      (this.cell.numStates === 2 ? memory : hidden)[unit] = value;
    }
  }

  project(layer, inputs) {
    this.memory.multiply(layer.weights, inputs, layer.inputs);
    for (let place = 0; place < layer.inputs.length; place++) layer.inputs[place] += layer.bias[place];
  }

  projection(token, layer) {
    if (this.projections[token] === undefined) {
      this.project(layer, this.embedded);
      this.projections[token] = layer.inputs.slice();
    }
    return this.projections[token];
  }
}

function normalize({ outputs, gain, offset }) {
  const n = outputs.length;
  let mean = 0, variance = 0;
  for (let unit = 0; unit < n; unit++) mean += outputs[unit];
  mean /= n;
  for (let unit = 0; unit < n; unit++) variance += (outputs[unit] - mean) ** 2;
  const scale = 1 / Math.sqrt(variance / n + EPSILON);
  for (let unit = 0; unit < n; unit++) outputs[unit] = (outputs[unit] - mean) * scale * gain[unit] + offset[unit];
}

/** Returns the natural logarithms of the probabilities that logits stand for, float64. */
function logProbabilities(logits) {
  let highest = -Infinity, total = 0;
  for (const logit of logits) if (logit > highest) highest = logit;
  for (const logit of logits) total += Math.exp(logit - highest);
  const shift = highest + Math.log(total);
  return Float64Array.from(logits, (logit) => logit - shift);
}

// What the page's controls do. Work is done in slices, between which the page stays alive.

const SLICE_MS = 14, MOST_MEASURED = 20000, TOP = 8;

const element = (id) => document.getElementById(id);

/** Returns a new element with a class and a text; texts of the run and of its user become markup nowhere. */
function make(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

const afterThis = () => new Promise((resolve) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => { port1.close(); resolve(); };
  port2.postMessage(null);
});

const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

/** One piece of work at a time, which a later one ends. */
class Work {
  constructor() {
    this.current = null;
  }

  /** Calls `step` until it returns false or other work begins, in slices that end with `show`; returns seconds of it. */
  async run(step, show) {
    const own = this.current = {};
    let seconds = 0, goesOn = true;
    while (goesOn && this.current === own) {
      const start = performance.now();
      do goesOn = step(); while (goesOn && performance.now() - start < SLICE_MS);
      seconds += (performance.now() - start) / 1000;
      show();
      await afterThis();
    }
    const isOwn = this.current === own;
    if (isOwn) this.current = null;
    return { seconds, isOwn };
  }

  stop() {
    this.current = null;
  }
}

class Page {
  constructor({ model, network, tokenizer }) {
    Object.assign(this, { model, network, tokenizer, work: new Work(), writer: null, written: "", measurement: null });
    this.units = new Units(network, () => this.heldChanged());
    this.areRecords = tokenizer.begin !== null;
    if (this.areRecords) {
      element("length-label").textContent = "Records";
      element("length").value = 20;
    }
    const act = (id, event, action) => element(id).addEventListener(event, (occurred) => {
      occurred.preventDefault();
      this.report(id === "measure" ? "measure-status" : "write-status", action);
    });
    act("write", "submit", () => this.write());
    act("go-on", "click", () => this.goOn());
    act("stop", "click", () => this.work.stop());
    act("measure", "submit", () => this.measure());
    act("measure-written", "click", () => this.measureWritten());
    act("write-on", "click", () => this.writeOn());
    element("temperature").addEventListener("input", () => this.showTemperature());
    for (const radio of document.getElementsByName("colour")) radio.addEventListener("change", () => this.recolour());
    for (const id of ["unit-layer", "unit-number"]) element(id).addEventListener("change", () => this.recolour());
    for (const id of ["start", "measure-start", "write-on", "hold-start"]) element(id).disabled = false;
    this.shaded = new ShadedText(tokenizer, model.shading);
    this.shaded.showKey("surprise");
    this.showTemperature();
    element("write-status").textContent = "Ready.";
  }

  async report(status, action) {
    try {
      await action();
    } catch (error) {
      element(status).textContent = error.message;
      this.setWriting(false);
    }
  }

  showTemperature() {
    element("temperature-shown").textContent = Number(element("temperature").value).toFixed(2);
  }

  settings() {
    const number = (id) => (element(id).value === "" ? null : Number(element(id).value));
    return {
      temperature: number("temperature"), topK: number("top-k"), topP: number("top-p"),
      seed: BigInt(element("seed").value || "0"), stop: this.tokenizer.clean(element("stop-text").value),
    };
  }

  /** Returns a prompt without the characters that the network does not know, and a sentence about those. */
  known(typed) {
    const { tokenizer } = this, text = tokenizer.clean(typed), unknown = new Set(tokenizer.unknownIn(text));
    if (!unknown.size) return { text, note: "" };
    const names = [...unknown].slice(0, 5).map((character) =>
      `${visible(character)} (U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")})`);
    const more = unknown.size > 5 ? ` and ${unknown.size - 5} more` : "";
    const known = Array.from(text).filter((character) => !unknown.has(character)).join("");
    return { text: known, note: ` The network does not know ${names.join(", ")}${more}; left out.` };
  }

  async write() {
    this.work.stop();
    const { text, note } = this.known(element("prompt").value);
    this.note = note;
    this.writer = new Writer(this.network, this.tokenizer, this.settings(), text);
    this.written = text;
    element("paper").replaceChildren(make("span", "prompt", visible(text)), document.createTextNode(""));
    await this.draw();
  }

  async goOn() {
    if (this.writer === null) return this.write();
    if (!element("write").reportValidity()) return undefined;
    this.work.stop();
    await afterThis(); // the work that was stopped has kept its state
    this.writer.resume();
    this.writer.retune(this.settings());
    return this.draw();
  }

  async draw() {
    const { writer, areRecords } = this, most = Number(element("length").value), paper = element("paper");
    const first = writer.numRecords;
    let pending = "", drawn = 0;
    this.setWriting(true);
    element("write-status").textContent = "Writing…";
    const step = () => {
      const piece = writer.next();
      pending += piece;
      drawn += Array.from(piece).length;
      return !writer.stopped && (areRecords ? writer.numRecords - first : drawn) < most;
    };
    const show = () => {
      const follows = paper.scrollHeight - paper.scrollTop - paper.clientHeight < 40;
      this.written += pending;
      paper.lastChild.appendData(visible(pending));
      pending = "";
      if (follows) paper.scrollTop = paper.scrollHeight;
    };
    const { seconds, isOwn } = await this.work.run(step, show);
    writer.suspend();
    if (!isOwn && this.work.current !== null) return;
    this.setWriting(false);
    const speed = seconds > 0 ? `, ${count(Math.round(drawn / seconds), "character")} a second` : "";
    element("write-status").textContent = `Wrote ${count(drawn, "character")}${speed}.${this.note}`;
  }

  /** Measures the text that is shown again. */
  heldChanged() {
    if (this.measurement !== null && this.work.current === null) this.report("measure-status", () => this.measure());
  }

  setWriting(isWriting) {
    const hadFocus = document.activeElement === element("stop");
    element("stop").disabled = !isWriting;
    element("go-on").disabled = isWriting || this.writer === null;
    element("measure-written").disabled = isWriting || this.written === "";
    element("start").textContent = this.written === "" ? "Write" : "Write anew";
    if (hadFocus && !isWriting) element("go-on").focus();
  }

  async measureWritten() {
    element("text").value = this.written;
    element("measure-title").scrollIntoView();
    element("shaded").focus({ preventScroll: true });
    await this.measure();
  }

  async writeOn() {
    element("prompt").value = element("text").value;
    element("write-title").scrollIntoView();
    element("stop").focus({ preventScroll: true });
    await this.write();
  }

  async measure() {
    this.work.stop();
    this.setWriting(false);
    await afterThis();
    const { network, tokenizer } = this, whole = Array.from(tokenizer.clean(element("text").value));
    const unit = this.units.chosen("unit-layer", "unit-number");
    const measurement = new Measurement(network, tokenizer, whole.slice(0, MOST_MEASURED).join(""), { unit, top: TOP });
    this.measurement = null;
    element("measure-status").textContent = "Measuring…";
    const step = () => {
      if (!measurement.finished) measurement.next();
      return !measurement.finished;
    };
    const { isOwn } = await this.work.run(step, () => {});
    if (!isOwn) {
      element("measure-status").textContent = "Stopped.";
      return;
    }
    this.measurement = measurement;
    this.shaded.show(measurement, this.colour);
    const cut = whole.length > MOST_MEASURED ? ` Only the first ${count(MOST_MEASURED, "character")} were measured.` : "";
    const score = measurement.numScored
      ? `${measurement.bitsPerCharacter.toFixed(4)} bits per character, ${count(whole.length, "character")}.`
      : "Too short: the first symbol is read, not measured.";
    element("measure-status").textContent = score + cut;
  }

  get colour() {
    return Array.from(document.getElementsByName("colour")).find((radio) => radio.checked).value;
  }

  recolour() {
    element("unit-fields").hidden = this.colour !== "unit";
    this.shaded.showKey(this.colour);
    if (this.measurement === null) return;
    const { layer, unit } = this.units.chosen("unit-layer", "unit-number"), { unit: measured } = this.measurement;
    const isMeasured = this.colour === "surprise" || measured.layer === layer && measured.unit === unit;
    if (isMeasured) this.shaded.show(this.measurement, this.colour);
    else this.report("measure-status", () => this.measure());
  }
}

/** The units that are held, and the fields that choose one. */
class Units {
  constructor(network, changed) {
    Object.assign(this, { network, changed });
    for (const prefix of ["unit", "hold"]) {
      element(`${prefix}-layer`).max = network.layers.length;
      element(`${prefix}-number`).max = network.layers[0].hidden.length;
    }
    element("hold").addEventListener("submit", (event) => {
      event.preventDefault();
      this.hold({ ...this.chosen("hold-layer", "hold-number"), value: Number(element("hold-value").value) });
    });
  }

  /** Returns the unit that two fields name, from 0; a number outside is brought inside. */
  chosen(layerField, unitField) {
    const inside = (id) => {
      const field = element(id), number = Math.round(Number(field.value)) || 1;
      field.value = Math.min(Math.max(number, 1), Number(field.max));
      return Number(field.value) - 1;
    };
    return { layer: inside(layerField), unit: inside(unitField) };
  }

  hold(unit) {
    this.keep([...this.network.held.filter((each) => each.layer !== unit.layer || each.unit !== unit.unit), unit]);
  }

  /** Makes these the units that are held. */
  keep(units) {
    this.network.held = units;
    this.changed();
    element("held").replaceChildren(...this.network.held.map((each) => {
      const name = `${each.layer + 1}:${each.unit + 1} = ${each.value}`, button = make("button", "", `${name} ×`);
      button.type = "button";
      button.setAttribute("aria-label", `Let unit ${name} go`);
      button.addEventListener("click", () => {
        this.keep(this.network.held.filter((other) => other !== each));
        element("hold-start").focus();
      });
      const item = make("li");
      item.append(button);
      return item;
    }));
  }
}

/** Unpacks the network from the page. */
function loadModel() {
  const model = JSON.parse(element("model").textContent);
  const packed = atob(element("weights").textContent), bytes = new Uint8Array(packed.length);
  for (let place = 0; place < bytes.length; place++) bytes[place] = packed.charCodeAt(place);
  const network = new Network(model.network, unpackArrays(model.arrays, bytes.buffer));
  element("weights").remove();
  return { model, network, tokenizer: new Tokenizer(model.tokenizer) };
}

/** Calls `action` when the page has been painted; soon where it is hidden, or the browser does not tell. */
function afterFirstPaint(action) {
  const tells = PerformanceObserver.supportedEntryTypes.includes("paint");
  if (document.visibilityState === "hidden" || !tells) {
    setTimeout(action, 100);
    return;
  }
  const observer = new PerformanceObserver(() => {
    observer.disconnect();
    action();
  });
  observer.observe({ type: "paint", buffered: true });
}

afterFirstPaint(() => {
  performance.mark("unpacking");
  try {
    new Page(loadModel());
  } catch (error) {
    element("write-status").textContent = `The network cannot be unpacked: ${error.message}`;
    throw error;
  }
});

// The page: what its controls do.

const element = (id) => document.getElementById(id);

function loadModel() {
  const model = JSON.parse(element("model").textContent);
  const bytes = Uint8Array.from(atob(element("weights").textContent), (character) => character.charCodeAt(0));
  return { model, network: new Network(model.network, unpackArrays(model.arrays, bytes.buffer)), tokenizer: new Tokenizer(model.tokenizer) };
}

requestAnimationFrame(() => setTimeout(() => {
  const { network, tokenizer } = loadModel();
  const button = document.querySelector("#write button");
  button.disabled = false;
  element("write").addEventListener("submit", (event) => {
    event.preventDefault();
    network.reset();
    const symbols = tokenizer.encodePrompt(tokenizer.clean(element("prompt").value));
    const drawer = new Drawer({ temperature: 0.8, topK: null, topP: null, seed: 1n }, tokenizer.neverDrawn());
    const decode = tokenizer.decoder();
    let logits, text = element("prompt").value;
    for (const symbol of symbols) logits = network.step(symbol);
    for (let index = 0; index < 1000; index++) {
      const symbol = drawer.draw(logits);
      text += decode(symbol);
      logits = network.step(symbol);
    }
    element("paper").textContent = text;
  });
}));

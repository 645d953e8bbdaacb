"""The model card of `charlm export hub`: what a model is, in Markdown below a heading in YAML."""

import re

from charlm.checkpointing.run_folder import dump_config
from charlm.runs.describe import describe_model
from charlm.runs.stored.model import StoredModel
from charlm.runs.stored.standing import Standing, count_stored
from charlm.tasks import TASKS, unit_of
from charlm.version import __version__

_PIPELINES = {None: "text-generation", "pooled": "text-classification", "each": "token-classification"}
"""What model hubs call what a model does, by where its labels are due; others they know as text to text."""


def model_card(stored: StoredModel) -> str:
    """Returns README.md: data, settings, scores, and how to load the model.

    Names and labels may hold anything; none of it becomes markup.
    """
    record, corpus = stored.record, stored.record.provenance.corpus
    standing = Standing(record, record, None, count_stored(record, stored.weights))
    model = describe_model(record.config, parameters=standing.parameters)
    settings = "".join(f"    {line}".rstrip() + "\n" for line in dump_config(record.config).split("\n")[:-1])
    origin = record.provenance.initialized_from
    return f"""{_front_matter(stored, standing)}
# {_plain(stored.name)}

{model[0].upper() + model[1:]}.
Trained with charlm {_plain(record.provenance.charlm)}, and written by charlm {__version__}.

## Data

- Text: {_plain(corpus.label)}, SHA-256 {corpus.digest}, split {_plain(corpus.split)}
- Vocabulary: {record.tokenizer.vocabulary_size:,} symbols ({record.tokenizer.kind})
{"" if origin is None else f"- Started from: {_plain(origin)}{chr(10)}"}
## Scores

{_scores(standing, unit=unit_of(record.config.data.task))}
## How to load it

With charlm (`pip install charlm`), where this folder is named `FOLDER`:

{_commands(stored)}
`charlm info FOLDER` describes it, `charlm verify FOLDER` checks its files. Other programs find the weights in
`model.safetensors`, the settings in `config.json`, and the symbols in `tokenizer.json`; docs/formats.md of charlm says
what is in them.

## Settings

{settings}"""


def _front_matter(stored: StoredModel, standing: Standing) -> str:
    config = stored.config
    head = None if config.data.task is None else TASKS[config.data.task].head
    unit = {"char": "character"}.get(unit_of(config.data.task), unit_of(config.data.task))
    pipeline = _PIPELINES.get(head, "text2text-generation")
    kind = config.model.model if config.model.model != "recurrent" else config.model.cell
    results = "".join(
        _RESULT.format(
            pipeline=pipeline, text=_quoted(stored.record.provenance.corpus.label), split=split, unit=unit, bits=bits
        )
        for split in standing.scores
        if (bits := standing.bits_per_character(split)) is not None
    )
    index = f"model-index:\n- name: {_quoted(stored.name)}\n  results:\n{results}" if results else ""
    return f"---\nlibrary_name: charlm\npipeline_tag: {pipeline}\ntags:\n- character-level\n- {kind}\n{index}---\n"


_RESULT = """\
  - task:
      type: {pipeline}
    dataset:
      type: text
      name: {text}
      split: {split}
    metrics:
    - type: bits_per_{unit}
      value: {bits:.6f}
"""


def _scores(standing: Standing, *, unit: str) -> str:
    rows = []
    for split, score in standing.scores.items():
        numbers = (standing.bits_per_character(split), score.get("perplexity"))
        shown = " | ".join("" if number is None else f"{number:.4f}" for number in numbers)
        rows.append(f"| {split} | {shown} |\n")
    if not rows:
        return "None are stored.\n"
    note = "" if standing.validation_share is None else _PART.format(share=standing.validation_share)
    return f"| text | bits/{unit} | perplexity of a symbol |\n|---|---|---|\n{''.join(rows)}{note}"


_PART = "\nThe validation text was read in part: {share:.0%} of it.\n"


def _commands(stored: StoredModel) -> str:
    task = stored.config.data.task
    commands = ("sample {run}", "eval perplexity {run} TEXT") if task is None else TASKS[task].next_commands
    return "".join(f"    charlm {command.format(run='FOLDER')}\n" for command in commands)


def _plain(text: str) -> str:
    """Returns a text as Markdown that shows it: what could be markup escaped, what cannot be printed as spaces."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return re.sub(r"([\\`*_\[\]<>&|~$:@#]|(?<=www)\.)", r"\\\1", printable, flags=re.IGNORECASE)


def _quoted(text: str) -> str:
    """Returns a text as a string of YAML."""
    is_plain = [character.isprintable() and character not in '"\\' for character in text]
    shown = (each if plain else f"\\U{ord(each):08X}" for each, plain in zip(text, is_plain, strict=True))
    return f'"{"".join(shown)}"'

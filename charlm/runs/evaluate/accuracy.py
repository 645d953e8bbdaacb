"""`charlm eval accuracy`: how often a run's best model is right."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pkgutil import resolve_name
from shlex import quote

from charlm.config import Device
from charlm.data.corpus import EncodedCorpus
from charlm.data.examples.example import Example, parse_line
from charlm.data.examples.stored import StoredExample, stored_examples
from charlm.data.tokenizers.examples import UNKNOWN_LABEL
from charlm.errors import CharlmError, ConfigError
from charlm.runs.device import resolve_device
from charlm.runs.evaluate.choice import TextChoice
from charlm.runs.evaluate.measured import Examined, Measure, Measured
from charlm.runs.evaluate.opened import OpenedText, opened_text
from charlm.runs.reporting import Reporter
from charlm.runs.stored.corpus import reopen_corpus
from charlm.runs.stored.labelling import Labeller, load_labeller
from charlm.runs.stored.workspace import Workspace
from charlm.tasks import TASKS

_UNKNOWN_CHARACTER = "\ufffd"
"""How a character that a tokenizer does not know is decoded."""
_Written = Callable[[], list[Example] | None]


@dataclass(frozen=True)
class AccuracyResult:
    """How good a run's predictions are on a text."""

    run: str
    text: str
    task: str
    measured: Measured


def accuracy(
    run: str,
    text: TextChoice,
    workspace: Workspace,
    reporter: Reporter,
    *,
    device: Device = "auto",
    confusion: bool = False,
) -> AccuracyResult:
    """Measures what a run's best model says of examples.

    Args:
        confusion: whether it is wanted which labels are taken for which.

    Raises:
        CharlmError: there is no such run, text or part, it continues text, or it answers without labels.
    """
    labeller = load_labeller(run, workspace, device=resolve_device(device), command="eval accuracy")
    if confusion and TASKS[labeller.tokenizer.task].head == "sequence":
        raise ConfigError(f"--confusion is for labels; '{labeller.loaded.name}' answers with texts.")
    return accuracy_of(labeller, text, workspace, reporter, run=run)


def accuracy_of(
    labeller: Labeller,
    text: TextChoice,
    workspace: Workspace,
    reporter: Reporter,
    *,
    run: str,
) -> AccuracyResult:
    """Measures what a model that is loaded already says of examples; arguments as in `accuracy`."""
    loaded, task = labeller.loaded, labeller.tokenizer.task
    measure: Measure = resolve_name(TASKS[task].measure)

    @cache
    def own_corpus() -> EncodedCorpus:
        return reopen_corpus(loaded.record, workspace, reporter)

    def train() -> list[StoredExample] | None:
        try:
            found = own_corpus().train
        except CharlmError as error:
            reporter.note(f"Without models that are counted on the training text: {error}")
            return None
        return list(stored_examples(found.tokens, labeller.tokenizer))

    with opened_text(
        loaded,
        text,
        workspace,
        reporter,
        command=f"accuracy {quote(run)}",
        corpus=own_corpus,
    ) as opened:
        written = cache(partial(_written_examples, opened))
        examples = _named_examples(labeller, opened, written)
        inputs = partial(_written_inputs, examples, written)
        with reporter.progress(f"predicting for {opened.label}", len(examples)) as advance:
            measured = measure(Examined(labeller, examples, inputs, train, advance))
    return AccuracyResult(loaded.name, opened.label, task, measured)


def _written_examples(opened: OpenedText) -> list[Example] | None:
    """Returns the examples as they are written, with what the model has never learnt; None where their text is gone."""
    text = opened.read_again()
    return None if text is None else [parse_line(line) for line in text.split("\n") if line]


def _written_inputs(examples: list[StoredExample], written: _Written) -> list[str]:
    decoded = [each.example.input for each in examples]
    given = written() if any(_UNKNOWN_CHARACTER in each for each in decoded) else None
    return decoded if given is None else [each.input for each in given]


def _named_examples(labeller: Labeller, opened: OpenedText, written: _Written) -> list[StoredExample]:
    """Returns the examples; where their text can be read, with the names of labels that the model has never learnt."""
    tokenizer = labeller.tokenizer
    examples = list(stored_examples(opened.encoded.tokens, tokenizer))
    given = written() if any(UNKNOWN_LABEL in each.example.target for each in examples) else None
    if given is None:
        return examples
    pairs = zip((each.example for each in examples), given, strict=True)
    named = [Example(each.input, tokenizer.named_target(each.target, true.target)) for each, true in pairs]
    return [each._replace(example=example) for each, example in zip(examples, named, strict=True)]

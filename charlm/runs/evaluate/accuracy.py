"""`charlm eval accuracy`: how often a run's best model is right."""

from dataclasses import dataclass
from functools import cache
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
        examples = _named_examples(labeller, opened)
        with reporter.progress(f"labelling {opened.label}", len(examples)) as advance:
            measured = measure(Examined(labeller, examples, train, advance))
    return AccuracyResult(loaded.name, opened.label, task, measured)


def _named_examples(labeller: Labeller, opened: OpenedText) -> list[StoredExample]:
    """Returns the examples; where their text can be read, with the names of labels that the model has never learnt."""
    tokenizer = labeller.tokenizer
    examples = list(stored_examples(opened.encoded.tokens, tokenizer))
    text = opened.read_again() if any(UNKNOWN_LABEL in each.example.target for each in examples) else None
    if text is None:
        return examples
    given = (parse_line(line).target for line in text.split("\n") if line)
    pairs = zip(examples, given, strict=True)
    named = [Example(each.example.input, tokenizer.named_target(each.example.target, target)) for each, target in pairs]
    return [each._replace(example=example) for each, example in zip(examples, named, strict=True)]

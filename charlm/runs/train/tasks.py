"""What a task decides of a training's settings, and which settings it refuses."""

from collections.abc import Collection
from typing import Literal

from charlm.cells import standing_alone
from charlm.config import Request, RunConfig, with_effect
from charlm.data.batches import Batches
from charlm.data.corpus import EncodedCorpus
from charlm.data.examples.stored import stored_examples
from charlm.data.tokenizers.conditions import ConditionTokenizer
from charlm.data.tokenizers.examples import ExampleTokenizer
from charlm.data.tokenizers.labels import LabelTokenizer
from charlm.errors import ConfigError
from charlm.evaluation.baselines import count_symbols
from charlm.notation import Mix, counted, either
from charlm.runs.reporting import Reporter
from charlm.runs.train.settings import with_settings
from charlm.tasks import TASKS, Sizes, names_with

_BOTH_WAYS = (
    f"--direction both is for --task {either(names_with(lambda task: task.direction == 'both'))}: a model that writes "
    "predicts the next symbol, and a network that reads backward, too, has already seen it."
)

_OF_RUNNING_TEXT = frozenset({"sequence_length", "random_length"})
"""Settings of windows that cut a text."""


def with_task_defaults(config: RunConfig) -> RunConfig:
    """Returns the configuration with the direction, attention and n-grams that suit its task; as it was without one."""
    if config.data.task is None:
        return config
    task = TASKS[config.data.task]
    usual_attention: Literal["gnmt"] | None = "gnmt" if task.head == "sequence" else None
    attention = config.model.attention or usual_attention
    # One last state is all that passes then (Sutskever et al. 2014); two readings have two.
    usual_direction = "forward" if attention == "none" else task.direction
    usual_ngrams = "hashed" if task.head == "pooled" else None
    return with_settings(
        config,
        direction=config.model.direction or usual_direction,
        attention=attention,
        label_ngrams=config.model.label_ngrams or usual_ngrams,
        mix=Mix(None),
    )


def with_task_sizes(config: RunConfig, sizes: Sizes, fixed: Collection[str], *, symbols: int) -> RunConfig:
    """Returns the configuration with the sizes that suit a task, unless they were asked for.

    Args:
        fixed: the settings that were asked for.
        symbols: symbols in the examples for training.
    """
    width = next(width for most, width in sizes.widths if symbols <= most)
    chosen = {"hidden_size": width, "num_layers": sizes.num_layers, "batch_size": sizes.batch_size}
    return with_settings(config, **{name: value for name, value in chosen.items() if name not in fixed})


def require_fit(config: RunConfig, *, init_from: str | None) -> None:
    """Checks that the model that was asked for can be had for the task that was asked for.

    Raises:
        ConfigError: it cannot.
    """
    model, name = config.model, config.data.task
    for option, value, head, reason in (
        ("--attention", model.attention, "sequence", "whose decoder looks back at what was read"),
        ("--label-ngrams", model.label_ngrams, "pooled", "which finds one label for a whole text"),
    ):
        suited = [each for each, task in TASKS.items() if task.head == head]
        if value is not None and name not in suited:
            raise ConfigError(f"{option} is for --task {either(suited)}, {reason}.")
    if name is None:
        if model.direction == "both":
            raise ConfigError(_BOTH_WAYS)
        return
    if model.direction == "both" and TASKS[name].head is None:
        raise ConfigError(_BOTH_WAYS)
    if model.model != "recurrent" or model.cell not in standing_alone():
        chosen = f"--model {model.model}" if model.model != "recurrent" else f"--cell {model.cell}"
        raise ConfigError(f"--task {name} needs a recurrent network of {either(standing_alone())}; not {chosen}.")
    is_writing = TASKS[name].head is None
    if model.mixed_order is not None:
        reason = "n-grams know no condition" if is_writing else f"a model of --task {name} predicts labels, not symbols"
        raise ConfigError(f"--mix is for language models of text; {reason}.")
    if model.tie_weights and not is_writing:
        raise ConfigError(f"--tie-weights is for language models; a model of --task {name} has outputs of its own.")
    if config.training.teacher_forcing != "always":
        raise ConfigError(f"--teacher-forcing is for language models of text; leave it out with --task {name}.")
    if model.weight_drop is not None and not is_writing:
        raise ConfigError(f"--weight-drop is for language models of text; leave it out with --task {name}.")
    if config.tokenizer.tokenizer == "sentencepiece" and TASKS[name].head == "each":
        raise ConfigError(f"--tokenizer sentencepiece is not for --task {name}: a subword may have several labels.")
    if config.data.records != "none":
        raise ConfigError(f"--records is for language models; every line of --task {name} is an example anyway.")
    if init_from is None:
        return
    if model.direction == "both":
        raise ConfigError("--init-from starts from a network that reads forward; leave out --direction both.")


def warn_of_unused_lengths(request: Request, reporter: Reporter) -> None:
    """Warns of settings of windows that cut a text, as examples are never cut."""
    config = request.config
    for setting in with_effect(config.training, request.asked & _OF_RUNNING_TEXT):
        if config.data.task is not None:
            reporter.warn(
                f"--{setting.replace('_', '-')} is for text that is continued, and does nothing here: an example of "
                f"--task {config.data.task} is always read whole."
            )


def warn_of_unknown_labels(corpus: EncodedCorpus, reporter: Reporter) -> None:
    """Warns of labels that held-out examples have and those for training lack."""
    tokenizer = corpus.tokenizer
    if not isinstance(tokenizer, ExampleTokenizer):
        return
    for name, part in (("validation", corpus.valid), ("test", corpus.test)):
        if part is None:
            continue
        counts = count_symbols(part, vocabulary_size=tokenizer.vocabulary_size)
        number = int(tokenizer.label_counts(counts)[-1])
        if number:
            reporter.warn(
                f"{counted(number, 'label')} of the {name} examples {'is' if number == 1 else 'are'} none of those for "
                "training and will count as wrong; charlm eval accuracy names them."
            )


def warn_of_exchanged_sides(corpus: EncodedCorpus, reporter: Reporter, *, are_swapped: bool) -> None:
    """Warns of labels or conditions as numerous as examples whose texts are few: they are on the wrong sides."""
    tokenizer, number = corpus.tokenizer, corpus.train.num_records
    if not isinstance(tokenizer, LabelTokenizer | ConditionTokenizer) or len(tokenizer.labels) < max(20, number / 2):
        return
    texts = {each.example.input for each in stored_examples(corpus.train.tokens, tokenizer)}
    if 10 * len(texts) <= len(tokenizer.labels):
        kind = "conditions" if tokenizer.outputs is None else "labels"
        advice = "leave out --swap" if are_swapped else "exchange them with --swap"
        reporter.warn(
            f"The {number:,} examples for training have {len(tokenizer.labels):,} different {kind}, but only "
            f"{counted(len(texts), 'different text')}: the sides of the tab seem to be the wrong way round; {advice}."
        )


def characters_per_target(corpus: EncodedCorpus, batches: Batches) -> float:
    """Returns how many characters a target stands for; a label counts as one.

    Args:
        batches: of the training text; begins of records and conditions are no targets in them.
    """
    if corpus.tokenizer.outputs is not None:
        return 1.0
    train = corpus.train
    num_targets = batches.targets_per_epoch if train.num_records else train.num_symbols
    return train.num_characters / max(1, num_targets)

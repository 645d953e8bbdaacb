"""`charlm eval perplexity`: how well a run's best model predicts a text."""

from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote

from charlm.checkpointing.run_folder import find_run
from charlm.config import Adapt, Device, EvaluationConfig, Weights
from charlm.data.corpus import encode_text
from charlm.data.encoder import EncodedText
from charlm.data.sources import TextSource
from charlm.errors import CharlmError, ConfigError, DataError
from charlm.evaluation.baselines import Baseline, score_baselines
from charlm.evaluation.compressors import score_compressors, symbols_compressed
from charlm.evaluation.score import Score
from charlm.evaluation.scorer import score_parts
from charlm.evaluation.stepped import SteppedModel
from charlm.models.base import OWN
from charlm.notation import counted
from charlm.runs.device import resolve_device
from charlm.runs.evaluate.adapted import adapted_score
from charlm.runs.evaluate.choice import TextChoice
from charlm.runs.evaluate.opened import opened_text
from charlm.runs.reporting import Reporter
from charlm.runs.stored.corpus import reopen_corpus
from charlm.runs.stored.loading import LoadedModel, load_model, step_model
from charlm.runs.stored.workspace import Workspace


@dataclass(frozen=True)
class EvaluationResult:
    """The score of a text under a run's model, beside the scores of models without memory.

    Attributes:
        weights: how the model's weights were kept.
        exact: the score of the weights as they are, where they were kept otherwise; None where not.
        adapt: how the model adapted for `adapted`; None where that was not asked for.
        adapted: the score of the model that learns from each symbol after it was charged for it.
        compressors: the scores of compressors that read the training text first, if they were asked for.
    """

    run: str
    text: str
    score: Score
    baselines: tuple[Baseline, ...]
    weights: Weights = "float32"
    exact: Score | None = None
    adapt: Adapt | None = None
    adapted: Score | None = None
    compressors: tuple[Baseline, ...] = ()


def perplexity(
    run: str,
    text: TextChoice,
    settings: EvaluationConfig,
    workspace: Workspace,
    reporter: Reporter,
    *,
    device: Device = "auto",
) -> EvaluationResult:
    """Scores a text, or one of the parts of the run's own corpus, with the run's best model.

    Raises:
        CharlmError: there is no such run, text or part, or the text is too short.
    """
    reduced = settings.weights != "float32"
    if settings.adapt is not None and (reduced or settings.context is not None):
        other = f"--weights {settings.weights}" if reduced else "--context"
        raise ConfigError(f"--adapt reads a text as one stream with exact weights; leave out {other}.")
    # Reduced weights are for the CPU, and so the best of what "auto" may take.
    loaded = load_model(run, workspace, device=resolve_device("cpu" if reduced and device == "auto" else device))
    with opened_text(loaded, text, workspace, reporter, command=f"perplexity {quote(run)}") as opened:
        encoded, label = opened.encoded, opened.label
        training = _training_text(loaded, workspace, reporter) if settings.compressors else None
        exact, baselines = score_encoded(loaded, encoded, settings, reporter, label=label)
        judges = () if training is None else _judge(encoded, training, loaded, reporter, label=label)
        found = EvaluationResult(loaded.name, label, exact, baselines, compressors=judges)
        if settings.adapt is not None:
            adapted = adapted_score(
                loaded,
                encoded,
                settings.adapt,
                workspace,
                reporter,
                label=label,
                folder=None if Path(run).is_file() else find_run(run, workspace.checkpoints),
                read_again=opened.read_again,
                is_own_validation=label.endswith(" (valid)") and not text.files,
            )
            return replace(found, adapt=settings.adapt, adapted=adapted)
        if not reduced:
            return found
        engine = step_model(loaded.model, loaded.config.model, weights=settings.weights)
        stepped = replace(loaded, model=SteppedModel(engine))
        score, _ = score_encoded(stepped, encoded, settings, reporter, label=f"{label} with {settings.weights} weights")
    return replace(found, score=score, weights=settings.weights, exact=exact)


def score_source(
    loaded: LoadedModel, source: TextSource, settings: EvaluationConfig, workspace: Workspace, reporter: Reporter
) -> Score:
    """Returns the score of any text under a model that is loaded already."""
    with encode_text(source, loaded.tokenizer, folder=workspace.data, progress=reporter.progress) as encoded:
        return score_encoded(loaded, encoded, settings, reporter, label=source.label)[0]


def score_encoded(
    loaded: LoadedModel, encoded: EncodedText, settings: EvaluationConfig, reporter: Reporter, *, label: str
) -> tuple[Score, tuple[Baseline, ...]]:
    """Returns the score of an encoded text, and the baselines' scores; a text with nothing to score is a DataError."""
    tokenizer = loaded.tokenizer
    require_two(encoded, label=label)
    with reporter.progress(f"scoring {label}", len(encoded.tokens)) as advance:
        parts = score_parts(
            loaded.model, encoded, tokenizer, context=settings.context, device=loaded.device, advance=advance
        )
    others = tuple(Baseline(name, label, score) for name, score in parts.items() if name != OWN)
    return parts[OWN], others + score_baselines(encoded, tokenizer, loaded.symbol_counts, split=label)


def require_two(encoded: EncodedText, *, label: str) -> None:
    """Checks that there is a symbol to score after the first.

    Raises:
        DataError: there is none.
    """
    if len(encoded.tokens) < 2:
        raise DataError(
            f"'{label}' has {counted(encoded.num_characters, 'character')}; scoring needs at least 2, "
            "as the first is only read."
        )


def _training_text(loaded: LoadedModel, workspace: Workspace, reporter: Reporter) -> EncodedText:
    try:
        return reopen_corpus(loaded.record, workspace, reporter).train
    except CharlmError as error:
        raise DataError(
            f"--compressors lets compressors read the training text of '{loaded.name}' first, which cannot be read "
            f"again: {error}"
        ) from None


def _judge(
    encoded: EncodedText, training: EncodedText, loaded: LoadedModel, reporter: Reporter, *, label: str
) -> tuple[Baseline, ...]:
    """Returns the scores of compressors that read the training text first."""
    with reporter.progress(f"compressing {label}", symbols_compressed(encoded, training)) as advance:
        return score_compressors(encoded, training, loaded.tokenizer, split=label, advance=advance)

"""`charlm eval surprisal`: the bits of each character of a text under a run's best model."""

from collections.abc import Callable
from dataclasses import dataclass
from shlex import quote

from charlm.config import Device, SurprisalConfig
from charlm.data.corpus import encode_text
from charlm.data.encoder import EncodedText
from charlm.data.layout import as_pieces
from charlm.data.sources import TextSource
from charlm.evaluation.surprisal import Surprisal, measure_surprisal
from charlm.runs.device import resolve_device
from charlm.runs.evaluate.choice import TextChoice
from charlm.runs.evaluate.opened import opened_text
from charlm.runs.evaluate.perplexity import require_two
from charlm.runs.reporting import Reporter
from charlm.runs.stored.loading import LoadedModel, load_model
from charlm.runs.stored.workspace import Workspace


@dataclass(frozen=True)
class SurprisalResult:
    """A text under a run's model, symbol by symbol; `text` is its label."""

    run: str
    text: str
    surprisal: Surprisal


def surprisal(
    run: str,
    text: TextChoice,
    settings: SurprisalConfig,
    workspace: Workspace,
    reporter: Reporter,
    *,
    device: Device = "auto",
) -> SurprisalResult:
    """Measures a text, or one of the parts of the run's own corpus, symbol by symbol.

    Raises:
        CharlmError: there is no such run, text or part, or the text is too short.
    """
    loaded = load_model(run, workspace, device=resolve_device(device))
    with opened_text(loaded, text, workspace, reporter, command=f"surprisal {quote(run)}") as opened:
        found = _measure(loaded, opened.encoded, opened.read_again, settings, reporter, label=opened.label)
        return SurprisalResult(loaded.name, opened.label, found)


def surprisal_of_source(
    loaded: LoadedModel, source: TextSource, settings: SurprisalConfig, workspace: Workspace, reporter: Reporter
) -> Surprisal:
    """Returns the code lengths in any text under a model that is loaded already."""
    with encode_text(source, loaded.tokenizer, folder=workspace.data, progress=reporter.progress) as encoded:
        records = loaded.tokenizer.begin is not None

        def read_again() -> str:
            return "".join(as_pieces(source.chunks(), records=records))

        return _measure(loaded, encoded, read_again, settings, reporter, label=source.label)


def _measure(
    loaded: LoadedModel,
    encoded: EncodedText,
    read_again: Callable[[], str | None],
    settings: SurprisalConfig,
    reporter: Reporter,
    *,
    label: str,
) -> Surprisal:
    require_two(encoded, label=label)
    characters = read_again() if encoded.num_unknown else None
    with reporter.progress(f"scoring {label}", len(encoded.tokens)) as advance:
        return measure_surprisal(
            loaded.model,
            encoded,
            loaded.tokenizer,
            device=loaded.device,
            context=settings.context,
            top=settings.top,
            characters=characters,
            advance=advance,
        )

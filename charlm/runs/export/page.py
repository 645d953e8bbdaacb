"""`charlm export page`: a run as one HTML file that writes and measures text with its network."""

from pathlib import Path
from typing import BinaryIO

from charlm.cells import CELLS
from charlm.checkpointing.metrics import read_metrics
from charlm.checkpointing.run_folder import find_run
from charlm.config import Weights
from charlm.files.writing import write_result
from charlm.page.curves import Line, draw_curves
from charlm.page.document import PageContents, render
from charlm.page.network import describe_network, network_arrays, require_page_network
from charlm.page.packing import pack_arrays
from charlm.page.shading import BIT_BORDERS, UNIT_BORDERS, bit_level_names
from charlm.page.tokenizer import describe_tokenizer
from charlm.runs.describe import name_model
from charlm.runs.info import RunDescription, describe
from charlm.runs.plot import MIXTURE, NETWORK_ALONE, Curve, curves_of
from charlm.runs.reporting import Reporter
from charlm.runs.stored.model import StoredModel, read_newest_model
from charlm.runs.stored.workspace import Workspace

_UNIT_VALUES = {
    True: "Its value is its memory, c, which is shown as tanh(c), from -1 to 1.",
    False: "Its value is its output, h.",
}
_FACTS = ("model", "corpus", "vocabulary", "started from", "steps", "length", "sizes", "time", "date", "made with")
"""What a page tells of `charlm info`: nothing of the folders of the machine."""


def export_page(
    run: str,
    output: Path | BinaryIO,
    workspace: Workspace,
    reporter: Reporter,
    *,
    weights: Weights = "float32",
) -> None:
    """Writes a run as one HTML file, which is there whole or not at all.

    Args:
        output: an open stream, or a path.
        weights: as in `page_of`, and so are further errors.

    Raises:
        CheckpointError: the file cannot be written.
    """
    write_result(output, [page_of(run, workspace, reporter, weights=weights)])


def page_of(run: str, workspace: Workspace, reporter: Reporter, *, weights: Weights = "float32") -> bytes:
    """Returns a run as one HTML page, UTF-8, which loads nothing and sends nothing: to be stored or served as it is.

    Args:
        run: by name, folder, or checkpoint file; its best model, or its last one before there is a best.
        weights: how the network's are kept; int8 makes a page of a quarter of the size.

    Raises:
        CheckpointError: there is no such run, or it is damaged.
        ConfigError: a page cannot hold its model, or it labels examples.
    """
    stored, note = read_newest_model(run, workspace)
    if note is not None:
        reporter.note(note)
    config, tokenizer = stored.config.model, stored.tokenizer
    require_page_network(config, run=stored.name)
    arrays, block = pack_arrays(network_arrays(config, stored.weights), weights=weights)
    curves, known = _curves(run, stored, workspace), describe(run, workspace)
    return render(
        PageContents(
            title=stored.name,
            summary=f"A recurrent network, {name_model(stored.record.without_mix().config)}, trained on "
            f"{stored.record.provenance.corpus.label}.",
            facts=[(name, text) for name, text in known.rows if name in _FACTS],
            scores=_scores(known, curves),
            notes=_notes(stored, note, weights=weights),
            unit_value=_UNIT_VALUES[len(CELLS[config.cell].states) > 1],
            figures=draw_curves([_line(each) for each in curves]),
            model={
                "network": describe_network(config, vocabulary_size=tokenizer.vocabulary_size),
                "arrays": arrays,
                "tokenizer": describe_tokenizer(tokenizer, stored.config.data),
                "shading": {"bitBorders": BIT_BORDERS, "bitNames": bit_level_names(), "unitBorders": UNIT_BORDERS},
            },
            weights=block,
        )
    )


def _curves(run: str, stored: StoredModel, workspace: Workspace) -> list[Curve]:
    """Returns the losses of a run's training; none of a checkpoint that lies alone."""
    if Path(run).is_file():
        return []
    return curves_of(stored.name, stored, read_metrics(find_run(run, workspace.checkpoints).metrics))


def _line(curve: Curve) -> Line:
    name = curve.text if curve.model is None else f"{curve.text}, {curve.model}"
    return Line(name, [(point.steps, point.bits_per_character) for point in curve.points])


def _scores(known: RunDescription, curves: list[Curve]) -> list[tuple[str, str]]:
    """Returns the scores of the best model, and where n-grams are mixed in, that of the network alone."""
    rows, both = dict(known.rows), _best_of_mixture(curves)
    of = "" if both is None else ", with n-grams"
    found = [
        (rows[split].split()[0], f"bits per character, {split} text{of}")
        for split in ("validation", "test")
        if split in rows
    ]
    alone = [] if both is None else [(f"{both[1]:.4f}", "bits per character, validation text, this network alone")]
    return [*alone, *found]


def _notes(stored: StoredModel, note: str | None, *, weights: Weights) -> list[str]:
    notes = [] if note is None else [note]
    order = stored.config.model.mixed_order
    if order is not None:
        notes.append(
            f"The run mixes its network with n-grams up to order {order}. This page has the network alone, so that it "
            "writes and measures less well than charlm does with the run."
        )
    if weights == "int8":
        notes.append("The weights are rounded to 8 bits; the scores are those of the exact weights.")
    return notes


def _best_of_mixture(curves: list[Curve]) -> tuple[float, float] | None:
    """Returns the lowest validation loss of a mixture and that of its network alone at that step; None without both."""
    of_model = {each.model: each.points for each in curves if each.text == "validation"}
    if MIXTURE not in of_model:
        return None
    best = min(of_model[MIXTURE], key=lambda point: point.bits_per_character)
    alone = {point.steps: point.bits_per_character for point in of_model.get(NETWORK_ALONE, ())}
    return (best.bits_per_character, alone[best.steps]) if best.steps in alone else None

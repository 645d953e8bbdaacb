"""What distinguishes the recurrent cells from outside: their matrices, their states, and where their gates lie."""

from dataclasses import dataclass

from charlm.config import Cell


@dataclass(frozen=True)
class CellShape:
    """One kind of cell.

    Attributes:
        gates: for each gate, in the order of the step engine's cells, where it stands in the stored matrices, and
            what the engine multiplies it by: half for those that end in a logistic function, see cells.py.
        num_states: what a layer remembers; the first is its output.
        separate_inputs: inputs and state need products of their own, as where a reset gate acts on one of the two.
    """

    gates: tuple[tuple[int, float], ...]
    num_states: int = 1
    separate_inputs: bool = False


SHAPES: dict[Cell, CellShape] = {
    # Stored: input, forget, candidate, output.
    "lstm": CellShape(((0, 0.5), (1, 0.5), (3, 0.5), (2, 1.0)), num_states=2),
    "lstm-peephole": CellShape(((0, 0.5), (1, 0.5), (3, 0.5), (2, 1.0)), num_states=2),
    # Stored: reset, update, candidate.
    "gru": CellShape(((0, 0.5), (1, 0.5), (2, 1.0)), separate_inputs=True),
    "gru-reset-before": CellShape(((0, 0.5), (1, 0.5), (2, 1.0)), separate_inputs=True),
    # Stored: update, candidate.
    "gru-simple": CellShape(((0, 0.5), (1, 1.0))),
    "rnn": CellShape(((0, 1.0),)),
    # The layers of these two do not stand alone, and have engines of their own; the numbers are of their weights.
    "jordan": CellShape(((0, 1.0),)),
    "st-lstm": CellShape(((0, 1.0),) * 9, num_states=3),
}

STANDALONE: tuple[Cell, ...] = tuple(cell for cell in SHAPES if cell not in ("jordan", "st-lstm"))
"""Cells whose layers can be read one after the other."""

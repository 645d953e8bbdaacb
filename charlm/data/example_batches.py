"""Examples of a task as windows: whole ones of similar length side by side, with targets where the task has them."""

from collections.abc import Sequence
from functools import cached_property
from pkgutil import resolve_name
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray

from charlm.data.examples.shapes import Lay
from charlm.data.lanes import IGNORED, Window
from charlm.data.record_batches import find_records, group_records
from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.examples import ExampleTokenizer
from charlm.tasks import TASKS


@final
class ExampleBatches:
    """Examples in batches of similar length, grouped anew in every epoch, whose batches come in a new order.

    Each batch is one window, however long its longest example is: a network that reads in both directions has to see
    all of it. Attributes are as in `Lanes`.

    Args:
        tokens: the examples one after the other, each with its begin; at least one.
        batch_size: most examples in a batch.
        seed: decides which examples share a batch, and the order of the batches.
    """

    def __init__(self, tokens: TokenFile, tokenizer: ExampleTokenizer, *, batch_size: int, seed: int) -> None:
        self._tokens = tokens.in_memory()
        self._tokenizer = tokenizer
        self._lay: Lay = resolve_name(TASKS[tokenizer.task].lay)
        self._offsets = find_records(self._tokens, tokenizer.begin)
        self._seed = seed
        self.num_lanes = min(batch_size, len(self._offsets) - 1)
        self.windows_per_epoch = -(-(len(self._offsets) - 1) // self.num_lanes)
        self._epoch = (-1, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))

    def window(self, index: int) -> Window:
        """Returns a window by its number, counted over all epochs."""
        epoch, place = divmod(index, self.windows_per_epoch)
        examples, order = self._grouped(epoch)
        return self._lay_batch(examples, int(order[place]))

    def batch(self, number: int) -> Window:
        """Returns a batch by its number in the first epoch; `examples_of` says which examples are in it."""
        return self._lay_batch(self._grouped(0)[0], number)

    def examples_of(self, number: int) -> NDArray[np.int64]:
        """Returns the numbers of the examples in a batch of the first epoch, by their order in the text."""
        return self._chosen(self._grouped(0)[0], number)

    def _grouped(self, epoch: int) -> tuple[NDArray[np.signedinteger[Any]], NDArray[np.int64]]:
        """Returns the examples of an epoch, each batch's one after the other, and the order of the batches."""
        if self._epoch[0] != epoch:
            rng = np.random.default_rng((self._seed, 1 + epoch))
            examples, _ = group_records(self._offsets, self.num_lanes, seed=(self._seed, epoch))
            self._epoch = (epoch, examples, rng.permutation(self.windows_per_epoch))
        return self._epoch[1:]

    def _chosen(self, examples: NDArray[np.signedinteger[Any]], number: int) -> NDArray[np.int64]:
        return examples[number * self.num_lanes : (number + 1) * self.num_lanes].astype(np.int64)

    def _lay_batch(self, examples: NDArray[np.signedinteger[Any]], number: int) -> Window:
        laid = [self._laid(example) for example in self._chosen(examples, number)]
        return lay_window(laid, num_lanes=self.num_lanes)

    def _laid(self, example: np.integer) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        symbols = self._tokens.read(int(self._offsets[example]), int(self._offsets[example + 1]))
        return self._lay(symbols.astype(np.int64), self._tokenizer)

    @cached_property
    def targets_per_epoch(self) -> int:
        """Number of targets in all examples."""
        laid = map(self._laid, np.arange(len(self._offsets) - 1))
        return sum(int(np.count_nonzero(targets != IGNORED)) for _, targets in laid)


def lay_window(laid: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]], *, num_lanes: int | None = None) -> Window:
    """Returns a window with an example a lane, padded with symbol 0 and IGNORED; lanes without an example are empty.

    Args:
        laid: the inputs and the targets of each example.
        num_lanes: width of the window.  [default: one lane an example]
    """
    width = len(laid) if num_lanes is None else num_lanes
    inputs = np.zeros((max(len(each) for each, _ in laid), width), dtype=np.int64)
    targets = np.full((max(len(each) for _, each in laid), width), IGNORED, dtype=np.int64)
    for lane, (own_inputs, own_targets) in enumerate(laid):
        inputs[: len(own_inputs), lane] = own_inputs
        targets[: len(own_targets), lane] = own_targets
    num_targets = int(np.count_nonzero(targets != IGNORED))
    return Window(torch.from_numpy(inputs), torch.from_numpy(targets), fresh=True, num_targets=num_targets)

"""Several processes: what they tell one another through torch.distributed, with gloo on CPUs and NCCL on GPUs."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, final

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor

from charlm.distributed.place import Place
from charlm.distributed.world import Arrays, Gradients, Memory, World, share_of
from charlm.errors import CharlmError, DistributedError, is_out_of_memory


class LostError(DistributedError):
    """Another process has ended, or cannot be reached."""


@final
class Several(World):
    """One of several processes, which have met in torch's default process group."""

    def __init__(self, place: Place, *, memory: Memory | None = None) -> None:
        super().__init__(place.rank, place.size, memory=memory)
        self._local_rank = place.local_rank
        self._rows: Tensor | None = None

    def device(self, device: torch.device) -> torch.device:
        """Returns the GPU with the number of this process on its machine; other devices are shared."""
        if device.type != "cuda" or device.index is not None:
            return device
        return torch.device("cuda", self._local_rank)

    def add_in_order(self, parts: Iterable[Gradients], *, of: int) -> list[Tensor | None]:
        """Returns the sums over all processes' parts; their memory is used again by the next call."""
        own = self._computed(parts)
        given = [next((each for each in column if each is not None), None) for column in zip(*own, strict=True)]
        numbers = sum(each.numel() for each in given if each is not None)
        width = -(-numbers // self.size)
        known = next(each for each in given if each is not None)
        if self._rows is None or self._rows.shape != (len(own), self.size, width) or self._rows.dtype != known.dtype:
            self._rows = known.new_zeros(len(own), self.size, width)
        rows = self._rows
        for row, part in zip(rows.view(len(own), -1), own, strict=True):
            pieces = [
                (torch.zeros_like(shaped) if each is None else each).reshape(-1)
                for each, shaped in zip(part, given, strict=True)
                if shaped is not None
            ]
            torch.cat(pieces, out=row[:numbers])
        with _loss_explained():
            total = self._sum_of_two(rows) if of == 2 else self._sum_of_slices(rows, of=of)
        sums = iter(torch.split(total[:numbers], [each.numel() for each in given if each is not None]))
        return [None if each is None else next(sums).view(each.shape) for each in given]

    def _sum_of_two(self, rows: Tensor) -> Tensor:
        """Returns the sum of two parts, one a process: it has no order, so that torch's own sum, in place, will do."""
        dist.all_reduce(rows)
        return rows.view(-1)

    def _sum_of_slices(self, rows: Tensor, *, of: int) -> Tensor:
        """Returns the sum of any number of parts, in their order.

        Each process adds one slice of all parts and sends the sum to the others: as much is sent as by the usual sum of
        a ring, whose order depends on the number of processes.
        """
        own, _, width = rows.shape
        counts = [len(share_of(rank, self.size, of)) for rank in range(self.size)]
        slices = rows.new_empty(of, width)
        total = rows.new_empty(self.size, width)
        dist.all_to_all_single(slices, rows.transpose(0, 1).reshape(-1, width), counts, [own] * self.size)
        for each in slices[1:]:
            slices[0].add_(each)
        dist.all_gather(list(total.unbind()), slices[0])
        return total.view(-1)

    def _computed(self, parts: Iterable[Gradients]) -> list[Gradients]:
        own: list[Gradients] = []
        shortage: BaseException | None = None
        try:
            own = list(parts)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            shortage = error
        if self.largest(float(shortage is not None)):
            raise shortage or MemoryError("another process has not enough memory")
        return own

    def fill(self, tensor: Tensor) -> Tensor:
        """Returns the tensor whole; its bytes are added, so that no number changes."""
        filled = tensor.contiguous().clone()
        with _loss_explained():
            dist.all_reduce(filled.view(-1).view(torch.uint8))
        return filled

    def largest(self, number: float) -> float:
        """Returns the largest number of all processes."""
        tensor = torch.tensor([number], dtype=torch.float64)
        with _loss_explained():
            dist.all_reduce(tensor, op=dist.ReduceOp.MAX)
        return float(tensor)

    def of_first(self, number: float) -> float:
        """Returns the first process's number."""
        tensor = torch.tensor([number], dtype=torch.float64)
        with _loss_explained():
            dist.broadcast(tensor, 0)
        return float(tensor)

    def by_first(self, function: Callable[[], str | None]) -> str:
        """Returns what a function returns in the first process."""
        if not self.is_first:
            told = json.loads(self._text_of(0, ""))
            if "error" in told:
                raise error_named(told["error"])(told["words"])
            return str(told["words"])
        try:
            words = function() or ""
        except CharlmError as error:
            self._text_of(0, json.dumps({"error": type(error).__name__, "words": str(error)}))
            raise
        self._text_of(0, json.dumps({"words": words}))
        return words

    def arrays_by_first(self, function: Callable[[], Arrays]) -> Arrays:
        """Returns the arrays that a function returns in the first process."""
        arrays: dict[str, NDArray[Any]] = {}

        def call() -> str:
            arrays.update(function())
            return json.dumps({name: [str(each.dtype), each.shape] for name, each in arrays.items()})

        for name, (dtype, shape) in json.loads(self.by_first(call)).items():
            array = np.ascontiguousarray(arrays[name]) if self.is_first else np.empty(shape, dtype=dtype)
            if array.size:
                with _loss_explained():
                    dist.broadcast(torch.from_numpy(array.reshape(-1).view(np.uint8)), 0)
            arrays[name] = array
        return arrays

    def require_same(self, facts: Callable[[], Mapping[str, str]], *, advice: str) -> None:
        """Checks that all processes know the same facts as the first."""
        own = json.dumps(dict(facts()))
        all_facts = [json.loads(self._text_of(rank, own)) for rank in range(self.size)]
        for rank, others in enumerate(all_facts):
            for name, value in all_facts[0].items():
                if others.get(name) != value:
                    raise DistributedError(
                        f"Process {rank} of this training has {name} {others.get(name, 'none')}, and process 0 has "
                        f"{value}; {advice}"
                    )

    def _text_of(self, rank: int, text: str) -> str:
        """Returns the text of one process; those of the others do not matter."""
        encoded = bytearray(text.encode())
        length = torch.tensor([len(encoded)])
        with _loss_explained():
            dist.broadcast(length, rank)
            sent = torch.zeros(int(length), dtype=torch.uint8)
            if self.rank == rank:
                sent = torch.frombuffer(encoded, dtype=torch.uint8)
            dist.broadcast(sent, rank)
        return sent.numpy().tobytes().decode()


def error_named(name: str) -> type[CharlmError]:
    """Returns the class of errors of that name."""
    found: list[type[CharlmError]] = [CharlmError]
    for each in found:
        if each.__name__ == name:
            return each
        found += each.__subclasses__()
    return CharlmError


@contextmanager
def _loss_explained() -> Iterator[None]:
    """Raises a failure of torch.distributed as a LostError."""
    try:
        yield
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        raise LostError(
            "Another process of this training has ended, or cannot be reached; every checkpoint written so far is "
            "kept. Go on with charlm train --resume RUN; torchrun --max-restarts 3 goes on by itself."
        ) from error

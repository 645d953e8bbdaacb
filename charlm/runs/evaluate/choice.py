"""Which text `charlm eval` measures, and how it is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal

Split = Literal["train", "valid", "test"]


@dataclass(frozen=True)
class TextChoice:
    """A text to measure a model on: files, or a part of the run's own text.

    Attributes:
        files: as in `DataConfig.corpus`; empty for a part of the run's own text.
        split: which part; None for test, or valid where there is no test part.
        reading: fields of `DataConfig` in which the files are read differently from the run's own text.
        stdin: what the file '-' stands for.
    """

    files: tuple[str, ...] = ()
    split: Split | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)
    stdin: BinaryIO | None = None

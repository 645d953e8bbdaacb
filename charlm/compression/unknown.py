"""The characters of unknown symbols as bytes: packed, or coded by a model that learns which ones come."""

import copy
from abc import ABC, abstractmethod
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from charlm.compression.coder import FOREIGN, WORD, coder_library
from charlm.compression.edits import pack_text, unpack_text
from charlm.data.tokenizers.base import Tokens
from charlm.files.errors import UntrustedFileError
from charlm.stepping.unknown import UnknownCharacters


class UnknownCoder(ABC):
    """Turns the characters of one block after the other into bytes, and back."""

    @abstractmethod
    def pack(self, tokens: Tokens, characters: str) -> bytes:
        """Returns the characters of the unknown symbols among `tokens` as bytes; none where there are none."""

    @abstractmethod
    def unpack(self, tokens: Tokens, packed: bytes) -> str:
        """Returns the characters from their bytes; others are an UntrustedFileError."""

    @abstractmethod
    def copy(self) -> "UnknownCoder":
        """Returns one that goes on from here on its own."""


@final
class PackedCharacters(UnknownCoder):
    """By LZMA, each block alone."""

    def pack(self, tokens: Tokens, characters: str) -> bytes:
        """Returns the characters, packed."""
        return pack_text(characters)

    def unpack(self, tokens: Tokens, packed: bytes) -> str:
        """Returns what was packed."""
        return unpack_text(packed)

    def copy(self) -> "PackedCharacters":
        """Returns itself: there is nothing to learn."""
        return self


@final
class LearntCharacters(UnknownCoder):
    """By the range coder, as likely as the text so far makes them; what adapted scores charge."""

    def __init__(self, characters: UnknownCharacters) -> None:
        self._characters = characters

    def pack(self, tokens: Tokens, characters: str) -> bytes:
        """Returns the code of the characters."""
        library = coder_library()
        coder = library.queue.RangeEncoder()

        def choose(weights: NDArray[np.float64], actual: int | None) -> int:
            assert actual is not None
            coder.encode(actual, _distribution(library, weights))
            return actual

        self._characters.read(tokens, characters, choose)
        code: NDArray[np.uint32] = coder.get_compressed()
        return code.astype(WORD).tobytes() if characters else b""

    def unpack(self, tokens: Tokens, packed: bytes) -> str:
        """Returns the characters from their code."""
        if len(packed) % WORD.itemsize:
            raise UntrustedFileError(FOREIGN)
        library = coder_library()
        coder = library.queue.RangeDecoder(np.frombuffer(packed, dtype=WORD).astype(np.uint32))

        def choose(weights: NDArray[np.float64], _: int | None) -> int:
            chosen = int(coder.decode(_distribution(library, weights)))
            if weights[chosen] == 0.0:
                raise UntrustedFileError(FOREIGN)
            return chosen

        try:
            return self._characters.read(tokens, None, choose)
        except AssertionError:  # constriction's, as in `decode`.
            raise UntrustedFileError(FOREIGN) from None

    def copy(self) -> "LearntCharacters":
        """Returns one that knows the same."""
        return LearntCharacters(copy.deepcopy(self._characters))


def _distribution(library: Any, weights: NDArray[np.float64]) -> Any:
    """Returns what the coder takes for the probabilities of some choices; each is possible."""
    return library.model.Categorical((weights / weights.sum()).astype(np.float32), perfect=False)

"""The score of a text: sums of code lengths and counts, and the means computed from them."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, repr=False)
class Score:
    """The code length of a text under a model: sums over every scored symbol.

    Attributes:
        total_nats: minus the sum of the natural logarithms of the symbols' probabilities, and `unknown_nats`.
        num_symbols: symbols scored; the first of a text is read but not scored.
        num_characters: Unicode code points of the scored symbols.
        num_bytes: bytes of their UTF-8 encoding.
        num_unknown: scored symbols that are the unknown symbol.
        num_ends: scored ends of records, each counted as one character and one byte (its line end).
        unknown_nats: the part of `total_nats` that says which characters the unknown symbols stand for.
    """

    total_nats: float
    num_symbols: int
    num_characters: int
    num_bytes: int
    num_unknown: int = 0
    num_ends: int = 0
    unknown_nats: float = 0.0

    def __repr__(self) -> str:
        """Returns the class and the means that people compare."""
        return (
            f"<Score: {self.bits_per_character:.4f} bits/char, perplexity {self.perplexity:.4g}, "
            f"{self.num_characters:,} characters>"
        )

    @property
    def nats_per_symbol(self) -> float:
        """Mean code length of a symbol, in nats."""
        return self.total_nats / self.num_symbols

    @property
    def perplexity(self) -> float:
        """Exp of the nats per symbol; infinite where that overflows."""
        return math.exp(self.nats_per_symbol) if self.nats_per_symbol < 700 else math.inf

    @property
    def nats_per_character(self) -> float:
        """Mean code length of a character, in nats; NaN when the scored symbols complete no character."""
        return self.total_nats / self.num_characters if self.num_characters else math.nan

    @property
    def bits_per_character(self) -> float:
        """Bits per Unicode code point; comparable across tokenizers."""
        return self.nats_per_character / math.log(2)

    @property
    def unknown_bits_per_character(self) -> float:
        """The part of the bits per character that says which characters the unknown symbols stand for."""
        return self.unknown_nats / self.num_characters / math.log(2) if self.num_characters else math.nan

    @property
    def bits_per_byte(self) -> float:
        """Bits per byte of UTF-8; comparable across tokenizers and scripts."""
        return self.total_nats / self.num_bytes / math.log(2) if self.num_bytes else math.nan

    def to_json(self) -> dict[str, float | int | None]:
        """Returns the score as JSON values; a number that is not finite becomes None."""
        means = {
            "nats_per_symbol": self.nats_per_symbol,
            "perplexity": self.perplexity,
            "bits_per_character": self.bits_per_character,
            "bits_per_byte": self.bits_per_byte,
            "unknown_bits_per_character": self.unknown_bits_per_character,
        }
        counts = {
            "symbols": self.num_symbols,
            "characters": self.num_characters,
            "bytes": self.num_bytes,
            "unknown": self.num_unknown,
        }
        if self.num_ends:
            counts["record_ends"] = self.num_ends
        return {name: value if math.isfinite(value) else None for name, value in means.items()} | counts

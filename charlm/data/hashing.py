"""A number for a text, the same on every machine, by which texts are divided."""

import hashlib


def digest_of(text: str) -> int:
    """Returns a number below 2^64 that depends on the text alone, and differs for nearly all texts."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def hashed(text: str) -> float:
    """Returns `digest_of` as a number from 0 up to 1."""
    # 53 bits, which a float holds exactly: 1 is never reached by rounding.
    return (digest_of(text) >> 11) / (1 << 53)

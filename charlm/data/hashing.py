"""A number for a text, the same on every machine, by which texts are divided."""

import hashlib


def hashed(text: str) -> float:
    """Returns a number from 0 up to 1 that depends on the text alone, and differs for nearly all texts."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    # 53 bits, which a float holds exactly: 1 is never reached by rounding.
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)

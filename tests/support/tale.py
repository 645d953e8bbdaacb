"""A small English text to train on."""

from pathlib import Path

_SENTENCES = ("the cat sat on the mat. ", "a dog ran to the man. ", "we saw ten red hens in a pen. ")


def write_tale(path: Path, *, num_sentences: int = 150) -> Path:
    """Writes a text of sentences one after the other, and returns its path."""
    order = ((7 * number * number + number // 3) % 3 for number in range(num_sentences))
    path.write_text("".join(_SENTENCES[each] for each in order), encoding="utf-8")
    return path

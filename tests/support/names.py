"""Examples to label: made-up names whose ending tells their language."""

from pathlib import Path

_STEMS = ("ba", "ko", "ri", "su", "mel", "tan", "vor", "ni", "pe", "gal", "zu", "ta", "fer", "do", "lin", "mas")
_ENDINGS = {"Northern": "sen", "Eastern": "ov", "Southern": "ez"}


def write_names(path: Path, *, ends: str = "\n") -> Path:
    """Writes `name<TAB>language` lines, sorted by language; each ending belongs to one language."""
    lines = [
        f"{one}{other}{ending}\t{label}" for label, ending in _ENDINGS.items() for one in _STEMS for other in _STEMS
    ]
    path.write_text("".join(f"{line}{ends}" for line in lines), encoding="utf-8", newline="")
    return path

"""How people write durations, sizes, splits, schedules and names, and what that stands for."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

_TIME = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(s|m|h)\s*$")
_MIX = re.compile(r"none|ngram:([1-9]|1\d|2[0-4])")
_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(KB|MB|GB|TB)")
_BYTES = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
LONGEST_SECONDS = 1e9
"""The longest duration, thirty years."""

_FORCING = re.compile(r"always|(linear|exponential|inverse-sigmoid):(\d+(?:\.\d*)?|\.\d+)")
_PARAMETERS = {"linear": (0.0, 1.0), "exponential": (1e-6, 1.0), "inverse-sigmoid": (1.0, 1e6)}
"""The range of the number in a schedule, by its kind."""

_CONTROL_PICTURES = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\n\t"} | {127: "␡"}
_OTHER_CONTROLS = (*range(0x80, 0xA0), 0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
CONTROL_ESCAPES = {code: f"\\u{code:04x}" for code in _OTHER_CONTROLS}
"""Escapes of the other characters that steer a terminal, or the direction of a text."""
_VISIBLE = _CONTROL_PICTURES | CONTROL_ESCAPES

_MOST_QUOTED = 80
_WHOLE = re.compile("[0-9]{1,9}")
_LEAST_LIKENESS = 0.75
"""Twice the letters in common by those of both: 'lstm' and 'lsmt' have 0.75, 'score' and 'compare' 0.67."""
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Duration:
    """How long a training is: a number of steps or of epochs, or the seconds of a budget."""

    value: float
    unit: Literal["steps", "epochs", "seconds"]

    @property
    def is_budget(self) -> bool:
        """Whether it is a time, which decides the number of steps."""
        return self.unit == "seconds"

    def __str__(self) -> str:
        """Returns it as people write it: '3 epochs', '90s', '2h'."""
        if not self.is_budget:
            return counted(self.value, self.unit.removesuffix("s"))
        unit = next(unit for unit in ("h", "m", "s") if self.value % _SECONDS[unit] == 0 or unit == "s")
        return f"{self.value / _SECONDS[unit]:g}{unit}"


def visible(text: str) -> str:
    """Returns the text with symbols in place of control and direction characters, except line ends and tabs."""
    return text.translate(_VISIBLE)


def counted(number: float, noun: str) -> str:
    """Returns how many of something there are: '1 step', '2,000 steps'."""
    return f"{number:,{'d' if isinstance(number, int) else 'g'}} {noun}{'' if number == 1 else 's'}"


def either(names: Iterable[str]) -> str:
    """Returns names as a sentence lists alternatives: 'a', 'a or b', 'a, b or c'."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def shortened(text: str) -> str:
    """Returns a text for a message, with an ellipsis after 80 characters: what others wrote may be long."""
    return text if len(text) <= _MOST_QUOTED else f"{text[:_MOST_QUOTED]}…"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Returns the name that was meant by one that is misspelt; None where none is nearly the same.

    The only one that ends in the name's words is meant: 'trial-budget' by 'budget'. Digits are not misspelt: 'run-3' is
    not 'run-2'.
    """
    known = list(known)
    ending = re.compile(rf".*[-_]{re.escape(name.lstrip('-'))}")
    longer = [each for each in known if ending.fullmatch(each)]
    if len(longer) == 1:
        return longer[0]
    digits = re.sub(r"\D", "", name)
    alike = {each: SequenceMatcher(None, each, name).ratio() for each in known if re.sub(r"\D", "", each) == digits}
    best = max(alike, key=alike.__getitem__, default=None)
    return best if best is not None and alike[best] >= _LEAST_LIKENESS else None


def quoted(value: object) -> str:
    """Returns a value as a message quotes it."""
    return shortened(repr(value))


def parse_seconds(text: str) -> float:
    """Returns the seconds that a duration such as '90s', '5m' or '2h' stands for.

    Raises:
        ValueError: it is not a positive number followed by s, m or h, or too long for any training.
    """
    match = _TIME.match(text)
    if match is None or float(match[1]) <= 0:
        raise ValueError(f"{quoted(text)} is not a duration; write for example 90s, 5m or 2h")
    seconds = float(match[1]) * _SECONDS[match[2]]
    if seconds > LONGEST_SECONDS:
        raise ValueError("it is a duration of more than thirty years")
    return seconds


def parse_counts(text: str, *, most: int) -> tuple[int, ...]:
    """Returns the whole numbers that a list such as '1,2,3' stands for; a ValueError if one is none, or over `most`."""
    numbers = [int(each) if _WHOLE.fullmatch(each) else 0 for each in text.split(",")]
    if not all(1 <= each <= most for each in numbers):
        raise ValueError(f"{quoted(text)} should be whole numbers from 1 to {most:,} with commas, as in 1,2,3")
    return tuple(numbers)


def parse_size(text: str) -> int:
    """Returns the bytes that a size such as '500MB' or '20GB' stands for.

    Raises:
        ValueError: it is not a positive number followed by KB, MB, GB or TB.
    """
    match = _SIZE.fullmatch(text)
    if match is None or float(match[1]) <= 0:
        raise ValueError(f"{quoted(text)} is not a size; write for example 500MB or 20GB")
    return int(float(match[1]) * _BYTES[match[2]])


def parse_split(text: str) -> tuple[float, float, float]:
    """Returns the fractions (train, valid, test) that a split such as '90/5/5' stands for.

    Raises:
        ValueError: it is not three non-negative numbers that add up to 100, the first above zero.
    """
    parts = text.split("/")
    try:
        train, valid, test = (float(part) for part in parts)
    except ValueError:
        raise ValueError(f"{quoted(text)} is not three numbers such as 90/5/5") from None
    if not (train > 0 and valid >= 0 and test >= 0 and abs(train + valid + test - 100) < 1e-9):
        raise ValueError(f"{quoted(text)} must be three percentages that add up to 100, the first above 0")
    return train / 100, valid / 100, test / 100


@dataclass(frozen=True)
class Forcing:
    """How often training reads the true symbol instead of one that the model draws; see `parse_forcing`."""

    kind: Literal["always", "linear", "exponential", "inverse-sigmoid"]
    parameter: float = 1.0


def parse_forcing(text: str) -> Forcing:
    """Returns the schedule that a setting such as 'linear:0.5' stands for; a ValueError says why it is none."""
    match = _FORCING.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{quoted(text)} is not a schedule; write always, linear:E or exponential:E with the share E at the end, "
            "or inverse-sigmoid:K"
        )
    if text == "always":
        return Forcing("always")
    forcing = Forcing(match[1], float(match[2]))  # type: ignore[arg-type]
    lowest, largest = _PARAMETERS[forcing.kind]
    if not lowest <= forcing.parameter <= largest:
        raise ValueError(f"{quoted(text)} must have a number from {lowest:g} to {largest:g}")
    return forcing


@dataclass(frozen=True)
class Mix:
    """What is mixed with a network: n-grams up to an order, or nothing."""

    order: int | None

    def __str__(self) -> str:
        """Returns it as people write it: 'ngram:8', or 'none'."""
        return "none" if self.order is None else f"ngram:{self.order}"


def parse_mix(written: object) -> Mix | None:
    """Returns what a setting such as 'ngram:8' or 'none' stands for; what is parsed already, or None, as it is.

    Raises:
        ValueError: it is neither.
    """
    if written is None or isinstance(written, Mix):
        return written
    match = _MIX.fullmatch(written) if isinstance(written, str) else None
    if match is None:
        raise ValueError(f"{quoted(written)} is not none or ngram:K with K from 1 to 24")
    return Mix(None if match[1] is None else int(match[1]))

"""Makes tokenizers: learnt from a text, given, extended, or from JSON; the only place that knows all kinds."""

import base64
import hashlib
import itertools
import json
import reprlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pkgutil import resolve_name
from typing import Any

from charlm.config import DataConfig, TokenizerConfig
from charlm.data.code_points import distinct_characters
from charlm.data.tokenizers.base import Tokenizer
from charlm.data.tokenizers.byte import ByteTokenizer
from charlm.data.tokenizers.char import CharTokenizer
from charlm.data.tokenizers.examples import MOST_LABELS, ExampleTokenizer, read_sides
from charlm.data.tokenizers.records import RecordTokenizer
from charlm.data.tokenizers.sentencepiece import SentencePieceTokenizer, train_sentencepiece
from charlm.errors import CheckpointError, DataError
from charlm.notation import quoted
from charlm.tasks import TASKS

_NUM_CODE_POINTS = 0x110000
_LONGEST_MODEL = 1 << 27  # characters of base 64, several times what a million subwords take


@dataclass(frozen=True)
class TokenizerRecipe:
    """How a tokenizer is made from the pieces of a training text; `key` and the text identify it in the cache.

    Attributes:
        needs_text: whether it depends on more than which characters there are; otherwise each may come once.
    """

    key: str
    make: Callable[[Iterable[str]], Tokenizer]
    needs_text: bool = True


def learnt(config: TokenizerConfig, *, records: bool, data: DataConfig | None = None) -> TokenizerRecipe:
    """Returns the recipe of a tokenizer learnt from the training text, or from the examples that `data` describes."""
    settings = config.model_dump() if config.tokenizer == "sentencepiece" else {"tokenizer": config.tokenizer}
    if data is not None and data.task is not None:
        separator = _separator(data)
        key = json.dumps({"learnt": settings, "task": data.task, "separator": separator}, sort_keys=True)
        return TokenizerRecipe(key, partial(_train_on_examples, config, task=data.task, separator=separator))
    key = json.dumps({"learnt": settings, "records": records}, sort_keys=True)
    needs_text = config.tokenizer == "sentencepiece"
    return TokenizerRecipe(key, partial(train_tokenizer, config, records=records), needs_text)


def given(tokenizer: Tokenizer) -> TokenizerRecipe:
    """Returns the recipe of a tokenizer that is used as it is."""
    return TokenizerRecipe(f"given {fingerprint(tokenizer)}", lambda _: tokenizer, needs_text=False)


def extended(tokenizer: Tokenizer) -> TokenizerRecipe:
    """Returns the recipe of a tokenizer that learns the characters of the text that it lacks."""
    return TokenizerRecipe(f"extended {fingerprint(tokenizer)}", partial(_extend, tokenizer), needs_text=False)


def extended_for(tokenizer: Tokenizer, data: DataConfig) -> TokenizerRecipe:
    """Returns the recipe of a tokenizer of examples whose text has the symbols of another one, and those it lacks."""
    assert data.task is not None
    facts = {"task": data.task, "separator": _separator(data)}
    key = json.dumps({"extended": fingerprint(tokenizer), **facts}, sort_keys=True)
    return TokenizerRecipe(key, partial(_train_on_examples, TokenizerConfig(), **facts, known=tokenizer.inner))


def _separator(data: DataConfig) -> str:
    """Returns what stands between two symbols of an answer."""
    return " " if data.target_symbols == "spaces" else ""


def _extend(tokenizer: Tokenizer, chunks: Iterable[str]) -> Tokenizer:
    lacking = {character for chunk in chunks for character in tokenizer.unknown_characters(chunk)}
    return tokenizer.extend(sorted(lacking))


def train_tokenizer(config: TokenizerConfig, chunks: Iterable[str], *, records: bool) -> Tokenizer:
    """Returns the tokenizer that `config` asks for, its vocabulary taken from a text.

    Args:
        chunks: the training text in pieces, as `as_pieces` gives it; read once at most.
        records: each line is a record, so that line ends are no characters.

    Raises:
        ConfigError: the vocabulary size is too small for sentencepiece.
        DataError: the text is empty, or holds a lone surrogate.
    """
    rest = filter(None, chunks)
    first = next(rest, None)
    if first is None:
        raise DataError("The training text is empty, so that there is no vocabulary to take from it. Give a text.")
    text = itertools.chain((first,), rest)
    inner: Tokenizer
    match config.tokenizer:
        case "char":
            characters = distinct_characters(text)
            inner = CharTokenizer(characters.replace("\n", "") if records else characters)
        case "byte":
            inner = ByteTokenizer()
        case "sentencepiece":
            inner = train_sentencepiece(text, vocabulary_size=config.vocabulary_size, kind=config.sentencepiece_model)
    return RecordTokenizer(inner) if records else inner


def _train_on_examples(
    config: TokenizerConfig, chunks: Iterable[str], *, task: str, separator: str, known: Tokenizer | None = None
) -> Tokenizer:
    """Returns the tokenizer of examples whose symbols and labels are those of the training part.

    Args:
        known: a tokenizer of text, whose symbols come first.
    """
    kind: type[ExampleTokenizer] = resolve_name(TASKS[task].tokenizer)
    collector = kind.collector(separator=separator)
    read = read_sides(chunks, collector)
    inner = train_tokenizer(config, read, records=False) if known is None else _extend(known, read)
    if len(collector.labels) == 1:
        label = next(iter(collector.labels))
        raise DataError(f"Every example for training has the label {quoted(label)}; at least two are needed.")
    if len(collector.labels) > MOST_LABELS:
        raise DataError(f"There are {len(collector.labels):,} different labels; at most {MOST_LABELS:,} can be learnt.")
    return kind(inner, task=task, **collector.learnt())


def from_json(data: Mapping[str, Any]) -> Tokenizer:
    """Returns the tokenizer whose `to_json` gave `data`; damaged or foreign data is a CheckpointError."""
    if isinstance(data, Mapping) and data.keys() == {"kind", "inner"} and data["kind"] == "records":
        return RecordTokenizer(_plain_from_json(data["inner"]))
    if isinstance(data, Mapping) and data.get("kind") == "examples":
        return _examples_from_json(data)
    return _plain_from_json(data)


def _examples_from_json(data: Mapping[str, Any]) -> ExampleTokenizer:
    match data:
        case {"kind": _, "task": str(task), "inner": inner, "labels": list(labels), **others}:
            if task not in TASKS:
                raise _unusable(f"its task is {reprlib.repr(task)}")
            are_labels = all(isinstance(label, str) and label and not {"\t", "\n"} & set(label) for label in labels)
            if not are_labels or not 2 <= len(set(labels)) == len(labels) <= MOST_LABELS:
                raise _unusable("its labels are not distinct texts without tabs, two at least")
            kind: type[ExampleTokenizer] = resolve_name(TASKS[task].tokenizer)
            try:
                return kind.from_values(_plain_from_json(inner), task=task, labels=labels, values=others)
            except UnicodeEncodeError:
                raise _unusable("one of its labels has half of a surrogate pair") from None
            except ValueError as error:
                raise _unusable(str(error)) from None
        case _:
            raise _unusable(f"it is of examples, with the entries {reprlib.repr([*data])}")


def _plain_from_json(data: object) -> Tokenizer:
    match data:
        case {"kind": "char", "characters": str(characters), **others} if not others:
            if len(characters) >= _NUM_CODE_POINTS or len(characters) != len(set(characters)):
                raise _unusable("its characters are not distinct")
            try:
                return CharTokenizer(characters)
            except DataError:
                raise _unusable("one of its characters is half of a surrogate pair") from None
        case {"kind": "byte", **others} if not others:
            return ByteTokenizer()
        case {"kind": "sentencepiece", "model": str(model), **others} if not others:
            if len(model) > _LONGEST_MODEL:
                raise _unusable(f"its sentencepiece model has {len(model)} characters")
            try:
                return SentencePieceTokenizer(base64.b64decode(model, validate=True))
            except (ValueError, DataError):
                raise _unusable("its sentencepiece model was not made by charlm") from None
        case Mapping():
            # reprlib, because what is foreign may be huge or nested beyond what repr can follow.
            raise _unusable(f"it is of kind {reprlib.repr(data.get('kind'))} with the entries {reprlib.repr([*data])}")
        case _:
            raise _unusable(f"it is {reprlib.repr(data)} and no table")


def _unusable(problem: str) -> CheckpointError:
    return CheckpointError(
        f"The tokenizer in this checkpoint is damaged or of another program: {problem}. "
        "Use another checkpoint, or train anew."
    )


def fingerprint(tokenizer: Tokenizer) -> str:
    """Returns the SHA-256 of the tokenizer's JSON in canonical form: equal for equal tokenizers alone."""
    canonical = json.dumps(tokenizer.to_json(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()

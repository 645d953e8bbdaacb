"""`data` and `tokenizer`: which text, how it is read, and how it becomes symbols."""

from functools import partial
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from charlm.config.section import Only, Section, setting
from charlm.config.types import Size, TaskName, written
from charlm.notation import parse_size, parse_split, quoted
from charlm.tasks import names_with, task_names

_OF_TASKS = Only("task", task_names)
_OF_FIELDS = Only("task", partial(names_with, lambda task: task.has_fields))
_OF_ANSWERS = Only("task", partial(names_with, lambda task: task.head == "sequence"))
TASK_SETTINGS = frozenset({"task", "layout", "header", "swap", "target_symbols", "max_length"})
"""Settings of examples: they mean nothing where text is continued."""
LONGEST_EXAMPLE = 2000
"""Characters of an example that are allowed where nothing else is asked for."""


class DataConfig(Section):
    """Which text, how it is read, and how it is split."""

    corpus: tuple[str, ...] = Field(
        min_length=1, description="Files, folders, globs, '-' for stdin, or a name from 'charlm data list'."
    )
    valid: tuple[str, ...] = setting((), help="Files of the validation text, instead of a split.")
    test: tuple[str, ...] = setting((), help="Files of the test text, instead of a split.")
    split: Annotated[str, written(parse_split)] | None = setting(
        None, help="Percent of the text for train/valid/test, contiguous.  [default: 90/5/5, or the corpus's own]"
    )
    pattern: str = setting("*.txt", min_length=1, help="Pattern of the files to read in a folder and its subfolders.")
    encoding: str = setting("utf-8", min_length=1, max_length=100, help="Encoding of the text, or 'auto' to detect it.")
    newlines: Literal["keep", "lf"] = setting("keep", help="Keep line ends as they are, or turn CRLF and CR into LF.")
    normalize: Literal["none", "nfc", "nfkc"] = setting("none", help="Unicode normalisation of the text.")
    records: Literal["none", "lines"] = setting(
        "none", help="'lines': every line is an example of its own, such as a name or a verse."
    )

    task: TaskName | None = setting(
        None,
        help="Learn from examples instead of continuing text. classify: TEXT<TAB>LABEL, a label for a whole line; tag: "
        "columns, the last of them a tag for each token; generate: CONDITION<TAB>TEXT; transduce: "
        "TEXT<TAB>ANSWER.  "
        "[default: none, every next symbol]",
    )
    layout: Annotated[Literal["fields", "fasttext"] | None, _OF_FIELDS] = setting(
        None,
        help="How a line holds an example: two fields with a tab between, or '__label__x text'.  [default: fields]",
    )
    header: Annotated[bool | None, _OF_TASKS] = setting(None, help="The first line of each file names the columns.")
    swap: Annotated[bool | None, _OF_FIELDS] = setting(None, help="Exchange the two fields of a line.")
    target_symbols: Annotated[Literal["characters", "spaces"] | None, _OF_ANSWERS] = setting(
        None,
        help="Symbols of an answer: its characters, or what spaces divide, such as phones.  [default: characters]",
    )
    max_length: Annotated[Size | None, _OF_TASKS] = setting(
        None, help="Longest example in characters; a longer one is refused, never cut.  [default: 2000]"
    )

    max_bytes: Annotated[str, written(parse_size)] = setting(
        "8GB", help="Largest unpacked size of a compressed file: 500MB, 20GB. A larger file is refused."
    )

    workers: int | None = setting(
        None,
        ge=1,
        le=1024,
        help="Processes that read and encode a text of over 128 MiB; not part of a result.  [default: one a core]",
    )

    @field_validator("corpus", "valid", "test")
    @classmethod
    def _names_are_utf8(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            shown = name.encode(errors="replace").decode()
            if shown != name:
                raise ValueError(
                    f"the name {quoted(shown)} is not UTF-8 and cannot be stored with a run; rename the file, "
                    "or pipe it in: charlm train - < FILE"
                )
        return value

    @model_validator(mode="after")
    def _split_or_files(self) -> Self:
        if self.split is not None and (self.valid or self.test):
            raise ValueError("split cannot be combined with valid or test files; give one or the other")
        if [*self.corpus, *self.valid, *self.test].count("-") > 1:
            raise ValueError("stdin ('-') can be read only once")
        return self

    @property
    def are_records(self) -> bool:
        """Whether every line is an example of its own."""
        return self.records == "lines" or self.task is not None

    @property
    def is_builtin(self) -> bool:
        """Whether all of the text is built in."""
        return all(name.startswith("builtin:") for name in self.corpus)

    @property
    def most_characters(self) -> int:
        """Characters of the longest example that is allowed."""
        return self.max_length or LONGEST_EXAMPLE


TEXT_SETTINGS = frozenset(DataConfig.model_fields) - TASK_SETTINGS
"""Settings of a text that is continued."""


class TokenizerConfig(Section):
    """How text becomes symbols."""

    tokenizer: Literal["char", "byte", "sentencepiece"] = setting(
        "char", help="Symbols: Unicode characters, UTF-8 bytes, or sentencepiece subwords."
    )
    vocabulary_size: Size = setting(1000, help="Largest number of symbols that sentencepiece learns.")
    sentencepiece_model: Literal["unigram", "bpe"] = setting("unigram", help="Kind of sentencepiece model.")

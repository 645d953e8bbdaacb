"""`data`: which text, and how it is read."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from charlm.config.section import Section
from charlm.config.types import written
from charlm.notation import parse_size, parse_split


class DataConfig(Section):
    """Which text, how it is read, and how it is split."""

    corpus: tuple[str, ...] = Field(
        min_length=1, description="Files, folders, globs, '-' for stdin, or a name from 'charlm data list'."
    )
    valid: tuple[str, ...] = Field(default=(), description="Files of the validation text, instead of a split.")
    test: tuple[str, ...] = Field(default=(), description="Files of the test text, instead of a split.")
    split: Annotated[str, written(parse_split)] | None = Field(
        default=None,
        description="Percent of the text for train/valid/test, contiguous.  [default: 90/5/5, or the corpus's own]",
    )
    pattern: str = Field(
        default="*.txt", min_length=1, description="Pattern of the files to read in a folder and its subfolders."
    )
    encoding: str = Field(
        default="utf-8", min_length=1, max_length=100, description="Encoding of the text, or 'auto' to detect it."
    )
    newlines: Literal["keep", "lf"] = Field(
        default="keep", description="Keep line ends as they are, or turn CRLF and CR into LF."
    )
    normalize: Literal["none", "nfc", "nfkc"] = Field(default="none", description="Unicode normalisation of the text.")
    records: Literal["none", "lines"] = Field(
        default="none", description="'lines': every line is an example of its own, such as a name or a verse."
    )

    max_bytes: Annotated[str, written(parse_size)] = Field(
        default="8GB", description="Largest unpacked size of a compressed file: 500MB, 20GB. A larger file is refused."
    )

    @field_validator("corpus", "valid", "test")
    @classmethod
    def _names_are_utf8(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            shown = name.encode(errors="replace").decode()
            if shown != name:
                raise ValueError(
                    f"the name {shown!r} is not UTF-8 and cannot be stored with a run; rename the file, or pipe it in: "
                    "charlm train - < FILE"
                )
        return value

    @model_validator(mode="after")
    def _split_or_files(self) -> Self:
        if self.split is not None and (self.valid or self.test):
            raise ValueError("split cannot be combined with valid or test files; give one or the other")
        if [*self.corpus, *self.valid, *self.test].count("-") > 1:
            raise ValueError("stdin ('-') can be read only once")
        return self

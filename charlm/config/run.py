"""`run`: where a run is kept and what computes it; and all sections of a run together."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from charlm.config.data import DataConfig, TokenizerConfig
from charlm.config.model import ModelConfig
from charlm.config.section import Section, setting
from charlm.config.training import TrainingConfig
from charlm.config.types import Device, Precision, Seed, written
from charlm.notation import parse_size, quoted

_RUN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


def _is_run_name(name: str) -> str:
    if not _RUN_NAME.fullmatch(name):
        allowed = "up to 100 letters, digits, '.', '_' and '-', no '.' first"
        raise ValueError(f"{quoted(name)} cannot name a run; use {allowed}")
    return name


class RunSettings(Section):
    """Where a run is kept and what it is computed on."""

    name: Annotated[str, AfterValidator(_is_run_name)] | None = setting(
        None, help="Name of the run, a folder under checkpoints/.  [default: from the text's name]"
    )
    seed: Seed = setting(1, help="Seed of all random numbers.")
    device: Device = setting("auto", help="Device: auto, cpu, cuda, cuda:N or mps.")
    threads: int | None = setting(
        None,
        ge=1,
        le=1024,
        help="Most CPU threads that compute at the same time; not part of a result.  [default: all cores]",
    )
    memory: Annotated[str, written(parse_size)] | None = setting(
        None, help="Most memory for counting n-grams, such as 8GB; what takes more is sorted on disk.  [default: 4GB]"
    )
    precision: Precision = setting(
        "auto", help="Arithmetic of training; auto is fp16 on CUDA and bf16 on CPUs with native bf16."
    )

    @property
    def counting_bytes(self) -> int:
        """Bytes of memory for counting n-grams."""
        return parse_size(self.memory or "4GB")


class RunConfig(Section):
    """All that reproduces a run; stored as its config.toml."""

    data: DataConfig
    tokenizer: TokenizerConfig = Field(default_factory=TokenizerConfig)
    model: ModelConfig = Field(default_factory=ModelConfig)
    training: TrainingConfig = Field(default_factory=TrainingConfig)
    run: RunSettings = Field(default_factory=RunSettings)

"""`run`: where a run is kept and what computes it; and all sections of a run together."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from charlm.config.data import DataConfig
from charlm.config.model import ModelConfig
from charlm.config.section import Section
from charlm.config.tokenizer import TokenizerConfig
from charlm.config.training import TrainingConfig
from charlm.config.types import Device, Precision

_RUN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


def _is_run_name(name: str) -> str:
    if not _RUN_NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot name a run; use up to 100 letters, digits, '.', '_' and '-', no '.' first")
    return name


class RunSettings(Section):
    """Where a run is kept and what it is computed on."""

    name: Annotated[str, AfterValidator(_is_run_name)] | None = Field(
        default=None, description="Name of the run, a folder under checkpoints/.  [default: from the text's name]"
    )
    seed: int = Field(default=1, ge=0, lt=2**63, description="Seed of all random numbers.")
    device: Device = Field(default="auto", description="Device: auto, cpu, cuda, cuda:N or mps.")
    threads: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="CPU threads for training.  [default: all cores; with --budget whichever measures "
        "faster, all or one]",
    )
    precision: Precision = Field(
        default="auto", description="Arithmetic of training; auto is fp16 on CUDA and bf16 on CPUs with native bf16."
    )


class RunConfig(Section):
    """All that reproduces a run; stored as its config.toml."""

    data: DataConfig
    tokenizer: TokenizerConfig = TokenizerConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    run: RunSettings = RunSettings()

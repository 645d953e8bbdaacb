"""Every setting, declared once: type, bounds, help and default; options, files and docs derive from it."""

import importlib
from typing import TYPE_CHECKING, Any

from charlm.config.data import TEXT_SETTINGS, DataConfig, TokenizerConfig
from charlm.config.model import ModelConfig
from charlm.config.request import Request, asked_in, by_section, make_request, require_suited, sections, with_effect
from charlm.config.run import RunConfig, RunSettings
from charlm.config.section import Only, Search, Section, plain_type
from charlm.config.training import DEFAULT_BUDGET, TrainingConfig
from charlm.config.types import (
    Adapt,
    CellName,
    Choices,
    Device,
    Feedback,
    Init,
    Mixing,
    ModelKind,
    Nonlinearity,
    Precision,
    Weights,
)
from charlm.config.validation import validate

if TYPE_CHECKING:
    from charlm.config.commands import (
        ActivationsConfig,
        AgreementConfig,
        ComparisonConfig,
        CompressionConfig,
        EvaluationConfig,
        ExposureConfig,
        GradientsConfig,
        SamplingConfig,
        ServingConfig,
        SurprisalConfig,
        TuningConfig,
    )


def __getattr__(name: str) -> Any:
    """Returns the settings of a command that trains no single run, which a training need not load."""
    return getattr(importlib.import_module("charlm.config.commands"), name)

"""Every setting, declared once: type, bounds, help and default; options, files and docs derive from it."""

from charlm.config.comparison import ComparisonConfig
from charlm.config.data import DataConfig
from charlm.config.evaluation import EvaluationConfig, ExposureConfig
from charlm.config.inspection import ActivationsConfig, AgreementConfig, GradientsConfig
from charlm.config.model import ModelConfig
from charlm.config.request import Request, asked_in, by_section, make_request, require_suited, sections, with_effect
from charlm.config.run import RunConfig, RunSettings
from charlm.config.sampling import SamplingConfig
from charlm.config.section import Only, Section
from charlm.config.tokenizer import TokenizerConfig
from charlm.config.training import DEFAULT_BUDGET, TrainingConfig
from charlm.config.types import (
    CellName,
    Choices,
    Device,
    Feedback,
    Init,
    ModelKind,
    Nonlinearity,
    Precision,
    Probability,
    Weights,
)
from charlm.config.validation import validate

__all__ = [
    "DEFAULT_BUDGET",
    "ActivationsConfig",
    "AgreementConfig",
    "CellName",
    "Choices",
    "ComparisonConfig",
    "DataConfig",
    "Device",
    "EvaluationConfig",
    "ExposureConfig",
    "Feedback",
    "GradientsConfig",
    "Init",
    "ModelConfig",
    "ModelKind",
    "Nonlinearity",
    "Only",
    "Precision",
    "Probability",
    "Request",
    "RunConfig",
    "RunSettings",
    "SamplingConfig",
    "Section",
    "TokenizerConfig",
    "TrainingConfig",
    "Weights",
    "asked_in",
    "by_section",
    "make_request",
    "require_suited",
    "sections",
    "validate",
    "with_effect",
]

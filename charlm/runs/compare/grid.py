"""The variants of a comparison: which models with how many layers, each as the request for a run."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace

from charlm.cells import cell_names
from charlm.config import ComparisonConfig, ModelConfig, Request, RunConfig, TrainingConfig, require_suited, validate
from charlm.errors import ConfigError
from charlm.runs.compare.axes import along_axes, read_axes
from charlm.runs.compare.variant import Variant
from charlm.runs.train.settings import with_settings
from charlm.training.defaults import default_embedding_size

MOST_UNITS = 16384
"""The widest network that is tried to match a number of parameters."""


def grid_variants(settings: ComparisonConfig, base: Request) -> list[Variant]:
    """Returns the variants of the grid, models in the order they were named in.

    Raises:
        ConfigError: a model is not known or is there twice, there is none, or layers are asked for of n-gram models.
    """
    kinds = [kind.strip() for kind in settings.models.split(",") if kind.strip()]
    if not kinds:
        raise ConfigError(f"--models '{settings.models}' names no model; there are {', '.join(_known())}.")
    layers = [int(number) for number in settings.layers.split(",")]
    for numbers in (kinds, layers):
        twice = [each for place, each in enumerate(numbers) if each in numbers[:place]]
        if twice:
            raise ConfigError(f"{twice[0]} is named twice in --{'models' if numbers is kinds else 'layers'}.")
    axes = read_axes(settings, base)
    plain = (variant for kind in kinds for variant in _variants(kind, layers, base))
    variants = [variant for each in plain for variant in along_axes(each, axes, base)]
    if all(variant.layers is None for variant in variants):
        for name in ("layers", "sizes", "seeds", "grid"):
            if name in base.asked:
                raise ConfigError(f"--{name} is for networks, and --models {settings.models} names none; leave it out.")
    return variants


def with_protocol(settings: ComparisonConfig, config: RunConfig) -> RunConfig:
    """Returns the configuration that a comparison's protocol makes of one.

    Raises:
        ConfigError: it has no length, or no sizes, that go with what the models are to have in common.
    """
    is_budget = config.training.duration.is_budget
    if settings.karpathy:
        config = with_settings(config, split="80/10/10")
    if settings.match == "time" and settings.sizes is not None:
        raise ConfigError("--sizes is for --match parameters; for an equal time, each model gets what suits it.")
    if settings.match == "time" and not is_budget:
        raise ConfigError(
            "--match time gives each model the same --budget; for --steps or --epochs: --match parameters."
        )
    if settings.match == "parameters" and is_budget:
        raise ConfigError("--match parameters needs a length for all: --epochs or --steps.")
    return config


def _known() -> tuple[str, ...]:
    return ("ngram:K", "mlp", "mlp:K", *cell_names())


def _variants(kind: str, layers: list[int], base: Request) -> Iterator[Variant]:
    name, colon, span = kind.partition(":")
    spans = {"ngram": "order", "mlp": "window"}
    if (name not in spans and (colon or name not in cell_names())) or (name == "ngram" and not colon):
        raise ConfigError(f"--models {kind} is not a model charlm knows; there are {', '.join(_known())}.")
    if colon and not span.isdecimal():
        raise ConfigError(f"--models {kind} has no {spans[name]}; write for example {name}:5.")
    what = {"model": name} if name in spans else {"cell": name}
    settings = what | ({spans[name]: span} if colon else {})
    if name == "ngram":
        yield Variant(f"{name}-{span}", kind, None, validate(ModelConfig, settings, source=f"--models {kind}"))
        return
    for number in layers:
        # Mixed with n-grams, models would differ less.
        values = base.config.model.model_dump() | settings | {"num_layers": number, "mix": "none"}
        model = validate(ModelConfig, values, source=f"--models {kind}")
        require_suited(model, base.asked | settings.keys(), source=f"--models {kind}")
        yield Variant(f"{kind.replace(':', '-')}-{number}", kind, number, model)


def variants_of_equal_parameters(settings: ComparisonConfig, base: Request, *, vocabulary_size: int) -> list[Variant]:
    """Returns the variants of the grid; in each size, all networks have as many parameters as one another.

    Raises:
        ConfigError: a model is not known or is there twice, or no width gives one as many parameters as the others.
    """
    if settings.sizes is None:
        return with_equal_parameters(grid_variants(settings, base), vocabulary_size=vocabulary_size)
    variants: dict[str, Variant] = {}
    for size in (int(number) for number in settings.sizes.split(",")):
        sized = grid_variants(settings, base.with_config(with_settings(base.config, hidden_size=size)))
        for variant in with_equal_parameters(sized, vocabulary_size=vocabulary_size):
            if variant.layers is not None:
                variant = replace(variant, name=f"{variant.name}-{size}", size=size)
            variants[variant.name] = variant
    return list(variants.values())


def with_equal_parameters(variants: list[Variant], *, vocabulary_size: int) -> list[Variant]:
    """Returns the variants with as many parameters in each network as in the first; a ConfigError if no width does."""
    networks = [variant for variant in variants if variant.layers is not None]
    if not networks:
        return variants
    first = networks[0].model
    wanted = _count_weights(first, first.hidden_size, vocabulary_size=vocabulary_size)
    return [
        variant if variant.layers is None else replace(variant, model=_fitted(variant, wanted, vocabulary_size))
        for variant in variants
    ]


def _fitted(variant: Variant, wanted: int, vocabulary_size: int) -> ModelConfig:
    def count(width: int) -> int:
        return _count_weights(variant.model, width, vocabulary_size=vocabulary_size)

    if not count(1) <= wanted <= count(MOST_UNITS):
        raise ConfigError(
            f"No width gives {variant.kind} {wanted:,} parameters with --layers {variant.layers}; "
            "choose another --hidden-size."
        )
    widest = bisect_right(range(1, MOST_UNITS + 1), wanted, key=count)
    nearest = min((widest, widest + 1), key=lambda width: abs(count(width) - wanted))
    return variant.model.model_copy(update={"hidden_size": nearest})


def _count_weights(model: ModelConfig, width: int, *, vocabulary_size: int) -> int:
    from charlm.stepping.shapes import count_weights  # Loads NumPy, which a refused grid does without.

    model = model.model_copy(update={"hidden_size": width})
    model = model.model_copy(update={"embedding_size": model.embedding_size or default_embedding_size(model)})
    return count_weights(model, vocabulary_size=vocabulary_size)


def run_request(variant: Variant, base: Request) -> Request:
    """Returns the request for a variant's run; an n-gram model has no training."""
    config = with_settings(base.config, name=variant.name).model_copy(update={"model": variant.model})
    if variant.layers is not None:
        config = with_settings(config, seed=config.run.seed if variant.seed is None else variant.seed)
        config = config.model_copy(update={"training": variant.training or config.training})
        return Request(config, base.asked | variant.asked | {"num_layers", "mix"})
    return Request(with_settings(config, device="auto").model_copy(update={"training": TrainingConfig()}))

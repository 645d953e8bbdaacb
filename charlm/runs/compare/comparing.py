"""`charlm compare`: a grid of models on one text, under equal time or equal parameters."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from charlm.config import ComparisonConfig, Request, RunConfig
from charlm.data.corpus import EncodedCorpus
from charlm.data.sources import text_slug
from charlm.data.tokenizers.build import learnt
from charlm.errors import CharlmError, ConfigError
from charlm.evaluation.accounting import make_score
from charlm.evaluation.baselines import count_symbols
from charlm.runs.compare.axes import with_seeds
from charlm.runs.compare.folder import ComparisonFolder
from charlm.runs.compare.grid import grid_variants, run_request, variants_of_equal_parameters, with_protocol
from charlm.runs.compare.result import VariantResult
from charlm.runs.compare.running import train_one
from charlm.runs.compare.variant import Variant
from charlm.runs.reporting import Reporter, StopRequest
from charlm.runs.stored.corpus import encode_corpus, note_unlike_parts
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.result import held_out

Show = Callable[[Sequence[Variant], Mapping[str, VariantResult], Variant | None], None]
"""Shows the grid, the results so far, by run, and the variant that is trained next; None when all are done."""


def compare(
    settings: ComparisonConfig,
    request: Request,
    workspace: Workspace,
    reporter: Reporter,
    stop: StopRequest,
    *,
    show: Show,
) -> tuple[ComparisonFolder, list[VariantResult]]:
    """Trains every variant of the grid that is not finished yet, and returns all results.

    Interrupted, it goes on where it was when it is called again with the same name and settings: finished
    variants are kept, and a run that was stopped goes on.

    Args:
        request: what all runs have in common; its name is the comparison's.

    Raises:
        CharlmError: something that the user can mend.
    """
    request = request.with_config(with_protocol(settings, request.config))
    config = request.config
    if "-" in (*config.data.corpus, *config.data.valid, *config.data.test):
        raise ConfigError("Each model reads the text anew, and stdin ('-') can be read only once; name a file.")
    variants = grid_variants(settings, request)
    recipe = learnt(config.tokenizer, records=config.data.are_records)
    corpus = encode_corpus(config.data, recipe, workspace, reporter)
    counts = count_symbols(corpus.train, vocabulary_size=corpus.tokenizer.vocabulary_size)
    note_unlike_parts(corpus, counts, reporter)
    if corpus.valid is None and corpus.test is None:
        raise ConfigError("A comparison needs text that is held out; choose a --split that leaves some.")
    if settings.match == "parameters":
        size = corpus.tokenizer.vocabulary_size
        variants = variants_of_equal_parameters(settings, request, vocabulary_size=size)
    variants = with_seeds(variants, first=config.run.seed, number=settings.seeds)
    name = config.run.name or f"compare-{text_slug(corpus.label)}"
    folder = ComparisonFolder(
        workspace.checkpoints / name,
        _common_settings(settings, config, digest=corpus.digest),
        unknown_bits={
            split: make_score(0.0, text, corpus.tokenizer).bits_per_character
            for split, text in held_out(corpus).items()
        },
    )
    group = Workspace(workspace.root, group=f"{workspace.group}/{name}" if workspace.group else name)
    with folder.opened() as results:
        for variant in variants:
            if variant.name in results and results[variant.name].error is None:
                continue
            show(variants, results, variant)
            result = _train(variant, run_request(variant, request), corpus, group, reporter, stop)
            if result is None:
                break
            results[variant.name] = result
            folder.keep(results)
            if stop.requested:
                break
        # Again, even if nothing was left to do: a process that was killed may have kept the results without tables.
        folder.keep(results)
    show(variants, results, None)
    return folder, [results[variant.name] for variant in variants if variant.name in results]


def _common_settings(settings: ComparisonConfig, config: RunConfig, *, digest: str) -> dict[str, Any]:
    """Returns what a comparison that goes on must have in common with its beginning; the grid may grow."""
    return {
        "text": digest,
        "match": settings.match,
        "split": config.data.split,
        "model": config.model.model_dump(mode="json"),
        "training": config.training.model_dump(mode="json"),
        "tokenizer": config.tokenizer.model_dump(mode="json"),
        "seed": config.run.seed,
    }


def _train(
    variant: Variant,
    request: Request,
    corpus: EncodedCorpus,
    workspace: Workspace,
    reporter: Reporter,
    stop: StopRequest,
) -> VariantResult | None:
    """Returns the result of a variant; None when it was interrupted."""
    try:
        trained = train_one(variant.name, request, corpus, workspace, reporter, stop)
    except CharlmError as error:
        return _result(variant, error=str(error))
    if trained is None:
        return None
    return _result(
        variant,
        hidden_size=trained.hidden_size,
        parameters=trained.parameters,
        steps=trained.steps,
        seconds=trained.seconds,
        **trained.bits,
    )


def _result(variant: Variant, **found: Any) -> VariantResult:
    return VariantResult(variant.name, variant.kind, variant.layers, size=variant.size, seed=variant.seed, **found)

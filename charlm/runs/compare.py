"""`charlm compare`: a grid of models on one text, under equal time or equal parameters."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from charlm.checkpointing.checkpoint import read_checkpoint
from charlm.checkpointing.run_folder import RunFolder, discard
from charlm.config import ComparisonConfig, EvaluationConfig, Request, RunConfig
from charlm.data.corpus import EncodedCorpus, prepare_corpus
from charlm.data.inputs import open_corpus
from charlm.data.sources import text_slug
from charlm.data.tokenizers.recipes import learnt
from charlm.errors import CharlmError, ConfigError
from charlm.models.build import count_parameters
from charlm.runs.comparison import CellResult, ComparisonFolder, bits_of
from charlm.runs.evaluate import score_encoded
from charlm.runs.grid import GridCell, cells_of_equal_parameters, grid_cells, run_request
from charlm.runs.loading import load_model
from charlm.runs.reporting import Reporter, StopRequest
from charlm.runs.result import TrainResult
from charlm.runs.train import resume, start
from charlm.runs.workspace import Workspace

Show = Callable[[Sequence[GridCell], Mapping[str, CellResult], GridCell | None], None]
"""Is told of the grid, of the results so far, by run, and of the cell that is trained next; None when all are done."""


def compare(
    settings: ComparisonConfig,
    request: Request,
    workspace: Workspace,
    reporter: Reporter,
    stop: StopRequest,
    *,
    show: Show,
) -> tuple[ComparisonFolder, list[CellResult]]:
    """Trains every cell of the grid that is not finished yet, and returns all results.

    Interrupted, it goes on where it was when it is called again with the same name and settings: finished
    cells are kept, and a run that was stopped goes on.

    Args:
        request: what all runs have in common, and what was asked for; its name is the comparison's.

    Raises:
        CharlmError: something that the user can mend.
    """
    request = request.with_config(_with_protocol(settings, request.config))
    config = request.config
    if "-" in (*config.data.corpus, *config.data.valid, *config.data.test):
        raise ConfigError("Each model reads the text anew, and stdin ('-') can be read only once; name a file.")
    cells = grid_cells(settings, request)
    text = open_corpus(config.data, folder=workspace.data, stdin=None)
    records = config.data.records == "lines"
    corpus = prepare_corpus(
        text,
        folder=workspace.data,
        recipe=learnt(config.tokenizer, records=records),
        records=records,
        progress=reporter.progress,
    )
    if corpus.valid is None and corpus.test is None:
        raise ConfigError("A comparison needs text that is held out; choose a --split that leaves some.")
    if settings.match == "parameters":
        cells = cells_of_equal_parameters(settings, request, vocabulary_size=corpus.tokenizer.vocabulary_size)
    name = config.run.name or f"compare-{text_slug(corpus.label)}"
    folder = ComparisonFolder(workspace.checkpoints / name)
    told = _settings_told(settings, config, digest=corpus.digest)
    group = Workspace(workspace.root, group=f"{workspace.group}/{name}" if workspace.group else name)
    with folder.opened(told) as results:
        for cell in cells:
            if cell.name in results and results[cell.name].error is None:
                continue
            show(cells, results, cell)
            result = _train(cell, run_request(cell, request), corpus, group, reporter, stop)
            if result is None:
                break
            results[cell.name] = result
            folder.keep(told, results)
            if stop.requested:
                break
        # Again, even if nothing was left to do: whoever was killed had kept the results, but maybe not their tables.
        folder.keep(told, results)
    show(cells, results, None)
    return folder, [results[cell.name] for cell in cells if cell.name in results]


def _with_protocol(settings: ComparisonConfig, config: RunConfig) -> RunConfig:
    is_budget = config.training.duration.is_budget
    if settings.karpathy:
        config = config.model_copy(update={"data": config.data.model_copy(update={"split": "80/10/10"})})
    if settings.match == "time" and settings.sizes is not None:
        raise ConfigError("--sizes is for --match parameters; for an equal time, each model gets what suits it.")
    if settings.match == "time" and not is_budget:
        raise ConfigError(
            "--match time gives each model the same --budget; for --steps or --epochs: --match parameters."
        )
    if settings.match == "parameters" and is_budget:
        raise ConfigError("--match parameters needs a length for all: --epochs or --steps.")
    return config


def _settings_told(settings: ComparisonConfig, config: RunConfig, *, digest: str) -> dict[str, Any]:
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
    cell: GridCell,
    request: Request,
    corpus: EncodedCorpus,
    workspace: Workspace,
    reporter: Reporter,
    stop: StopRequest,
) -> CellResult | None:
    """Returns what a cell came to; None when it was interrupted."""
    name = request.config.run.name
    assert name is not None
    try:
        begun = RunFolder(workspace.checkpoints / name)
        if begun.config_file.exists() and begun.last.exists():
            if _has_ended(begun):
                return _score(cell, begun, corpus, workspace, reporter)
            result = resume(name, workspace, reporter, stop)
        else:
            if begun.config_file.exists():
                discard(begun)  # It was counted, but its result was not kept.
            result = start(request, workspace, reporter, stop)
    except CharlmError as error:
        return CellResult(cell.name, cell.kind, cell.layers, size=cell.size, error=str(error))
    return None if result.interrupted else _result(cell, result, begun)


def _has_ended(run: RunFolder) -> bool:
    """Whether a run was stopped only after its last step, before its result was kept."""
    values = read_checkpoint(run.last).values
    training = values["config"]["training"]
    patience = training.get("patience")
    return values["step"] >= training["steps"] or (patience is not None and values["progress"]["stale"] >= patience)


def _score(
    cell: GridCell, run: RunFolder, corpus: EncodedCorpus, workspace: Workspace, reporter: Reporter
) -> CellResult:
    """Returns what a run came to that has ended, from its files."""
    values = read_checkpoint(run.last).values
    loaded = load_model(cell.name, workspace, device=torch.device("cpu"))
    settings = EvaluationConfig()
    scores = {
        label: None
        if text is None
        else score_encoded(loaded, text, settings, reporter, device=loaded.device, label=label)[0]
        for label, text in (("validation", corpus.valid), ("test", corpus.test))
    }
    return CellResult(
        cell.name,
        cell.kind,
        cell.layers,
        size=cell.size,
        hidden_size=loaded.config.model.hidden_size,
        parameters=count_parameters(loaded.model),
        steps=values["step"],
        seconds=round(values["progress"]["seconds"], 2),
        validation=bits_of(scores["validation"]),
        test=bits_of(scores["test"]),
    )


def _result(cell: GridCell, result: TrainResult, folder: RunFolder) -> CellResult:
    is_network = cell.layers is not None
    return CellResult(
        cell.name,
        cell.kind,
        cell.layers,
        size=cell.size,
        hidden_size=folder.read_config().model.hidden_size if is_network else None,
        parameters=result.parameters,
        steps=result.steps if is_network else None,
        seconds=round(result.seconds, 2),
        validation=bits_of(result.validation),
        test=bits_of(result.test),
    )

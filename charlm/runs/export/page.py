"""`charlm export page`: a run as one HTML file that writes and reads with its network."""

from pathlib import Path
from typing import BinaryIO

from charlm.config import Weights
from charlm.files.writing import write_result
from charlm.page.document import PageContents, render
from charlm.page.network import describe_network, network_arrays, require_page_network
from charlm.page.packing import pack_arrays
from charlm.page.tokenizer import describe_tokenizer, require_page_tokenizer
from charlm.runs.describe import name_model
from charlm.runs.reporting import Reporter
from charlm.runs.stored.model import read_newest_model
from charlm.runs.stored.workspace import Workspace


def export_page(
    run: str,
    output: Path | BinaryIO,
    workspace: Workspace,
    reporter: Reporter,
    *,
    weights: Weights = "float32",
) -> None:
    """Writes a run as one HTML file; the file is there whole or not at all.

    Args:
        output: an open stream, or a path.
        weights, and errors: as in `page_of`.

    Raises:
        CheckpointError: the file cannot be written.
    """
    write_result(output, [page_of(run, workspace, reporter, weights=weights)])


def page_of(run: str, workspace: Workspace, reporter: Reporter, *, weights: Weights = "float32") -> bytes:
    """Returns a run as one HTML page, UTF-8, which loads nothing and sends nothing: to be stored or served as it is.

    Args:
        run: by name, folder, or checkpoint file; its best model, or its last one before there is a best.
        weights: how the network's are kept; int8 makes a page of a quarter of the size.

    Raises:
        CheckpointError: there is no such run, or it is damaged.
        ConfigError: a page cannot hold its model, or it labels examples.
    """
    stored, note = read_newest_model(run, workspace)
    if note is not None:
        reporter.note(note)
    config, tokenizer = stored.config.model, stored.tokenizer
    require_page_network(config, run=stored.name)
    require_page_tokenizer(tokenizer, run=stored.name)
    arrays, block = pack_arrays(network_arrays(config, stored.weights), weights=weights)
    return render(
        PageContents(
            title=stored.name,
            summary=name_model(stored.config),
            facts=(),
            notes=() if note is None else (note,),
            figures="",
            model={
                "network": describe_network(config, vocabulary_size=tokenizer.vocabulary_size),
                "arrays": arrays,
                "tokenizer": describe_tokenizer(tokenizer, stored.config.data),
            },
            weights=block,
        )
    )

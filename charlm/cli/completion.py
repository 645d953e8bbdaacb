"""Completions for the Tab key: runs, corpora and files. Typer keeps those that begin with what was typed."""

from pathlib import Path


def run_names() -> list[str]:
    """Returns the runs of the current folder."""
    from charlm.checkpointing.run_folder import list_runs
    from charlm.runs.stored.workspace import Workspace

    return list_runs(Workspace().checkpoints)


def catalogue_names() -> list[str]:
    """Returns the names of corpora for download."""
    from charlm.data.catalog import entries

    return list(entries())


def texts(incomplete: str) -> list[str]:
    """Returns the names of corpora, and the files in the folder that `incomplete` leads to."""
    from charlm.data.builtin import BUILTINS

    typed = Path(incomplete)
    folder = typed if incomplete.endswith("/") else typed.parent
    found = sorted(folder.glob("*")) if folder.is_dir() else []
    return [*BUILTINS, *catalogue_names(), *(f"{path}/" if path.is_dir() else str(path) for path in found)]

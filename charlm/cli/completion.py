"""Completions for the Tab key: runs, corpora and files."""

from pathlib import Path


def run_names(incomplete: str) -> list[str]:
    """Returns the runs of the current folder that begin with `incomplete`."""
    from charlm.checkpointing.run_folder import list_runs
    from charlm.runs.stored.workspace import Workspace

    return [name for name in list_runs(Workspace().checkpoints) if name.startswith(incomplete)]


def corpus_names(incomplete: str) -> list[str]:
    """Returns the names of corpora that begin with `incomplete`."""
    from charlm.data.builtin import BUILTINS
    from charlm.data.catalog import entries

    return [name for name in (*BUILTINS, *entries()) if name.startswith(incomplete)]


def catalogue_names(incomplete: str) -> list[str]:
    """Returns the names of corpora for download that begin with `incomplete`."""
    from charlm.data.catalog import entries

    return [name for name in entries() if name.startswith(incomplete)]


def texts(incomplete: str) -> list[str]:
    """Returns corpora and files that begin with `incomplete`."""
    typed = Path(incomplete)
    folder, start = (typed, "") if incomplete.endswith("/") else (typed.parent, typed.name)
    found = sorted(folder.glob("*")) if folder.is_dir() else []
    files = [f"{path}/" if path.is_dir() else str(path) for path in found if path.name.startswith(start)]
    return corpus_names(incomplete) + files

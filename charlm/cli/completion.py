"""Completions for the Tab key: runs, corpora and files."""

from pathlib import Path


def run_names(incomplete: str) -> list[str]:
    """Returns the runs of the current folder that begin with `incomplete`."""
    from charlm.checkpointing.run_folder import list_runs
    from charlm.runs.stored.workspace import Workspace

    return [name for name in list_runs(Workspace().checkpoints) if name.startswith(incomplete)]


def catalogue_names(incomplete: str) -> list[str]:
    """Returns the names of corpora for download that begin with `incomplete`."""
    from charlm.data.catalog import entries

    return [entry.name for entry in entries() if entry.name.startswith(incomplete)]


def texts(incomplete: str) -> list[str]:
    """Returns corpora and files that begin with `incomplete`."""
    from charlm.data.builtin import builtin_names

    typed = Path(incomplete)
    folder, start = (typed, "") if incomplete.endswith("/") else (typed.parent, typed.name)
    found = sorted(folder.glob("*")) if folder.is_dir() else []
    files = [f"{path}/" if path.is_dir() else str(path) for path in found if path.name.startswith(start)]
    builtin = [name for name in builtin_names() if name.startswith(incomplete)]
    return builtin + catalogue_names(incomplete) + files

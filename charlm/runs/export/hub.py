"""`charlm export hub`: a run's model in a folder laid out as on model hubs."""

import json
from collections.abc import Iterable
from pathlib import Path

from charlm.checkpointing.run_folder import RunFolder
from charlm.errors import CheckpointError
from charlm.files.errors import os_errors_as
from charlm.files.folders import replace_folder, scratch_folder
from charlm.files.writing import create_synced, sync
from charlm.runs.export.card import model_card
from charlm.runs.stored.model import read_any_model
from charlm.runs.stored.published import config_values, model_file
from charlm.runs.stored.workspace import Workspace

_Files = dict[str, Iterable[bytes | memoryview]]


def export_hub(run: str, output: Path, workspace: Workspace, *, overwrite: bool = False) -> None:
    """Writes the best model of a run, of any kind, into a folder that other commands read as they read a run.

    Args:
        output: the folder, which is made, all of it or nothing.
        overwrite: whether its files are replaced where a folder is there already; others in it are kept.

    Raises:
        CheckpointError: there is no such run, or it is damaged; the folder is there already, is a run, or cannot be
            written.
    """
    is_new = _require_free(output, overwrite=overwrite)
    stored = read_any_model(run, workspace)
    files: _Files = {
        "README.md": [model_card(stored).encode()],
        "config.json": [json.dumps(config_values(stored.record), ensure_ascii=False, indent=2).encode()],
        "tokenizer.json": [json.dumps(stored.tokenizer.to_json(), ensure_ascii=False).encode()],
        "model.safetensors": model_file(stored),
    }
    with os_errors_as(CheckpointError, f"Cannot write '{output}'"):
        if is_new:
            with replace_folder(output) as folder:
                _write(files, folder)
        else:
            with scratch_folder(output) as folder:
                _write(files, folder)
                for name in files:
                    (folder / name).replace(output / name)
                sync(output)


def _write(files: _Files, folder: Path) -> None:
    for name, pieces in files.items():
        with create_synced(folder / name) as file:
            file.writelines(pieces)


def _require_free(folder: Path, *, overwrite: bool) -> bool:
    """Returns whether a folder is to be made; one that is there and is not empty may be kept from being written to."""
    with os_errors_as(CheckpointError, f"Cannot write '{folder}'"):
        if not folder.is_dir():
            if folder.exists() or folder.is_symlink():
                raise CheckpointError(f"'{folder}' is there already and is no folder; name another one with -o.")
            return True
        if not any(folder.iterdir()):
            return True
    own = RunFolder(folder)
    if own.config_file.exists() or own.has_checkpoint():
        raise CheckpointError(f"'{folder}' is a run, which training writes to; name another folder with -o.")
    if not overwrite:
        raise CheckpointError(
            f"'{folder}' is there already; name another folder with -o, or replace the files in it with --force."
        )
    return False

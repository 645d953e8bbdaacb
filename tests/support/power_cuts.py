"""What may be on a disk after a power cut, from a record of everything that was done to it.

What was synced is there. Of all else, anything may be there: names that were given since their folder was synced,
or not; bytes that were written since their file was synced, whole, torn, as zeros, or not, in any order. A renaming
within one folder is done or not; one between two folders may be half done.
"""

import json
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath

_Names = dict[str, int | None]
_TORN = 0.3
"""The chance that what was written and not synced is torn."""


@dataclass
class Step:
    """One thing that was done: names in a folder changed, or bytes appended to a file.

    Attributes:
        at: the number of the operation.
        node: the folder or file.
        names: what each name leads to from now on; None for nothing.
        synced_at: the number of the operation after which it lasts.
    """

    at: int
    node: int
    names: _Names | None = None
    content: bytes = b""
    synced_at: float = math.inf


@dataclass
class RecordedDisk:
    """A folder, and what a process did in it.

    Attributes:
        log: a file as `Recorder` writes it.
        root: the folder that it is about; what was done elsewhere is left out.
        before: the content of the files that were in it at first, by their paths.
        versions: of each file that is replaced whole, when it was, and by what; lines are appended to .jsonl.
    """

    log: Path
    root: Path
    before: Mapping[str, bytes]
    steps: list[Step] = field(default_factory=list)
    versions: dict[str, list[tuple[Step, int]]] = field(default_factory=dict)
    num_operations: int = 0

    def __post_init__(self) -> None:
        self._folders: dict[int, _Names] = {0: {}}
        self._contents: dict[int, bytes] = {}
        self._pending: list[Step] = []
        self._num_nodes = 1
        for path, content in self.before.items():
            for folder in reversed(PurePath(path).parents[:-1]):
                if self._find(self.root / folder) is None:
                    self._make_folder(self.root / folder)
            parent, name = self._place(self.root / path)
            self._do(Step(-1, parent, {name: self._new_file()}))
            self._write(self.root / path, content)
        for step in self._pending:
            step.at = step.synced_at = -1
        self._pending = []
        source = ""
        with self.log.open() as lines:
            for line in lines:
                record = json.loads(line)
                path = PurePath(record["path"])
                source = record.get("source") or source
                if path.is_relative_to(self.root):
                    self._operate(record["operation"], path, source, record.get("content"))
                self.num_operations += 1

    def _operate(self, operation: str, path: PurePath, source: str, content: str | None) -> None:
        if operation == "fsync":
            self._sync(self._node(path))
        elif operation == "write":
            assert content is not None
            self._write(path, content.encode("latin-1"))
        elif operation == "open":
            self._name(path, self._new_file())
        elif operation == "mkdird":
            self._make_folder(path)
        elif operation == "linkd":
            self._name(path, self._node(PurePath(source)))
        elif operation in ("renamed", "replaced"):
            self._rename(PurePath(source), path)
        elif operation in ("unlink", "rmdir") and self._find(path) is not None:
            self._name(path, None)

    def _make_folder(self, path: PurePath) -> None:
        self._folders[self._num_nodes] = {}
        self._num_nodes += 1
        self._name(path, self._num_nodes - 1)

    def _rename(self, source: PurePath, path: PurePath) -> None:
        (old, old_name), (new, new_name) = self._place(source), self._place(path)
        node = self._node(source)
        if old == new:
            self._do(Step(self.num_operations, old, {old_name: None, new_name: node}))
        else:
            self._name(path, node)
            self._name(source, None)
        if node in self._contents and not path.name.endswith(".jsonl"):
            step = next(each for each in reversed(self._pending) if each.node == new)
            self.versions.setdefault(str(path.relative_to(self.root)), []).append((step, node))

    def _name(self, path: PurePath, node: int | None) -> None:
        parent, name = self._place(path)
        self._do(Step(self.num_operations, parent, {name: node}))

    def _write(self, path: PurePath, content: bytes) -> None:
        if self._find(path) is None:
            self._name(path, self._new_file())
        node = self._node(path)
        self._do(Step(self.num_operations, node, content=content))

    def _do(self, step: Step) -> None:
        self.steps.append(step)
        self._pending.append(step)
        if step.names is None:
            self._contents[step.node] += step.content
        else:
            _apply(self._folders[step.node], step.names)

    def _sync(self, node: int) -> None:
        for step in self._pending:
            if step.node == node:
                step.synced_at = self.num_operations
        self._pending = [step for step in self._pending if step.node != node]

    def _new_file(self) -> int:
        self._contents[self._num_nodes] = b""
        self._num_nodes += 1
        return self._num_nodes - 1

    def _place(self, path: PurePath) -> tuple[int, str]:
        return self._node(path.parent), path.name

    def _node(self, path: PurePath) -> int:
        node = self._find(path)
        assert node is not None, path
        return node

    def _find(self, path: PurePath) -> int | None:
        node: int | None = 0
        for name in path.relative_to(self.root).parts:
            node = self._folders.get(node, {}).get(name) if node is not None else None
        return node

    def at_end(self) -> dict[str, bytes]:
        """Returns what all files hold at the end, by their paths."""
        return dict(_walk(self._folders, self._contents))

    def after_cut(self, at: int, chance: random.Random, *, kept: float) -> dict[str, bytes | None]:
        """Returns what the files may hold after a cut that comes after an operation; None for a folder.

        Args:
            kept: how likely it is that something that was not synced is there; 0 and 1 leave nothing to chance.
        """
        folders: dict[int, _Names] = {node: {} for node in self._folders}
        contents = dict.fromkeys(self._contents, b"")
        for step in self.steps:
            if step.at > at:
                break
            lasts = step.synced_at <= at
            is_there = lasts or chance.random() < kept
            if step.names is not None:
                if is_there:
                    _apply(folders[step.node], step.names)
            elif lasts or kept == 1:
                contents[step.node] += step.content
            elif is_there and chance.random() > _TORN:
                # What was written before it and is not there reads as zeros.
                contents[step.node] += step.content
            else:
                torn = step.content[: chance.randrange(len(step.content) + 1)] if kept else b""
                zeros = bytes(len(step.content) - len(torn)) if kept and chance.random() < kept else b""
                contents[step.node] += torn + zeros
        return {**dict.fromkeys(_walk_folders(folders, 0, PurePath())), **dict(_walk(folders, contents))}

    def allowed(self, path: str, at: int) -> list[bytes | None]:
        """Returns what a file that is replaced whole may hold after a cut: the newest that lasts, or any later one."""
        found: list[bytes | None] = [self.before.get(path)]
        for step, node in self.versions[path]:
            if step.at > at:
                break
            if step.synced_at <= at:
                found = []
            found.append(self._contents[node])
        return found

    def content_at(self, path: str, at: int) -> bytes:
        """Returns what is written to a file that is appended to, and to which its name leads at last."""
        contents: dict[int, bytes] = {}
        folders: dict[int, _Names] = {node: {} for node in self._folders}
        for step in self.steps:
            if step.at > at:
                break
            if step.names is not None:
                _apply(folders[step.node], step.names)
            else:
                contents[step.node] = contents.get(step.node, b"") + step.content
        return dict(_walk(folders, contents)).get(path, b"")


def put(files: Mapping[str, bytes | None], folder: Path) -> None:
    """Makes a folder hold these files and folders."""
    for path, content in files.items():
        place = folder / path
        if content is None:
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)


def _apply(folder: _Names, names: _Names) -> None:
    for name, node in names.items():
        if node is None:
            folder.pop(name, None)
        else:
            folder[name] = node


def _walk(folders: Mapping[int, _Names], contents: Mapping[int, bytes]) -> list[tuple[str, bytes]]:
    places = {0: PurePath()} | {node: PurePath(path) for path, node in _walk_folders(folders, 0, PurePath()).items()}
    return [
        (str(place / name), contents.get(inner, b""))
        for node, place in places.items()
        for name, inner in folders[node].items()
        if inner is not None and inner not in folders
    ]


def _walk_folders(folders: Mapping[int, _Names], node: int, place: PurePath) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, inner in folders[node].items():
        if inner in folders:
            found |= {str(place / name): inner} | _walk_folders(folders, inner, place / name)
    return found

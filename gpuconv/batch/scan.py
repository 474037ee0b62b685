"""Find the input files: files, folders, patterns, lists.

Regular files only. A symbolic link is not followed, except a folder that the caller names himself.
What is left out is counted by reason, so that a run can say why it took fewer files than expected.
"""

from __future__ import annotations

import math
import os
import stat
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from gpuconv.batch.clashes import FileId, file_id
from gpuconv.batch.patterns import Selection, has_magic, match_parts, natural_key
from gpuconv.errors import ArgumentError
from gpuconv.io import READABLE_SUFFIXES

__all__ = ["Finder", "Found", "read_list"]

Parts = tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """An input: where it is, its path below what was scanned, and why it cannot be done."""

    path: Path
    below: PurePosixPath
    problem: str = ""


@dataclass
class Finder:
    """Collects inputs in :attr:`found`, each file once, and counts what it leaves out.

    Parameters
    ----------
    recursive
        Enter the subfolders of folders.
    selection
        Patterns that a file has to meet.
    output_dir
        Folder of the outputs; a scan does not enter it from above.
    outputs
        Files that earlier runs made; scans leave them out.
    """

    recursive: bool = False
    selection: Selection = field(default_factory=Selection)
    output_dir: Path | None = None
    outputs: Sequence[Path] = ()
    found: list[Found] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    notices: list[str] = field(default_factory=list)
    _seen: set[tuple[str, str]] = field(init=False, default_factory=set)
    _real: dict[Path, str] = field(init=False, default_factory=dict)
    _output_dir_id: FileId | None = field(init=False, default=None)
    _output_ids: set[FileId | None] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self._output_dir_id = file_id(self.output_dir) if self.output_dir else None
        self._output_ids = {file_id(path) for path in self.outputs} - {None}

    def add(self, text: str) -> None:
        """Take a file, a folder or a pattern."""
        if has_magic(text) and not os.path.lexists(text):
            self._add_pattern(text)
        elif os.path.isdir(text):
            self._add_tree(Path(text), (), math.inf if self.recursive else 1)
        else:
            path = Path(text)
            self._add_named(path, PurePosixPath(path.name))

    def add_listed(self, text: str) -> None:
        """Take a file of a list; its folder, if it is relative, is kept below the output folder."""
        path = Path(text)
        if os.path.isdir(text):
            self.ignored["folder in a list"] += 1
        elif path.anchor or ".." in path.parts:
            self._add_named(path, PurePosixPath(path.name))
        else:
            self._add_named(path, PurePosixPath(*path.parts))

    def _add_named(self, path: Path, below: PurePosixPath) -> None:
        """Take a file that was named: whatever its extension, and even if it cannot be read."""
        if path.is_symlink():
            self.ignored["symbolic link"] += 1
            self.notices.append(f"{path}: a symbolic link is not followed")
        elif not self.selection.takes(path.parts):
            self.ignored["excluded"] += 1
        else:
            self._take(Found(path, below, _problem(path)))

    def _add_pattern(self, pattern: str) -> None:
        parts = Path(pattern).parts
        fixed = next(i for i, part in enumerate(parts) if has_magic(part))
        base, wanted = Path(*parts[:fixed]), parts[fixed:]
        before = len(self.found)
        if base.is_dir():
            self._add_tree(base, wanted, math.inf if "**" in wanted else len(wanted))
        if len(self.found) == before:
            self.notices.append(f"{pattern}: the pattern gave no file")

    def _add_tree(self, root: Path, wanted: Parts, depth: float) -> None:
        """Take the files of a folder in natural order."""
        walk = self._walk(root, wanted, depth)
        below = [parts for parts in walk if self._takes(root, parts, wanted)]
        for parts in sorted(below, key=lambda parts: [natural_key(part) for part in parts]):
            self._take(Found(root.joinpath(*parts), PurePosixPath(*parts)))

    def _takes(self, root: Path, parts: Parts, wanted: Parts) -> bool:
        reason = self._reason_against(root, parts, wanted)
        if reason:
            self.ignored[reason] += 1
        return not reason

    def _reason_against(self, root: Path, parts: Parts, wanted: Parts) -> str:
        suffix = os.path.splitext(parts[-1])[1].lower()
        spelled = bool(wanted) and not has_magic(os.path.splitext(wanted[-1])[1] or "*")
        if not spelled and suffix not in READABLE_SUFFIXES:
            return "not an image"
        if not self.selection.takes(parts):
            return "excluded"
        if self._output_ids and file_id(root.joinpath(*parts)) in self._output_ids:
            return "made by an earlier run"
        return ""

    def _walk(self, root: Path, wanted: Parts, depth: float) -> Iterator[Parts]:
        """Give the files of a tree of so many folders; with `wanted`, a pattern, its matches."""
        hidden = any(part.startswith(".") for part in wanted)
        pending: list[Parts] = [()]
        while pending:
            parts = pending.pop()
            for entry in self._entries(root, parts, hidden):
                inner = (*parts, entry.name)
                if not entry.is_dir(follow_symlinks=False):
                    if not wanted or match_parts(wanted, inner):
                        yield inner
                elif len(inner) < depth:
                    if self._enters(entry, inner):
                        pending.append(inner)
                elif not wanted:
                    self.ignored["subfolder (not recursive)"] += 1

    def _enters(self, entry: os.DirEntry[str], parts: Parts) -> bool:
        if self.selection.drops(parts):
            self.ignored["excluded"] += 1
        elif self._output_dir_id and file_id(entry.path) == self._output_dir_id:
            self.ignored["the output folder"] += 1
        else:
            return True
        return False

    def _entries(self, root: Path, parts: Parts, hidden: bool) -> Iterator[os.DirEntry[str]]:
        """Give the regular files and the folders of a folder."""
        folder = root.joinpath(*parts)
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            problem = f"the folder cannot be read: {error.strerror}"
            self._take(Found(folder, PurePosixPath(*parts, folder.name), problem))
            return
        for entry in entries:
            reason = _reason_to_pass_by(entry, hidden)
            if reason:
                self.ignored[reason] += 1
            else:
                yield entry

    def _take(self, item: Found) -> None:
        folder = item.path.parent
        if folder not in self._real:
            self._real[folder] = os.path.realpath(folder)
        identity = (self._real[folder], item.path.name)
        if identity in self._seen:
            self.ignored["named twice"] += 1
            return
        self._seen.add(identity)
        self.found.append(item)


def read_list(source: str | os.PathLike[str], *, null: bool = False) -> list[str]:
    """Return the names in a list, as ``find`` and ``git ls-files`` print them.

    Parameters
    ----------
    source
        Path of a file, or "-" for standard input.
    null
        Names end with NUL bytes (``find -print0``) instead of line breaks.

    Raises
    ------
    ArgumentError
        If the list cannot be read, or holds NUL bytes though `null` is off.
    """
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise ArgumentError(
            f"files_from={os.fspath(source)!r} cannot be read: {error.strerror}"
        ) from None
    if not null and b"\0" in data:
        raise ArgumentError(
            f"files_from={os.fspath(source)!r} holds NUL bytes: say null=True (--null)"
        )
    lines = data.split(b"\0") if null else data.splitlines()
    return [os.fsdecode(line) for line in lines if line]


def _problem(path: Path) -> str:
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        return f"cannot be opened: {error.strerror}"
    return "" if stat.S_ISREG(mode) else "not a regular file"


def _reason_to_pass_by(entry: os.DirEntry[str], hidden: bool) -> str:
    if entry.name.startswith(".") and not hidden:
        return "hidden"
    if entry.is_symlink():
        return "symbolic link"
    if not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)):
        return "not a regular file"
    return ""

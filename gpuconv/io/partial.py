"""An output that grows beside its place, over several runs if need be, until it is whole."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import threading
from pathlib import Path
from typing import IO, Any

from gpuconv.errors import ImageFileError
from gpuconv.io.opener import named

__all__ = ["Partial"]

_JOURNAL = "journal.jsonl"


class Partial:
    """The folder ``.gpuconv-NAME.partial`` beside an output, and its journal.

    The journal's first line is the key: what decides the output. With another key what lies there
    is of no use, and is deleted. A line follows for each thing that is done, after it was done; one
    that was torn by a crash does not count.

    Parameters
    ----------
    target : Path
        Where the output will stand.
    key : str
        Of all that decides it: input, filter, format. The same key goes on where a run stopped.
    overwrite : bool
        Whether something at `target` may be replaced, in the end.

    Raises
    ------
    ImageFileError
        The folder cannot be made, another process is at work in it, or `target` exists.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first = Partial(Path(folder, "a.npy"), "key")
    ...     first.add(tile=3)
    ...     first.close()
    ...     again = Partial(Path(folder, "a.npy"), "key")
    ...     resumed, records = again.resumed, again.records
    ...     _ = (again.folder / "pixels").write_bytes(b"whole")
    ...     again.finish(again.folder / "pixels")
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['a.npy']
    >>> resumed, records
    (True, [{'tile': 3}])
    """

    def __init__(self, target: Path, key: str, *, overwrite: bool = False) -> None:
        self.target, self.overwrite = target, overwrite
        self.folder = target.with_name(f".gpuconv-{target.name}.partial")
        #: What earlier runs did, in their order.
        self.records: list[dict[str, Any]] = []
        #: Whether an earlier run left something to go on with.
        self.resumed = False
        self._lock = threading.Lock()
        self._check_target()
        with named(target, "write"):
            self._open(key)

    def _check_target(self) -> None:
        if os.path.lexists(self.target) and not self.overwrite:
            raise ImageFileError(
                f"cannot write {self.target}: it exists already; overwriting must be asked for"
            )

    def _open(self, key: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._journal: IO[bytes] = open(  # noqa: SIM115 — closed by `close`
            self.folder / _JOURNAL, "a+b", buffering=0
        )
        if not _locked(self._journal):
            self._journal.close()
            raise ImageFileError(f"cannot write {self.target}: another process is writing it")
        self._journal.seek(0)
        lines = [_parsed(line) for line in self._journal.read().split(b"\n") if line]
        if lines and lines[0] == {"key": key}:
            self.records = [line for line in lines[1:] if line is not None]
            self.resumed = True
            # What was torn ends here.
            self._journal.write(b"\n")
            return
        for path in self.folder.iterdir():
            if path.name != _JOURNAL:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        self._journal.truncate(0)
        self._journal.write(json.dumps({"key": key}).encode() + b"\n")

    def add(self, **values: Any) -> None:
        """Append a record of what was done; from any thread."""
        line = json.dumps(values, separators=(",", ":")).encode() + b"\n"
        with self._lock, named(self.target, "write"):
            self._journal.write(line)

    def finish(self, made: Path) -> None:
        """Put `made`, a file or a folder in this one, in the target's place; delete the rest."""
        self._check_target()
        with named(self.target, "write"):
            if self.target.is_dir():
                # A folder cannot be replaced in one step.
                aside = self.folder / "replaced"
                os.replace(self.target, aside)
            os.replace(made, self.target)
        self.discard()

    def discard(self) -> None:
        """Delete what was done."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Let go of the folder; what was done stays."""
        with contextlib.suppress(OSError):
            self._journal.close()


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _locked(file: IO[bytes]) -> bool:
    """Return whether this process has the file to itself, as far as the system can tell."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True

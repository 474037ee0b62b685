"""An output that grows beside its place, over several runs if need be, until it is whole."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from gpuconv.errors import ImageFileError
from gpuconv.io.opener import is_zarr, named

__all__ = ["Partial"]

_JOURNAL, _ASIDE = "journal.jsonl", "replaced"
#: Files that are waited for at a time: 2,000 of 100 kB on ext4 took 8.6 s one by one, where each
#: waits for the disk, 0.5 s by 8 and 0.2 s by 32, which share the waiting.
_SYNCING = 32


class Partial:
    """The folder ``.gpuconv-NAME.partial`` beside an output, and its journal.

    The journal's first line is the key: what decides the output. With another key what lies there
    is of no use, and is deleted. A line follows for each thing that is done, after it was done; one
    that was torn by a crash does not count. That holds for a process that dies at any moment. Where
    the power fails, what the journal says was done may never have reached the disk: start again
    from nothing then, with :meth:`discard`.

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
        self.target, self.overwrite, self._key = target, overwrite, key
        self.folder = target.with_name(f".gpuconv-{target.name}.partial")
        #: What earlier runs did, in their order.
        self.records: list[dict[str, Any]] = []
        #: Whether an earlier run left something to go on with.
        self.resumed = False
        #: What whoever started this should know, in sentences.
        self.warnings: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self._check_target()
        with named(target, "write"):
            self._check_folder()
            self._journal = self._opened()
            try:
                self._go_on()
            except BaseException:
                self.close()
                raise

    def _check_target(self) -> None:
        """Refuse to replace what was not asked for, is protected, or is no image."""
        if not os.path.lexists(self.target):
            return
        if not self.overwrite:
            raise ImageFileError(
                f"cannot write {self.target}: it exists already; overwriting must be asked for"
            )
        if self.target.is_dir():
            if not is_zarr(self.target):
                raise ImageFileError(f"cannot write {self.target}: it is a folder")
        elif self.target.exists():
            if not self.target.is_file():
                raise ImageFileError(f"cannot write {self.target}: it is not a regular file")
            # Replacing needs no permission on the file itself.
            if not self.target.stat().st_mode & 0o222:
                raise ImageFileError(f"cannot write {self.target}: it is read-only")

    def _check_folder(self) -> None:
        """Refuse to work in, and in the end to delete, what this class has not made."""
        if not os.path.lexists(self.folder):
            return
        ours = self.folder.is_dir() and not self.folder.is_symlink()
        if not ours or (any(self.folder.iterdir()) and not (self.folder / _JOURNAL).is_file()):
            raise ImageFileError(
                f"cannot write {self.target}: {self.folder} is in the way, and was not made by "
                "gpuconv: move it away"
            )

    def _opened(self) -> IO[bytes]:
        """Return the journal, open and locked."""
        while True:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / _JOURNAL
            journal = open(path, "a+b", buffering=0)  # noqa: SIM115 — closed by `close`
            if not _locked(journal):
                journal.close()
                raise ImageFileError(f"cannot write {self.target}: another process is writing it")
            # Whoever had the lock until now may have finished, and deleted the folder.
            if _stands_at(path, journal):
                return journal
            journal.close()

    def _go_on(self) -> None:
        """Read what an earlier run did, or begin."""
        self._put_back()
        self._journal.seek(0)
        lines = [_parsed(line) for line in self._journal.read().split(b"\n") if line]
        if lines and lines[0] == {"key": self._key}:
            self.records = [line for line in lines[1:] if line is not None]
            self.resumed = True
            return
        if len(lines) > 1:
            self.warnings = (
                f"deleted what an unfinished run with another input, filter or format had made "
                f"of {self.target.name}",
            )
        self._begin()

    def _put_back(self) -> None:
        """Put a store back that a process, killed while it replaced it, left aside."""
        aside = self.folder / _ASIDE
        if aside.exists() and not os.path.lexists(self.target):
            os.replace(aside, self.target)
            self._check_target()

    def _begin(self) -> None:
        """Leave nothing in the folder but a journal of the key."""
        self._empty()
        self._journal.truncate(0)
        self._append({"key": self._key})

    def _empty(self) -> None:
        """Delete all but the journal."""
        for path in self.folder.iterdir():
            if path.name != _JOURNAL:
                _delete(path)

    def restart(self) -> None:
        """Forget what earlier runs did: what they made is gone."""
        if self.records:
            self.records, self.resumed = [], False
            with named(self.target, "write"):
                self._begin()

    def _append(self, values: dict[str, Any]) -> None:
        # The line ends what a crash may have torn, too.
        line = b"\n" + json.dumps(values, separators=(",", ":")).encode() + b"\n"
        if self._journal.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def add(self, **values: Any) -> None:
        """Append a record of what was done; from any thread."""
        with self._lock, named(self.target, "write"):
            self._append(values)

    def finish(self, made: Path) -> None:
        """Put `made`, a file or a folder in this one, in the target's place; delete the rest.

        Raises
        ------
        ImageFileError
            Something that must not be replaced stands there by now, or it cannot be put there;
            what was done is kept.
        """
        self._check_target()
        with named(self.target, "write"):
            if not _stands_at(self.folder / _JOURNAL, self._journal):
                raise ImageFileError(
                    f"cannot write {self.target}: {self.folder} was deleted while it was written"
                )
            _sync(made)
            self._place(made)
            _sync_entry(self.target.parent)
        self.discard()

    def _place(self, made: Path) -> None:
        if not os.path.lexists(self.target):
            os.replace(made, self.target)
            return
        if made.is_dir() != self.target.is_dir():
            what = "a folder" if self.target.is_dir() else "a file"
            raise ImageFileError(f"cannot write {self.target}: it is {what}")
        if self.target.is_file():
            shutil.copymode(self.target, made)
            os.replace(made, self.target)
            return
        # A folder cannot be replaced in one step.
        aside = self.folder / _ASIDE
        os.replace(self.target, aside)
        try:
            os.replace(made, self.target)
        except BaseException:
            os.replace(aside, self.target)
            raise

    def discard(self) -> None:
        """Delete what was done."""
        if os.name == "nt":  # where open files cannot be deleted; elsewhere nobody may come between
            self.close()
        # The journal last: if this is cut short, it tells whose folder this is.
        with contextlib.suppress(OSError):
            self._empty()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.close()

    def close(self) -> None:
        """Let go of the folder; what was done stays."""
        with contextlib.suppress(OSError):
            self._journal.close()


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _stands_at(path: Path, file: IO[bytes]) -> bool:
    """Return whether an open file is the one of that name."""
    return path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat())


def _locked(file: IO[bytes]) -> bool:
    """Return whether this process has the file to itself, as far as the system can tell."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # Some network file systems know no locks.
        return error.errno not in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)
    return True


def _sync(made: Path) -> None:
    """Wait until a file, or all files of a folder, are on the disk."""
    if not made.is_dir():
        _sync_file(made)
        return
    walked = list(os.walk(made))
    files = [Path(folder, name) for folder, _, names in walked for name in names]
    with ThreadPoolExecutor(_SYNCING) as pool:
        list(pool.map(_sync_file, files))
        list(pool.map(_sync_entry, (Path(folder) for folder, _, _ in walked)))


def _sync_file(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _sync_entry(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can tell."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

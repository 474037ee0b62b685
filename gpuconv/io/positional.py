"""A file that is read and written at offsets, by any number of threads at once."""

from __future__ import annotations

import os
import threading
from pathlib import Path

__all__ = ["Positional"]

#: Windows has neither, nor needs them as much: there a lock and a seek do.
_AT_ONCE = hasattr(os, "pread") and hasattr(os, "pwrite")


class Positional:
    r"""A file with no position of its own, so that threads need not wait for each other.

    Parameters
    ----------
    path : Path
        The file.
    write : bool
        Make it if it is not there, and allow writing.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Positional(Path(folder, "a"), write=True)
    ...     file.write_at(3, b"end")
    ...     found = file.read_at(1, 4), file.size
    ...     file.close()
    >>> found
    (b'\x00\x00en', 6)
    """

    def __init__(self, path: Path, *, write: bool = False) -> None:
        flags = os.O_RDWR | os.O_CREAT if write else os.O_RDONLY
        flags |= getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        self._lock = threading.Lock()
        self._open = False
        self._handle = os.open(path, flags, 0o666)
        self._open = True

    @property
    def size(self) -> int:
        """Bytes in the file."""
        self._check_open()
        return os.fstat(self._handle).st_size

    def read_at(self, offset: int, count: int) -> bytes:
        """Return `count` bytes from `offset` on.

        Raises
        ------
        EOFError
            The file ends before.
        OSError
            They cannot be read.
        """
        # Before so much memory is taken: a damaged number may be anything.
        if (outside := offset + count - self.size) > 0:
            raise EOFError(f"{outside} of {count} bytes lie outside the file: it is truncated")
        pieces = []
        left = count
        while left:
            piece = self._read(left, offset)
            if not piece:
                raise EOFError("it was cut short while it was read")
            pieces.append(piece)
            offset, left = offset + len(piece), left - len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def read_into(self, offset: int, view: memoryview) -> None:
        """Fill `view` with the bytes from `offset` on; raises as `read_at`."""
        if not hasattr(os, "preadv"):
            view[:] = self.read_at(offset, len(view))
            return
        self._check_open()
        while view:
            count = os.preadv(self._handle, [view], offset)
            if not count:
                raise EOFError(f"{len(view)} bytes lie outside the file: it is truncated")
            offset, view = offset + count, view[count:]

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        """Write all of `data` from `offset` on; what lies between it and the end becomes 0."""
        self._check_open()
        view = memoryview(data)
        while view:
            written = self._write(view, offset)
            offset, view = offset + written, view[written:]

    def truncate(self, size: int) -> None:
        """Cut off what lies behind the first `size` bytes."""
        os.ftruncate(self._handle, size)

    def _read(self, count: int, offset: int) -> bytes:
        if _AT_ONCE:
            return os.pread(self._handle, count, offset)
        with self._lock:
            os.lseek(self._handle, offset, os.SEEK_SET)
            return os.read(self._handle, count)

    def _write(self, data: memoryview, offset: int) -> int:
        if _AT_ONCE:
            return os.pwrite(self._handle, data, offset)
        with self._lock:
            os.lseek(self._handle, offset, os.SEEK_SET)
            return os.write(self._handle, data)

    def _check_open(self) -> None:
        """Refuse a handle that by now may be another file's."""
        if not self._open:
            raise ValueError("the file is closed")

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._open:
                self._open = False
                os.close(self._handle)

    def __del__(self) -> None:
        # Whoever is sent a source or a writer in a message, as workers are, has no moment to close.
        self.close()

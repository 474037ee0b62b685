"""Files that appear whole or not at all: written under a name of their own, then put in place."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from gpuconv.errors import ImageFileError
from gpuconv.io.opener import named

__all__ = ["TEMPORARY", "discard_unfinished", "replacing", "write_whole"]

#: What a file is called until it is complete; nothing else in a folder is called so.
TEMPORARY = re.compile(r"\.gpuconv-[0-9a-f]{16}\.tmp")

#: The files that this process is writing.
_unfinished: set[Path] = set()


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file next to `path`, which takes its place if all goes well."""
    exists = path.exists()
    if path.is_dir():
        raise ImageFileError(f"cannot write {path}: it is a folder")
    # A device or a pipe would be put aside, not written to.
    if exists and not path.is_file():
        raise ImageFileError(f"cannot write {path}: it is not a regular file")
    # Replacing needs no permission on the file itself, so what is protected must be asked about.
    if exists and not path.stat().st_mode & 0o222:
        raise ImageFileError(f"cannot write {path}: it is read-only")
    temporary = path.with_name(f".gpuconv-{secrets.token_hex(8)}.tmp")
    _unfinished.add(temporary)
    try:
        with open(temporary, "x+b") as file:
            yield file
        if exists:
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        _unfinished.discard(temporary)


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file of `data`, or leave what is there.

    Raises
    ------
    ImageFileError
        It cannot be written; the message names it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(f"{folder}/a.txt", b"whole")
    ...     Path(f"{folder}/a.txt").read_bytes()
    b'whole'
    """
    with named(path, "write"), replacing(Path(path)) as file:
        file.write(data)


def discard_unfinished() -> None:
    """Remove every file that this process is writing, for a program that is about to end at once.

    Examples
    --------
    >>> discard_unfinished()
    """
    for path in tuple(_unfinished):
        with suppress(OSError):
            path.unlink()

"""Open a file with the one Pillow plugin that knows it, behind our own limits and errors.

`PIL.Image.open` is not used: its size limit is a global of the process, which a thread cannot
change for itself, and it tries every plugin it has, with the programs that some of them start.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from gpuconv.errors import ImageFileError
from gpuconv.io.formats import FORMATS

__all__ = ["check_size", "identify", "named", "open_pillow"]


@contextmanager
def named(path: str | os.PathLike[str], verb: str) -> Iterator[None]:
    """Turn whatever goes wrong inside into an `ImageFileError` that names the file.

    Decoders raise nearly anything on a damaged file: struct.error, KeyError, SyntaxError, ….
    """
    try:
        yield
    except ImageFileError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise ImageFileError(f"cannot {verb} {os.fspath(path)}: {reason}") from error
    except MemoryError as error:
        raise ImageFileError(f"cannot {verb} {os.fspath(path)}: not enough memory") from error
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise ImageFileError(f"cannot {verb} {os.fspath(path)}: {reason}") from error


def identify(file: IO[bytes], path: Path) -> str:
    """Return the format that the first bytes tell.

    Raises
    ------
    ImageFileError
        The file is empty, or no image.
    """
    file.seek(0)
    prefix = file.read(16)
    if not prefix:
        raise ImageFileError(f"cannot read {path}: the file is empty")
    for name in FORMATS:
        if _accepts(name, prefix, path):
            return name
    known = ", ".join(sorted(FORMATS))
    raise ImageFileError(f"cannot read {path}: it is no image of a known format ({known})")


def _accepts(name: str, prefix: bytes, path: Path) -> bool:
    if name == "TGA":
        return path.suffix.lower() in FORMATS[name].suffixes
    return re.match(FORMATS[name].magic, prefix, re.DOTALL) is not None


def open_pillow(file: IO[bytes], name: str) -> Any:
    """Return Pillow's image of an open file, its header read and its pixels not.

    Given a file and no name, Pillow does not map it into memory; a mapped file that another
    program cuts short kills the process.
    """
    file.seek(0)
    # The class and not the plugin's registered opener: JPEG's may return the two pictures of a
    # stereo camera or a phone (MPO) as two frames, where the first is the photograph.
    plugin = FORMATS[name].plugin
    module = importlib.import_module(f"PIL.{plugin}ImagePlugin")
    return getattr(module, f"{plugin}ImageFile")(file)


def check_size(width: int, height: int, limit: int | None, path: Path) -> None:
    """Refuse a picture of more than `limit` pixels before anything is decoded.

    Raises
    ------
    ImageFileError
        It is larger.
    """
    if limit is not None and width * height > limit:
        raise ImageFileError(
            f"cannot read {path}: {width} × {height} is {width * height} pixels, over the limit"
            f" of max_pixels={limit} (None for no limit)"
        )

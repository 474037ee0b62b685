"""Whether a file is all there, where its decoder would not say.

Pillow takes a GIF or PNG animation that was cut between two frames for a shorter one, and does not
look at the checksums of PNG's pixel data. A walk over the blocks tells, and decodes nothing.
"""

from __future__ import annotations

import os
import struct
import zlib
from typing import IO

__all__ = ["fault"]

_PIECE = 2**20


def fault(file: IO[bytes], kind: str) -> str | None:
    """Return what is wrong with the file of that format, or None. The position is moved.

    Examples
    --------
    >>> import io
    >>> fault(io.BytesIO(b"GIF89a" + bytes(7)), "GIF")
    'it is truncated: the end mark is missing'
    """
    check = {"PNG": _png, "GIF": _gif, "WEBP": _riff}.get(kind)
    if check is None:
        return None
    file.seek(0)
    try:
        return check(file)
    except (struct.error, IndexError):
        return "it is truncated: the end mark is missing"


def _png(file: IO[bytes]) -> str | None:
    file.seek(8)
    while True:
        length, kind = struct.unpack(">I4s", file.read(8))
        check = zlib.crc32(kind)
        while length:
            piece = file.read(min(length, _PIECE))
            if not piece:
                return f"it is truncated inside its {kind.decode('latin-1')} chunk"
            check = zlib.crc32(piece, check)
            length -= len(piece)
        # A lower-case letter first: not needed for the picture, an animation's parts excepted.
        needed = kind[:1].isupper() or kind in (b"acTL", b"fcTL", b"fdAT")
        if struct.unpack(">I", file.read(4))[0] != check and needed:
            return f"the checksum of its {kind.decode('latin-1')} chunk is wrong"
        if kind == b"IEND":
            return None


def _gif(file: IO[bytes]) -> str | None:
    _skip_table(file, file.read(13)[10])
    while (mark := file.read(1)[0]) != 0x3B:
        if mark == 0x2C:
            _skip_table(file, file.read(9)[8])
            file.seek(1, os.SEEK_CUR)
        elif mark == 0x21:
            file.seek(1, os.SEEK_CUR)
        elif mark:
            return f"it has a block of an unknown kind, 0x{mark:02x}"
        if mark:
            _skip_blocks(file)
    return None


def _skip_table(file: IO[bytes], flags: int) -> None:
    if flags & 0x80:
        file.seek(3 << (flags & 7) + 1, os.SEEK_CUR)


def _skip_blocks(file: IO[bytes]) -> None:
    while size := file.read(1)[0]:
        file.seek(size, os.SEEK_CUR)


def _riff(file: IO[bytes]) -> str | None:
    _, length = struct.unpack("<4sI", file.read(8))
    size = file.seek(0, os.SEEK_END)
    return None if size >= length + 8 else f"it is truncated: {size} of {length + 8} bytes"

"""What Pillow does not say about a file, told by its own blocks; nothing is decoded.

Pillow takes a GIF or PNG animation that was cut between two frames for a shorter one, does not look
at the checksums of PNG's pixel data, gives 8 bits of deeper AVIF and JPEG 2000 files, and does not
tell lossless WebP from lossy.
"""

from __future__ import annotations

import os
import struct
import zlib
from typing import IO

__all__ = ["fault", "lowered", "webp_lossless"]

_PIECE = 2**20
#: Headers of JPEG 2000 and AVIF end well before this.
_HEAD = 2**16


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


def lowered(file: IO[bytes], name: str) -> str | None:
    """Return a sentence if Pillow gives only 8 bits of what the file has; else None."""
    deep = {"JPEG2000": _is_deep_jpeg2000, "AVIF": _is_deep_avif}.get(name)
    if deep is None:
        return None
    file.seek(0)
    if not deep(file.read(_HEAD)):
        return None
    return f"{name} of more than 8 bits a channel was read as 8 bits: convert it to PNG or TIFF"


def _is_deep_jpeg2000(head: bytes) -> bool:
    # ISO/IEC 15444-1 A.5.1: the number of components 36 bytes after the SIZ marker, then a byte
    # of bits − 1 for each. Grey is read in full.
    at = head.find(b"\xff\x4f\xff\x51") + 2
    if at < 2 or len(head) < at + 41:
        return False
    components = int.from_bytes(head[at + 38 : at + 40])
    return components > 1 and (head[at + 40] & 0x7F) >= 8


def _is_deep_avif(head: bytes) -> bool:
    # AV1-ISOBMFF 2.3: high_bitdepth is the second bit of the third byte of the av1C box.
    at = head.find(b"av1C")
    return at >= 0 and len(head) > at + 6 and bool(head[at + 6] & 0x40)


def webp_lossless(file: IO[bytes]) -> bool:
    """Whether the (first) picture of a WebP file is of the lossless kind."""
    file.seek(12)
    while len(head := file.read(8)) == 8:
        kind, length = head[:4], int.from_bytes(head[4:], "little")
        if kind == b"ANMF":
            # 16 bytes of frame header, then the chunks of the picture.
            file.seek(16, 1)
            continue
        if kind in (b"VP8 ", b"VP8L"):
            return kind == b"VP8L"
        file.seek(length + length % 2, 1)
    return False

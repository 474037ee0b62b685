"""TIFF directories: the tag lists of TIFF files and of EXIF blocks, parsed and laid out again.

Pillow's `Exif` turns values into Python's objects, and raises when it is to write a tag of an odd
type that it has read (an orientation as text, a negative resolution). Here a value is kept as its
bytes, little-endian, so nothing is lost by a detour. Parsing forgives: an entry that makes no sense
is left out, since a damaged tag is no reason to refuse a photograph.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import IO, Any

import numpy as np

__all__ = [
    "Directory",
    "Entry",
    "Tag",
    "directory_end",
    "lay_out",
    "pages",
    "read_directory",
    "read_header",
]

#: TIFF 6.0 section 2, and BigTIFF's 13 to 18: field type → NumPy dtype, numbers per value.
_TYPES = {
    1: ("u1", 1),
    2: ("u1", 1),
    3: ("u2", 1),
    4: ("u4", 1),
    5: ("u4", 2),
    6: ("i1", 1),
    7: ("u1", 1),
    8: ("i2", 1),
    9: ("i4", 1),
    10: ("i4", 2),
    11: ("f4", 1),
    12: ("f8", 1),
    13: ("u4", 1),
    16: ("u8", 1),
    17: ("i8", 1),
    18: ("u8", 1),
}
#: No honest tag is longer; the tables of strip offsets of a file of 1 TB fit.
_LONGEST = 2**28

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, LONG8 = 1, 2, 3, 4, 5, 7, 16


class Tag(IntEnum):
    """The tags that this library reads or writes (TIFF 6.0, section 8)."""

    SUBFILE = 254
    WIDTH = 256
    HEIGHT = 257
    BITS = 258
    COMPRESSION = 259
    PHOTOMETRIC = 262
    OFFSETS = 273
    SAMPLES = 277
    ROWS = 278
    COUNTS = 279
    X_RESOLUTION = 282
    Y_RESOLUTION = 283
    PLANAR = 284
    UNIT = 296
    PREDICTOR = 317
    TILE_WIDTH = 322
    TILE_HEIGHT = 323
    TILE_OFFSETS = 324
    TILE_COUNTS = 325
    SUBIFDS = 330
    EXTRA = 338
    FORMAT = 339
    ICC = 34675


@dataclass(frozen=True)
class Entry:
    """The value of a tag: its field type, and its little-endian bytes."""

    kind: int
    data: bytes

    @classmethod
    def of(cls, kind: int, *numbers: int) -> Entry:
        r"""Return an entry of the given numbers; a rational takes two.

        Examples
        --------
        >>> Entry.of(SHORT, 1, 2).data
        b'\x01\x00\x02\x00'
        """
        return cls(kind, np.array(numbers, "<" + _TYPES[kind][0]).tobytes())

    @property
    def count(self) -> int:
        """How many values there are."""
        code, per = _TYPES[self.kind]
        return len(self.data) // (int(code[1]) * per)

    @property
    def numbers(self) -> tuple[Any, ...]:
        """The values as numbers; a rational is a numerator and a denominator."""
        return tuple(np.frombuffer(self.data, "<" + _TYPES[self.kind][0]).tolist())


Directory = dict[int, Entry]


@dataclass(frozen=True)
class _Form:
    """Byte order and classic (4-byte offsets) or big (8)."""

    order: str
    big: bool

    @property
    def head(self) -> str:
        return self.order + ("HHQ" if self.big else "HHI")

    @property
    def offset(self) -> str:
        return self.order + ("Q" if self.big else "I")

    @property
    def number(self) -> str:
        return self.order + ("Q" if self.big else "H")

    @property
    def inline(self) -> int:
        return 8 if self.big else 4


def read_header(file: IO[bytes]) -> tuple[_Form, int]:
    """Return the form of a TIFF stream and the offset of its first directory.

    Raises
    ------
    ValueError
        It is no TIFF stream.
    """
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8:
        raise ValueError("it is no TIFF stream")
    big = struct.unpack(order + "H", head[2:4])[0] == 43
    if big and len(head) < 16:
        raise ValueError("the header is cut short")
    form = _Form(order, big)
    start = 8 if big else 4
    (offset,) = struct.unpack(form.offset, head[start : start + form.inline])
    return form, offset


def pages(file: IO[bytes], limit: int = 2**20) -> tuple[list[Directory], bool]:
    """Return the chain of directories from the start of the file, and whether it is whole.

    Raises
    ------
    ValueError
        It is no TIFF stream.
    """
    file.seek(0)
    form, offset = read_header(file)
    found: list[Directory] = []
    seen: set[int] = set()
    while offset and offset not in seen and len(found) < limit:
        seen.add(offset)
        try:
            directory, offset = read_directory(file, form, offset)
        except (ValueError, OverflowError, OSError):
            return found, False
        found.append(directory)
    return found, bool(found) and not offset


def read_directory(file: IO[bytes], form: _Form, offset: int) -> tuple[Directory, int]:
    """Return the directory at `offset`, and the offset of the next one (0 for none).

    Raises
    ------
    ValueError
        The directory lies outside the file.
    """
    file.seek(offset)
    (count,) = struct.unpack(form.number, _exactly(file, struct.calcsize(form.number)))
    size = struct.calcsize(form.head) + form.inline
    if count > 65535:
        raise ValueError(f"{count} tags in one directory")
    body = _exactly(file, count * size)
    rest = file.read(form.inline)
    directory: Directory = {}
    for start in range(0, len(body), size):
        tag, entry = _read_entry(file, form, body[start : start + size])
        if entry is not None:
            directory.setdefault(tag, entry)
    following = struct.unpack(form.offset, rest)[0] if len(rest) == form.inline else 0
    return directory, following


def _read_entry(file: IO[bytes], form: _Form, raw: bytes) -> tuple[int, Entry | None]:
    tag, kind, count = struct.unpack(form.head, raw[: -form.inline])
    code, per = _TYPES.get(kind, ("u1", 0))
    size = int(code[1]) * per * count
    if not 0 < size <= _LONGEST:
        return tag, None
    data = raw[-form.inline :][:size]
    if size > form.inline:
        file.seek(struct.unpack(form.offset, raw[-form.inline :])[0])
        data = file.read(size)
    if len(data) != size:
        return tag, None
    little = np.frombuffer(data, form.order + code).astype("<" + code).tobytes()
    return tag, Entry(kind, little)


def _exactly(file: IO[bytes], size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise ValueError("the directory lies outside the file")
    return data


def lay_out(
    directory: Directory, below: dict[int, Directory], offset: int, big: bool = False
) -> bytes:
    """Return the bytes of a little-endian directory that will stand at `offset`.

    Parameters
    ----------
    directory : dict
        Tag → entry.
    below : dict
        Directories that are pointed to: tag of the pointer → directory. They come right after.
    offset : int
        Where in the file the first byte will be; even.
    big : bool
        Whether the file is a BigTIFF.

    Returns
    -------
    bytes
        The directory (followed by no other: its last 4 or 8 bytes before the values are 0).
    """
    form = _Form("<", big)
    main = dict(directory)
    pointer = LONG8 if big else LONG
    main.update({tag: Entry.of(pointer, 0) for tag in below})
    tail = b""
    end = offset + len(_directory(main, offset, form))
    for tag, lower in sorted(below.items()):
        main[tag] = Entry.of(pointer, end + len(tail))
        tail += _directory(lower, end + len(tail), form)
    return _directory(main, offset, form) + tail


def directory_end(tags: int, big: bool) -> int:
    """Return how far from its start a directory has its pointer to the next one."""
    form = _Form("<", big)
    entry = struct.calcsize(form.head) + form.inline
    return struct.calcsize(form.number) + entry * tags


def _directory(directory: Directory, offset: int, form: _Form) -> bytes:
    head = struct.pack(form.number, len(directory))
    values = b""
    first = offset + directory_end(len(directory), form.big) + form.inline
    for tag, entry in sorted(directory.items()):
        head += struct.pack(form.head, tag, entry.kind, entry.count)
        if len(entry.data) <= form.inline:
            head += entry.data.ljust(form.inline, b"\0")
            continue
        head += struct.pack(form.offset, first + len(values))
        values += entry.data + b"\0" * (len(entry.data) % 2)
    return head + b"\0" * form.inline + values

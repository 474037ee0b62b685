"""The image formats: their suffixes, and which pixels each can hold without loss of kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath

from gpuconv.dtypes import TABLE
from gpuconv.errors import ArgumentError, ImageFileError, choose

__all__ = [
    "FORMATS",
    "READABLE_SUFFIXES",
    "Format",
    "choose_format",
    "format_of",
    "holders",
    "refuse",
]

_GREY_OR_COLOUR = ("L", "LA", "RGB", "RGBA")
_REAL: dict[str, tuple[str, ...]] = {
    name: (*_GREY_OR_COLOUR, "CMYK") for name, row in TABLE.items() if row.real
}


@dataclass(frozen=True)
class Format:
    """A row of the table.

    Attributes
    ----------
    plugin : str
        Pillow's module and class for it.
    magic : bytes
        A regular expression for the first bytes of a file.
    suffixes : tuple of str
        The usual one first.
    holds : dict
        dtype → channels that can be written; nothing for a format that is only read.
    narrower : dict
        Suffixes that promise less than the format holds.
    keeps : tuple of str
        Which of "exif", "icc", "dpi", "text" it can carry.
    frames : bool
        Whether it holds several pictures.
    side : int
        The largest width and height.
    """

    plugin: str
    magic: bytes
    suffixes: tuple[str, ...]
    holds: dict[str, tuple[str, ...]] = field(default_factory=dict)
    narrower: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    keeps: tuple[str, ...] = ()
    frames: bool = False
    side: int = 2**31 - 1

    def holds_at(self, suffix: str) -> dict[str, tuple[str, ...]]:
        """Return what can be written under a suffix."""
        return self.narrower.get(suffix.lower(), self.holds)


#: Only these are ever opened. Pillow knows more, but a batch job over strangers' files should not
#: start Ghostscript for a file that says it is PostScript. TGA comes last: it has no magic number.
FORMATS: dict[str, Format] = {
    "PNG": Format(
        "Png",
        rb"\x89PNG\r\n\x1a\n",
        (".png", ".apng"),
        {"uint8": _GREY_OR_COLOUR, "uint16": _GREY_OR_COLOUR},
        keeps=("exif", "icc", "dpi", "text"),
        frames=True,
    ),
    "JPEG": Format(
        "Jpeg",
        rb"\xff\xd8\xff",
        (".jpg", ".jpeg", ".jpe", ".jfif"),
        {"uint8": ("L", "RGB", "CMYK")},
        keeps=("exif", "icc", "dpi"),
        side=65535,
    ),
    "TIFF": Format(
        "Tiff",
        rb"II[*+]\0|MM\0[*+]",
        (".tif", ".tiff"),
        _REAL,
        keeps=("exif", "icc", "dpi"),
        frames=True,
    ),
    "GIF": Format(
        "Gif", rb"GIF8[79]a", (".gif",), {"uint8": _GREY_OR_COLOUR}, frames=True, side=65535
    ),
    "WEBP": Format(
        "WebP",
        rb"RIFF.{4}WEBP",
        (".webp",),
        {"uint8": _GREY_OR_COLOUR},
        keeps=("exif", "icc"),
        frames=True,
        side=16383,
    ),
    "AVIF": Format("Avif", rb".{4}ftypavi[fs]", (".avif",)),
    "JPEG2000": Format(
        "Jpeg2K",
        rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  \r\n\x87\n",
        (".jp2", ".j2k", ".jpx"),
        {"uint8": _GREY_OR_COLOUR, "uint16": ("L",)},
    ),
    "BMP": Format("Bmp", rb"BM", (".bmp",), {"uint8": ("L", "RGB")}, keeps=("dpi",)),
    "PPM": Format(
        "Ppm",
        rb"P[1-6f]\s",
        (".ppm", ".pgm", ".pnm", ".pbm", ".pfm"),
        {"uint8": ("L", "RGB"), "uint16": ("L", "RGB")},
        {
            ".ppm": {"uint8": ("RGB",), "uint16": ("RGB",)},
            ".pgm": {"uint8": ("L",), "uint16": ("L",)},
            ".pbm": {},
            ".pfm": {"float32": ("L",)},
        },
    ),
    "TGA": Format("Tga", rb"", (".tga",), {"uint8": _GREY_OR_COLOUR}, side=65535),
}

#: What a folder scan takes as images.
READABLE_SUFFIXES: tuple[str, ...] = tuple(
    sorted(suffix for row in FORMATS.values() for suffix in row.suffixes)
)

_BY_SUFFIX = {suffix: name for name, row in FORMATS.items() for suffix in row.suffixes}


def format_of(suffix: str) -> str | None:
    """Return the name of the format that a suffix stands for.

    Examples
    --------
    >>> format_of(".JPG"), format_of(".txt")
    ('JPEG', None)
    """
    return _BY_SUFFIX.get(suffix.lower())


def choose_format(path: PurePath, name: str | None) -> str:
    """Return the format to write: the one that is named, or that of the path's suffix."""
    if name is not None:
        writable = [key for key, row in FORMATS.items() if row.holds]
        return choose("format", name.upper(), writable, "a format that can be written")
    found = format_of(path.suffix)
    if found is None or not FORMATS[found].holds:
        suffixes = ", ".join(s for row in FORMATS.values() if row.holds for s in row.suffixes)
        raise ArgumentError(
            f"path={str(path)!r} has no suffix that can be written (one of {suffixes})"
        )
    return found


def holders(dtype: str, channels: str) -> list[str]:
    """Return the usual suffixes under which such pixels can be written without loss.

    Examples
    --------
    >>> holders("uint16", "RGBA"), holders("float32", "L")
    (['.png', '.tif'], ['.tif'])
    """
    return [
        FORMATS[name].suffixes[0]
        for name in ("PNG", "TIFF")
        if channels in FORMATS[name].holds.get(dtype, ())
    ]


def refuse(path: PurePath, name: str, dtype: str, channels: str, shape: tuple[int, ...]) -> None:
    """Raise if the format cannot hold such pixels under that name.

    Raises
    ------
    ImageFileError
        The message says which formats can.
    """
    row = FORMATS[name]
    if channels not in row.holds_at(path.suffix).get(dtype, ()):
        others = " or ".join(holders(dtype, channels))
        advice = f": use {others}" if others else ""
        called = f"{name} under the suffix {path.suffix}" if row.narrower else name
        raise ImageFileError(
            f"cannot write {path}: {called} cannot hold {dtype} {channels} pixels{advice}"
        )
    if max(shape[:2]) > row.side:
        raise ImageFileError(
            f"cannot write {path}: {name} holds at most {row.side} pixels a side,"
            f" not {shape[1]} × {shape[0]}: use .png or .tif"
        )

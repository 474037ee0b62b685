"""Names of outputs, from a template such as ``{dir}/{stem}_{filter}{ext}``."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gpuconv.errors import ArgumentError, ArgumentTypeError, choose
from gpuconv.io.formats import FORMATS

__all__ = ["DEFAULT_TEMPLATE", "FIELDS", "NameTemplate"]

#: Keeps the tree below the output folder, the name, and the format.
DEFAULT_TEMPLATE = "{dir}/{stem}{ext}"

#: The fields of a template, and what each stands for.
FIELDS: dict[str, str] = {
    "dir": "folder of the input, below the folder that was scanned",
    "ext": "extension of the input, with its dot",
    "filter": "name of the filter",
    "index": "number of the input, from 1; {index:04d} pads it with zeros",
    "name": "file name of the input, extension included",
    "stem": "file name of the input without its extension",
}

_WRITABLE = tuple(
    suffix for row in FORMATS.values() for suffix in row.suffixes if row.holds_at(suffix)
)


@dataclass(frozen=True)
class NameTemplate:
    """How the name of an output is made from the name of its input.

    Parameters
    ----------
    text
        A path below the output folder with fields in braces (:data:`FIELDS`). It ends with
        ``{ext}`` or ``{name}``, which keep the format, or with an extension, which sets it.

    Raises
    ------
    ArgumentError
        If a field is unknown, the path leaves the output folder, or there is no extension.

    Examples
    --------
    >>> template = NameTemplate("{dir}/{stem}_{filter}{ext}")
    >>> template.fill(PurePosixPath("2024/cat.jpg"), index=1, filter_name="sobel")
    '2024/cat_sobel.jpg'
    """

    text: str = DEFAULT_TEMPLATE

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise ArgumentTypeError(f"name_template={self.text!r} is not a text")
        for field in self._fields():
            choose("name_template field", field, FIELDS, "a field of a name")
        if Path(self.text).anchor or ".." in Path(self.text).parts:
            raise self._error("has to stay below the output folder")
        if not self.keeps_format:
            self._check_suffix()
        self.fill(PurePosixPath("a/b.png"), index=1, filter_name="c")

    @property
    def keeps_format(self) -> bool:
        """Whether the extension follows the input instead of standing in the template."""
        return self._pieces()[-1][1] in ("ext", "name") and self.text.endswith("}")

    def fill(self, path: PurePosixPath, *, index: int, filter_name: str) -> str:
        """Return the name for the input at `path`, a path below the folder scanned."""
        values: dict[str, str | int] = {
            "dir": "" if path.parent == PurePosixPath() else str(path.parent),
            "ext": path.suffix,
            "filter": re.sub(r"[^\w.,=+-]+", "_", filter_name),
            "index": index,
            "name": path.name,
            "stem": path.stem,
        }
        try:
            filled = self.text.format(**values).lstrip("/")
        except (ValueError, IndexError, KeyError, AttributeError) as error:
            raise self._error(f"cannot be filled in: {error}") from None
        if filled.endswith("/") or filled in ("", "."):
            raise self._error(f"gives {filled!r}, which is no file name")
        return str(PurePosixPath(filled))

    def _check_suffix(self) -> None:
        literal = "" if self.text.endswith("}") else self._pieces()[-1][0]
        suffix = PurePosixPath(f"x{literal}").suffix.lower()
        if not suffix:
            raise self._error("has no extension; end it with {ext}, or with one such as .png")
        if suffix not in _WRITABLE:
            listed = ", ".join(_WRITABLE)
            raise self._error(f"ends with {suffix!r}, which cannot be written (one of {listed})")

    def _fields(self) -> list[str]:
        return [field for _, field, _, _ in self._pieces() if field is not None]

    def _pieces(self) -> list[tuple[str, str | None, str | None, str | None]]:
        try:
            return list(string.Formatter().parse(self.text)) or [("", None, None, None)]
        except ValueError as error:
            raise self._error(f"cannot be read: {error}") from None

    def _error(self, reason: str) -> ArgumentError:
        return ArgumentError(f"name_template={self.text!r} {reason}")

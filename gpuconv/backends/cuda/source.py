"""The CUDA sources: found in a wheel or a checkout, headers inlined, so that text decides all.

A compiler cache that keys on the text it is given can then never run a stale kernel: an edited
header is an edited text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from gpuconv.errors import DeviceError

__all__ = ["Program", "digest", "families", "folder", "inlined"]

_INCLUDE = re.compile(r'^#include "([\w.]+)"\n', re.MULTILINE)
_COMMENT = re.compile(r"//.*|/\*.*?\*/|\s+|#line.*")


@dataclass(frozen=True)
class Program:
    """One instance of a kernel: a family, its entry point, and the macros that specialise it."""

    family: str
    entry: str
    macros: tuple[tuple[str, str], ...]

    @cached_property
    def text(self) -> str:
        """The whole source: macros, headers and family."""
        lines = [f"#define {name} {value}\n" for name, value in self.macros]
        return "".join(lines) + inlined(f"{self.family}.cu")

    @property
    def label(self) -> str:
        """Entry and macros on one line.

        Examples
        --------
        >>> Program("dense", "dense", (("PIXEL", "float"), ("ROWS", "3"))).label
        'dense PIXEL=float ROWS=3'
        """
        return " ".join([self.entry, *(f"{name}={value}" for name, value in self.macros)])


@cache
def folder() -> Path:
    """Return where the sources are: in the package (a wheel), else beside it (a checkout)."""
    package = Path(__file__).parents[2]
    for place in (package / "kernels_cuda", package.parent / "kernels_cuda"):
        if (place / "dense.cu").is_file():
            return place
    raise DeviceError(
        f"the CUDA sources are neither in {package} nor beside it; install gpuconv again"
    )


def families() -> list[str]:
    """Return the kernel families, helpers among them: each is a ``.cu`` of this name.

    Examples
    --------
    >>> {"dense", "separable"} <= set(families())
    True
    """
    return sorted(path.stem for path in folder().glob("*.cu"))


@cache
def inlined(name: str) -> str:
    """Return the text of a source with each of its headers put in once, where first included."""
    seen = set[str]()

    def expand(name: str) -> str:
        seen.add(name)
        text = (folder() / name).read_text("utf-8").replace("#pragma once\n", "\n")
        # #line keeps the compiler's messages, and debuggers, on the file people edit.
        pieces = [f'#line 1 "{name}"\n']
        at = 0
        for found in _INCLUDE.finditer(text):
            pieces.append(text[at : found.start()])
            if found[1] not in seen:
                pieces.append(expand(found[1]))
            line = text.count("\n", 0, found.end()) + 1
            pieces.append(f'#line {line} "{name}"\n')
            at = found.end()
        return "".join([*pieces, text[at:]])

    return expand(name)


def digest(family: str) -> str:
    """Return the digest of a family's source with its headers: what a verification is for.

    Comments and spaces do not count.
    """
    code = _COMMENT.sub("", inlined(f"{family}.cu"))
    import hashlib  # takes as long as a tenth of the library to import

    return hashlib.sha256(code.encode()).hexdigest()[:16]

"""File name patterns and the order of file names.

``*`` and ``?`` stay within one name, ``[…]`` is a set of characters, ``**`` is any number of
folders. A pattern without a slash is met by the name alone, at any depth; one with a slash by the
whole path below the folder that is scanned.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from gpuconv.errors import ArgumentError, ArgumentTypeError

__all__ = ["Selection", "has_magic", "match_parts", "natural_key", "texts"]

_MAGIC = re.compile(r"[*?\[]")


def has_magic(text: str) -> bool:
    """Tell whether `text` is a pattern rather than a plain name."""
    return _MAGIC.search(text) is not None


def natural_key(name: str) -> tuple[object, ...]:
    """Return a sort key that counts: ``page9`` comes before ``page10``.

    Examples
    --------
    >>> sorted(["b1", "a10", "A9"], key=natural_key)
    ['A9', 'a10', 'b1']
    """
    stem, suffix = os.path.splitext(name.casefold())
    pieces: list[str | int] = list(re.split(r"(\d+)", stem))
    pieces[1::2] = map(int, pieces[1::2])
    return pieces, suffix, name


def match_parts(pattern: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Tell whether a path matches a pattern, both cut at the slashes.

    Examples
    --------
    >>> match_parts(("**", "*.png"), ("a", "b", "c.png"))
    True
    """
    if not pattern:
        return not parts
    head, rest = pattern[0], pattern[1:]
    if head == "**":
        return any(match_parts(rest, parts[i:]) for i in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], head) and match_parts(rest, parts[1:])


def texts(argument: str, value: object) -> tuple[str, ...]:
    """Return one path or text, or several, as a tuple of texts."""
    several = [value] if isinstance(value, str | os.PathLike) else value
    if not isinstance(several, Iterable):
        raise ArgumentTypeError(f"{argument}={value!r} is neither a text nor a sequence of texts")
    return tuple(_text(argument, item) for item in several)


def _text(argument: str, item: object) -> str:
    if not isinstance(item, str | os.PathLike):
        raise ArgumentTypeError(f"{argument} holds {item!r}, which is neither a text nor a path")
    text = os.fsdecode(item)
    if not text or "\0" in text:
        raise ArgumentError(f"{argument} holds {text!r}: a name is not empty and has no NUL byte")
    return text


@dataclass(frozen=True)
class Selection:
    """Which of the files that are found are wanted.

    Parameters
    ----------
    include
        Patterns; a file is taken only if it matches one of them. None given: all are taken.
    exclude
        Patterns; a file is left out if it, or a folder that it lies in, matches one of them.

    Examples
    --------
    >>> chosen = Selection(exclude=("thumbs",))
    >>> chosen.takes(("a", "x.png")), chosen.takes(("a", "thumbs", "x.png"))
    (True, False)
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def takes(self, parts: tuple[str, ...]) -> bool:
        """Tell whether the file with this path, cut at the slashes, is wanted."""
        included = not self.include or any(_meets(pattern, parts) for pattern in self.include)
        return included and not any(self.drops(parts[:n]) for n in range(1, len(parts) + 1))

    def drops(self, parts: tuple[str, ...]) -> bool:
        """Tell whether this very file or folder matches a pattern of `exclude`."""
        return any(_meets(pattern, parts) for pattern in self.exclude)


def _meets(pattern: str, parts: tuple[str, ...]) -> bool:
    wanted = tuple(pattern.strip("/").split("/"))
    anchored = "/" in pattern.rstrip("/")
    return match_parts(wanted, parts if anchored else parts[-1:])

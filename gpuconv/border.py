"""What lies outside an image: each border mode as data.

A mode is a rule that gives, for any integer position on an axis of ``n`` pixels, the index of the
pixel that stands there; −1 means "fill with ``cval``". NumPy, CUDA, tiles and Dask all read the
same table, so they cannot disagree, and a new mode is one row of :data:`MODES`.

===========  =======================  ==================  =================  ==============
ours         ``a b c d`` goes on as   scipy.ndimage       numpy.pad          OpenCV
===========  =======================  ==================  =================  ==============
constant     k k | a b c d | k k      constant            constant           CONSTANT
nearest      a a | a b c d | d d      nearest             edge               REPLICATE
reflect      b a | a b c d | d c      reflect             symmetric          REFLECT
mirror       c b | a b c d | c b      mirror              reflect            REFLECT_101
wrap         c d | a b c d | a b      wrap                wrap               WRAP
===========  =======================  ==================  =================  ==============

Only unambiguous names are aliases: NumPy's "reflect" is our "mirror", while SciPy's and OpenCV's
"reflect" is ours, so "reflect" always means SciPy's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from gpuconv.errors import ArgumentError, ArgumentTypeError, choose

__all__ = ["FILL", "MODES", "Mode", "Span", "canonical", "pair", "source_index", "span"]

Index = NDArray[np.intp]

#: The source index that means "no pixel: use ``cval``".
FILL = -1


def _reflect(position: Index, n: int) -> Index:
    folded = position % (2 * n)
    return np.minimum(folded, 2 * n - 1 - folded)


def _mirror(position: Index, n: int) -> Index:
    period = max(2 * n - 2, 1)
    folded = position % period
    return np.minimum(folded, period - folded) if n > 1 else np.zeros_like(position)


@dataclass(frozen=True)
class Mode:
    """A border mode: its index rule, the other names it goes by, and what it looks like."""

    fold: Callable[[Index, int], Index]
    aliases: tuple[str, ...]
    picture: str


#: Every border mode. ``fold(position, n)`` must accept any integer position and any n ≥ 1.
MODES: dict[str, Mode] = {
    "constant": Mode(
        lambda p, n: np.where((p < 0) | (p >= n), FILL, p),
        ("gridconstant", "fill", "zero", "zeros"),
        "k k | a b c d | k k",
    ),
    "nearest": Mode(
        lambda p, n: np.clip(p, 0, n - 1), ("edge", "replicate", "clamp"), "a a | a b c d | d d"
    ),
    "reflect": Mode(_reflect, ("symmetric", "symm", "gridmirror"), "b a | a b c d | d c"),
    "mirror": Mode(_mirror, ("reflect101",), "c b | a b c d | c b"),
    "wrap": Mode(lambda p, n: p % n, ("gridwrap", "circular", "periodic"), "c d | a b c d | a b"),
}

_NAMES = {alias: name for name, mode in MODES.items() for alias in (name, *mode.aliases)}


def canonical(name: object) -> str:
    """Return our name of a border mode given by any of its names.

    Case, hyphens, underscores and OpenCV's prefix are not significant.

    Parameters
    ----------
    name : str
        A name of :data:`MODES` or one of its aliases.

    Raises
    ------
    ArgumentError
        The name is not a border mode; the message suggests the nearest one.

    Examples
    --------
    >>> canonical("edge"), canonical("BORDER_REFLECT_101"), canonical("grid-wrap")
    ('nearest', 'mirror', 'wrap')
    """
    if not isinstance(name, str):
        raise ArgumentTypeError(
            f"border={name!r} must be the name of a border mode, or a pair (rows, columns) of them"
        )
    key = _key(name)
    return _NAMES[key] if key in _NAMES else choose("border", name, MODES, "a border mode")


def _key(name: str) -> str:
    return re.sub(r"^border|[-_ ]", "", name.lower())


def pair(border: object, cval: complex = 0) -> tuple[str, str]:
    """Return the border modes of the rows axis and of the columns axis.

    Parameters
    ----------
    border : str or pair of str
        One mode for both axes, or (mode along y, mode along x).
    cval : number
        Checked against the alias "zero", which allows no other fill than 0.

    Examples
    --------
    >>> pair("edge"), pair(("wrap", "constant"))
    (('nearest', 'nearest'), ('wrap', 'constant'))
    """
    names = border if isinstance(border, (tuple, list)) else (border, border)
    if len(names) != 2:
        raise ArgumentError(
            f"border={border!r} has {len(names)} entries; give one name, or a pair (rows, columns)"
        )
    if cval != 0 and any(isinstance(n, str) and _key(n) in ("zero", "zeros") for n in names):
        raise ArgumentError(f"border={border!r} fills with 0, but cval={cval!r}; use 'constant'")
    return canonical(names[0]), canonical(names[1])


def source_index(mode: str, position: object, n: int) -> Index:
    """Return the pixel that stands at each position of an axis of `n` pixels.

    Parameters
    ----------
    mode : str
        A name of :data:`MODES`.
    position : array_like of int
        Positions on the axis; those outside 0 … n−1 are in the border, at any distance.
    n : int
        Number of pixels on the axis, at least 1 except in mode "constant".

    Returns
    -------
    ndarray of intp
        Indices in 0 … n−1, or :data:`FILL`.

    Examples
    --------
    >>> source_index("mirror", range(-3, 7), 4).tolist()
    [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]
    >>> source_index("reflect", [-5, -1, 1, 9], 1).tolist()
    [0, 0, 0, 0]
    """
    return MODES[mode].fold(np.asarray(position, dtype=np.intp), n)


@dataclass(frozen=True)
class Span:
    """A run of positions on an axis, split into border, image, border.

    ``before`` and ``after`` are source indices (all valid or all :data:`FILL`), and ``inside`` is
    the slice of the image between them, so that a loader copies the inside and gathers the rest.
    """

    before: Index
    inside: slice
    after: Index

    @cached_property
    def runs(self) -> tuple[tuple[slice, slice | Index | None], ...]:
        """Each part that is not empty: its place in the run, and its pixels (None: fill)."""
        sources: list[tuple[slice | Index, int]] = [
            (self.before, len(self.before)),
            (self.inside, len(range(self.inside.start, self.inside.stop, self.inside.step or 1))),
            (self.after, len(self.after)),
        ]
        runs, start = list[tuple[slice, slice | Index | None]](), 0
        for source, size in sources:
            if size:
                filled = not isinstance(source, slice) and source[0] == FILL
                runs.append((slice(start, start + size), None if filled else source))
            start += size
        return tuple(runs)

    @cached_property
    def repeats(self) -> tuple[slice | Index | None, ...]:
        """For each of `runs`, where among the positions its pixels stand too, inside the image.

        None where not all of them do, and for the inside itself.

        Examples
        --------
        >>> span("reflect", -2, 9, 8).repeats
        (slice(3, 1, -1), None, slice(9, 10, None))
        """
        return tuple(self._repeated(source) for _, source in self.runs)

    def _repeated(self, source: slice | Index | None) -> slice | Index | None:
        if source is None or isinstance(source, slice):
            return None
        places, between = np.divmod(source - self.inside.start, self.inside.step or 1)
        if between.any() or places.min() < 0 or source.max() >= self.inside.stop:
            return None
        return _as_slice(places + len(self.before))


def _as_slice(index: Index) -> slice | Index:
    """Return an index as a slice, if it is one; of one pixel again and again, the pixel."""
    steps = np.diff(index)
    first, step = int(index[0]), int(steps[0]) if len(steps) else 0
    if (steps != step).any():
        return index
    end = int(index[-1]) + step
    return slice(first, end if end >= 0 else None, step) if step else slice(first, first + 1)


@lru_cache(maxsize=4096)
def span(mode: str, start: int, stop: int, n: int, step: int = 1) -> Span:
    """Return the source of the positions `start` … `stop` − 1, `step` apart, on an axis of `n`.

    Examples
    --------
    >>> s = span("nearest", -2, 3, 8)
    >>> s.before.tolist(), s.inside, s.after.tolist()
    ([0, 0], slice(0, 3, None), [])
    """
    positions = range(start, stop, step)
    first = min(max(-(start // step), 0), len(positions))
    last = min(max(-((start - n) // step), 0), len(positions))
    if first >= last:  # no pixel of the image among them
        return Span(source_index(mode, positions, n), slice(0, 0), np.empty(0, np.intp))
    return Span(
        source_index(mode, positions[:first], n),
        slice(positions[first], positions[last - 1] + 1, step if step > 1 else None),
        source_index(mode, positions[last:], n),
    )

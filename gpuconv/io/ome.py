"""What OME-Zarr says of a pyramid: versions 0.4 (Zarr 2) and 0.5 (Zarr 3) read, 0.5 written.

https://ngff.openmicroscopy.org/0.5/
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gpuconv.errors import ArgumentError
from gpuconv.io.source import Layout

__all__ = ["Multiscales", "letter", "multiscales", "stored_letters", "written"]

_VERSION = "0.5"
#: Types of axes by their letters, in the order that the specification demands.
_TYPES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}


@dataclass(frozen=True)
class Multiscales:
    """The pictures of a pyramid, and what is said of them.

    Attributes
    ----------
    paths : tuple of str
        Of the levels' arrays in the group, the full one first.
    letters : str
        One for each axis, as they are stored; "" where the file names none.
    described : dict
        What is kept when the image is filtered: axes with units, scales, dyes.
    """

    paths: tuple[str, ...]
    letters: str = ""
    described: dict[str, Any] = field(default_factory=dict)

    def at(self, level: int) -> str:
        """Return what is said of a level, as JSON; "" for nothing."""
        if not self.described:
            return ""
        transformations = self.described.get("transformations", [])
        own = transformations[level] if level < len(transformations) else []
        return json.dumps({**self.described, "transformations": own}, sort_keys=True)


def letter(name: object) -> str:
    """Return one letter for the name of an axis, "?" for one that says nothing here.

    Examples
    --------
    >>> letter("Y"), letter("channel"), letter("wavelength"), letter(None)
    ('y', 'c', '?', '?')
    """
    name = str(name or "?").lower()
    known = {"channel": "c", "channels": "c", "time": "t"}
    return known.get(name, name if len(name) == 1 else "?")


def multiscales(attributes: Mapping[str, Any]) -> Multiscales | None:
    """Return the pyramid that the attributes of a group describe, None for none.

    Examples
    --------
    >>> found = multiscales({"multiscales": [{"axes": ["y", "x"], "datasets": [{"path": "0"}]}]})
    >>> found.paths, found.letters
    (('0',), 'yx')
    """
    ome = attributes.get("ome", attributes)
    several = ome.get("multiscales") if isinstance(ome, Mapping) else None
    if not several:
        return None
    first = several[0]
    # Version 0.3 has names of axes, and earlier ones have always these.
    axes = first.get("axes", ["t", "c", "z", "y", "x"])
    axes = [axis if isinstance(axis, Mapping) else {"name": axis} for axis in axes]
    datasets = first["datasets"]
    described = {
        "axes": axes,
        "transformations": [one.get("coordinateTransformations", []) for one in datasets],
        "common": first.get("coordinateTransformations", []),
        "name": first.get("name", ""),
        "omero": ome.get("omero"),
    }
    letters = "".join(letter(axis["name"]) for axis in axes)
    return Multiscales(tuple(one["path"] for one in datasets), letters, described)


def stored_letters(layout: Layout) -> str:
    """Return the axes of a stored array: time, channels and space in the order demanded.

    Raises
    ------
    ArgumentError
        There are more axes than the specification has.

    Examples
    --------
    >>> import numpy as np
    >>> stored_letters(Layout((9, 20, 30, 3), np.dtype("u1"), (20, 30), "RGB"))
    'czyx'
    """
    joined = layout.channel_axis is not None
    lead = layout.axes[: len(layout.planes)]
    if not lead or "?" in lead:
        unknown = "tz" if joined else "tcz"
        if len(layout.planes) > len(unknown):
            raise ArgumentError(
                f"shape={layout.shape} has more axes than OME-Zarr, which has t, c, z, y and x"
            )
        lead = unknown[len(unknown) - len(layout.planes) :]
    if not joined:
        return lead + "yx"
    time = "t" if lead.startswith("t") else ""
    return time + "c" + lead[len(time) :] + "yx"


def written(layout: Layout, letters: str, sizes: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Return the attributes of a group that holds the levels of an image.

    Parameters
    ----------
    layout : Layout
        Of the full image.
    letters : str
        From `stored_letters`.
    sizes : sequence of (int, int)
        Rows and columns of all levels.

    Examples
    --------
    >>> import numpy as np
    >>> found = written(Layout((8, 8), np.dtype("u1"), (4, 4)), "yx", [(8, 8), (4, 4)])
    >>> found["ome"]["multiscales"][0]["datasets"][1]["coordinateTransformations"][0]
    {'type': 'scale', 'scale': [2.0, 2.0]}
    """
    known = json.loads(layout.metadata.ome) if layout.metadata.ome else {}
    axes = {letter(axis["name"]): axis for axis in known.get("axes", [])}
    if set(axes) != set(letters):
        known, axes = {}, {}
    pyramid = {
        "name": known.get("name", ""),
        "axes": [axes.get(one, _axis(one)) for one in letters],
        "datasets": [
            {"path": str(level), "coordinateTransformations": _placed(known, letters, level)}
            for level in range(len(sizes))
        ],
    }
    if len(sizes) > 1:
        pyramid["type"] = "mean"
    if known.get("common"):
        pyramid["coordinateTransformations"] = known["common"]
    ome = {"version": _VERSION, "multiscales": [pyramid]}
    if known.get("omero"):
        ome["omero"] = known["omero"]
    return {"ome": ome}


def _axis(one: str) -> dict[str, str]:
    return {"name": one, "type": _TYPES[one]} if one in _TYPES else {"name": one}


def _placed(known: Mapping[str, Any], letters: str, level: int) -> list[dict[str, Any]]:
    """Return where the pixels of a level lie: their distances, and the place of the first."""
    order = [letter(axis["name"]) for axis in known.get("axes", [])] or list(letters)
    given = {one["type"]: one.get(one["type"]) for one in known.get("transformations", [])}
    scales = dict(zip(order, given.get("scale") or [1.0] * len(order), strict=True))
    starts = dict(zip(order, given.get("translation") or [0.0] * len(order), strict=True))
    for one in "yx":
        # The first pixel of a level is the mean of 2**level, in whose middle it lies.
        starts[one] += (2**level - 1) / 2 * scales[one]
        scales[one] *= 2**level
    found: list[dict[str, Any]] = [{"type": "scale", "scale": [scales[one] for one in letters]}]
    if any(starts.values()):
        found.append({"type": "translation", "translation": [starts[one] for one in letters]})
    return found

"""A picture as a matplotlib chart, with its scale."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gpuconv.errors import MissingExtraError
from gpuconv.picture.cells import checked

__all__ = ["plot"]


def plot(weights: ArrayLike, title: str = "", axes: Any = None) -> Any:
    """Draw `weights` with matplotlib, with a colour bar; return the axes.

    Parameters
    ----------
    weights : array_like of shape (rows, columns)
        Weights; of complex ones the magnitude is shown.
    title : str, default ""
        Text above the picture.
    axes : matplotlib.axes.Axes, optional
        Where to draw; the default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Rows and columns along the axes, as in the array.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    ArgumentError, ArgumentTypeError
        The weights are not 2-D numbers.
    """
    shown = checked(weights)
    try:
        from matplotlib import pyplot
        from matplotlib.ticker import MaxNLocator
    except ImportError as error:
        raise MissingExtraError("matplotlib", "plot", "Kernel.plot") from error
    axes = pyplot.subplots(layout="constrained")[1] if axes is None else axes
    largest = float(np.abs(shown).max()) or 1.0
    mesh = axes.imshow(shown, cmap="RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest")
    bar = axes.figure.colorbar(mesh, ax=axes)
    # Half of a diverging bar says nothing about a kernel of one sign.
    low, high = min(float(shown.min()), 0.0), max(float(shown.max()), 0.0)
    if low < high:
        bar.ax.set_ylim(low, high)
    axes.set_title(title)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    return axes

"""NumPy's own files, read and written by regions."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO, Any

import numpy as np

from gpuconv.io.axes import guessed
from gpuconv.io.flat import FlatSink, FlatSource
from gpuconv.io.opener import named
from gpuconv.io.partial import Partial
from gpuconv.io.source import Layout

__all__ = ["NpySink", "NpySource"]


class NpySource(FlatSource):
    """A ``.npy`` file.

    Parameters
    ----------
    path : Path
    axes : str or None
        A letter for each axis; see :func:`gpuconv.open_image`.

    Raises
    ------
    ImageFileError
        The file is damaged, or holds no numbers that can be filtered.
    ArgumentError
        `axes` does not fit.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/a.npy", np.arange(12).reshape(3, 4))
    ...     with NpySource(Path(folder, "a.npy")) as source:
    ...         source[1:, ::-2].tolist()
    [[7, 5], [11, 9]]
    """

    def __init__(self, path: Path, *, axes: str | None = None) -> None:
        with named(path, "read"), open(path, "rb") as file:
            shape, fortran, dtype = _header(file)
            offset = file.tell()
            if len(shape) < 2:
                raise ValueError(f"an array of shape {shape} is no image")
        super().__init__(path, shape, dtype, offset, guessed(shape, axes), fortran=fortran)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    # 3.0 differs from 2.0 for names of fields alone, and an image has no fields.
    return np.lib.format.read_array_header_2_0(file)


class NpySink(FlatSink):
    """A ``.npy`` file that is written in its place in the folder of the unfinished.

    Parameters
    ----------
    layout, partial
        As for :class:`~gpuconv.io.sink.Sink`.
    """

    def __init__(self, layout: Layout, partial: Partial) -> None:
        header = io.BytesIO()
        described = {
            "descr": np.lib.format.dtype_to_descr(layout.dtype),
            "fortran_order": False,
            "shape": layout.shape,
        }
        np.lib.format.write_array_header_1_0(header, described)
        super().__init__(layout, partial, header.getvalue())

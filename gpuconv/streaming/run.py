"""Filter images that no memory holds, from files to files."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Literal

from gpuconv.streaming.crew import Devices
from gpuconv.streaming.ends import SinkLike, SourceLike, created
from gpuconv.streaming.plan import StreamPlan
from gpuconv.streaming.profile import check_profile, write_profile
from gpuconv.streaming.record import Record
from gpuconv.streaming.setup import FilterLike, chain_of, set_up
from gpuconv.streaming.summary import StreamSummary
from gpuconv.streaming.work import Stop, Work, reader_of, unbegun

__all__ = ["plan_stream", "stream"]


def stream(
    source: SourceLike,
    sink: SinkLike,
    filter: FilterLike,
    *,
    border: Any = None,
    cval: float = 0,
    negative: str = "clip",
    gain: float = 1,
    device: Devices = None,
    memory: int | str | None = None,
    gpu_memory: int | str | None = None,
    tile: int | tuple[int, int] | None = None,
    alpha: Literal["premultiply", "straight"] = "premultiply",
    linear: bool = False,
    grey: bool = False,
    compression: str | None = None,
    pyramid: bool = False,
    overwrite: bool = False,
    resume: bool = True,
    missing: Literal["error", "fill"] = "error",
    salvage: bool = False,
    retries: int = 3,
    progress: Callable[[Record], None] | None = None,
    stop: Stop | None = None,
    profile: str | os.PathLike[str] | None = None,
) -> StreamSummary:
    """Filter an image from file to file, tile by tile: it may be larger than memory.

    The result has the bits that filtering the whole image at once would give, at every seam and for
    every border. Tiles are read, filtered and written at the same time, in bounded memory.

    Parameters
    ----------
    source : path-like, Source or ndarray
        The image: a file that :func:`gpuconv.open_image` opens, or what it returned. Pictures along
        leading axes are filtered one by one.
    sink : path-like, Sink or ndarray
        Where the result goes, in the format of its suffix; or an array of the result's shape.
    filter : str, Filter, Kernel, Chain, or list of these
        As on the command line, ``"gaussian:sigma=5"``; several in one pass over the file.
    border, cval, negative, gain
        As for :class:`gpuconv.Chain`; not beside a chain, which has its own.
    device : str or list of str, default "cpu"
        "cpu", "auto" (a GPU if there is one), "cuda", "cuda:N"; several GPUs share the tiles.
    memory, gpu_memory : int or str, optional
        Bytes, or text like "512M": what the process may take, and tiles on each GPU. By default
        half of what is free. Arrays of the caller's are not counted.
    tile : int or (int, int), optional
        Rows and columns of tiles, made up to whole chunks of the output. By default chosen.
    alpha, linear, grey
        As for :meth:`gpuconv.Image.map`.
    compression, pyramid, overwrite
        As for :func:`gpuconv.create_image`.
    resume : bool, default True
        Go on with what an interrupted call like this one left; else begin anew.
    missing : {"error", "fill"}
        As for :func:`gpuconv.open_image`.
    salvage : bool, default False
        Put `cval` where the source cannot be read, and say so in the summary.
    retries : int, default 3
        How many times more a read is tried that failed for a reason that may pass.
    progress : callable, optional
        Is given the :class:`Record` about twenty times a second, in the caller's thread.
    stop : optional
        Has ``is_set()``; once it is set, tiles at work are finished and no more are started.
    profile : path-like, optional
        Where a timeline is written, a name that ends in .json.

    Returns
    -------
    StreamSummary

    Raises
    ------
    StreamError
        Regions of the source could not be read (all others are done), or the output could not be
        written. What was done is kept beside the output's place, and the same call goes on with it;
        nothing was put in the output's place.
    ArgumentError, ArgumentTypeError
        An argument is not allowed, the filter needs the whole image, or no tile fits into memory.
    ImageFileError
        The source cannot be opened, or the sink not be created.
    DeviceError
        The device cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> image = np.arange(48, dtype=np.uint8).reshape(6, 8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/in.npy", image)
    ...     summary = stream(f"{folder}/in.npy", f"{folder}/out.npy", "gaussian:sigma=1")
    ...     result = np.load(f"{folder}/out.npy")
    >>> summary.status, summary.pixels
    ('done', 48)
    >>> from gpuconv.filters import Chain
    >>> bool((result == Chain.parse(["gaussian:sigma=1"])(image)).all())
    True
    """
    place = None if profile is None else check_profile(profile)
    chain = chain_of(filter, border=border, cval=cval, negative=negative, gain=gain)
    with ExitStack() as stack:
        setup = set_up(stack, source, chain, device, missing, alpha, linear, grey)
        stored = {"compression": compression, "pyramid": pyramid, "overwrite": overwrite}
        key = setup.key(salvage=salvage, missing=missing)
        output = created(sink, setup.layout, key, resume, **stored)
        if output is not sink:
            stack.callback(output.close)
        with unbegun(output):
            plan = setup.plan(output.layout, memory, gpu_memory, tile, output.finish_bytes)
            reader = reader_of(setup, plan, retries, chain.cval if salvage else None)
        stack.callback(reader.close)
        work = Work(setup, plan, output, reader)
        try:
            return work.carried_out(progress, stop)
        finally:
            if place is not None:
                write_profile(work.record, place, chain.spec)


def plan_stream(
    source: SourceLike,
    filter: FilterLike,
    *,
    border: Any = None,
    cval: float = 0,
    negative: str = "clip",
    gain: float = 1,
    device: Devices = None,
    memory: int | str | None = None,
    gpu_memory: int | str | None = None,
    tile: int | tuple[int, int] | None = None,
    alpha: Literal["premultiply", "straight"] = "premultiply",
    linear: bool = False,
    grey: bool = False,
    missing: Literal["error", "fill"] = "error",
) -> StreamPlan:
    """Return what :func:`stream` would do, touching nothing; its arguments are the same.

    Returns
    -------
    StreamPlan
        For an output of the chunks that are asked for; a format may have others.

    Examples
    --------
    >>> import numpy as np
    >>> plan = plan_stream(np.zeros((600, 800), np.uint8), "gaussian:sigma=5", memory="256M")
    >>> plan.count, plan.grid.tile
    (2, (512, 800))
    """
    chain = chain_of(filter, border=border, cval=cval, negative=negative, gain=gain)
    with ExitStack() as stack:
        setup = set_up(stack, source, chain, device, missing, alpha, linear, grey)
        return setup.plan(setup.layout, memory, gpu_memory, tile)

"""Any part of what a chain makes of any image has the bits of the whole."""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from unittest import mock

import cuda_on_cpu
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import gpuconv as gc
from gpuconv import backends
from gpuconv.backends.cuda import runtime
from gpuconv.backends.host.threads import VARIABLE, share_cores
from gpuconv.border import MODES
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.filters.chain import Chain
from gpuconv.streaming.parts import Parts

Array = NDArray[Any]
Run = tuple[int, int]

LAW = settings(derandomize=True, deadline=None)

#: Each algorithm of each engine, with and without halos, banks, and windows of every kind.
LINEAR = [
    "gaussian:sigma=1",
    "gaussian:sigma=6",
    "gaussian:sigma=30",
    "gaussian:sigma=2,order=1",
    "box:size=3",
    "box:height=4,width=61",
    "disk:radius=5",
    "disk:radius=30",
    "motion_blur:length=31,angle=30",
    "gabor:frequency=0.1",
    "gabor:frequency=0.1,angle=30,part=complex",
    "laplacian_of_gaussian:sigma=3",
    "identity",
    "unsharp:sigma=2",
]
OTHERS = [
    "unsharp_mask:sigma=2,amount=1.5,threshold=0.05",
    "sobel",
    "roberts",
    "gradient_magnitude:sigma=2",
    "median:size=3",
    "median:size=31",
    "median:footprint=disk(radius=4)",
    "maximum:size=70",
    "rank:rank=2,size=4",
    "percentile:percentile=30,size=7",
    "bilateral:sigma_color=30,diameter=9",
    "nl_means:h=20,search_distance=3,patch_size=3",
]
DTYPES = ["uint8", "uint16", "int16", "int32", "int64", "float16", "float32", "float64"]
#: Beside tame numbers: those that cancel, and those that infect or overflow sums.
FLOATS = ["tame", "tame", "cancelling", "infected"]


def pixels(shape: tuple[int, ...], dtype: str, kind: str, seed: int) -> Array:
    """Return noise of a dtype."""
    rng, exact = np.random.default_rng(seed), np.dtype(dtype)
    if exact.kind != "f":
        limits = np.iinfo(exact)
        low, high = max(limits.min, -(2**40)), min(limits.max, 2**40)
        return rng.integers(low, high, shape, exact, endpoint=True)
    noise = 50 * rng.standard_normal(shape)
    if kind == "cancelling":
        noise *= 10.0 ** rng.integers(-3, 3, shape)
    image = noise.astype(exact)
    if kind == "infected":
        wild = [np.nan, np.inf, -np.inf, np.finfo(exact).max, np.finfo(exact).min]
        image.flat[rng.integers(0, image.size, 3)] = rng.choice(wild, 3)
    return image


@st.composite
def chains(draw: st.DrawFn, lengths: tuple[int, int] = (1, 3)) -> Chain:
    """Return chains, for any border of rows and any of columns."""
    either = st.one_of(st.sampled_from(LINEAR), st.sampled_from(OTHERS))
    filters = draw(st.lists(either, min_size=lengths[0], max_size=lengths[1]))
    borders = draw(st.tuples(*[st.sampled_from(sorted(MODES))] * 2))
    cval = draw(st.sampled_from([0, 1, -7.5, 300, 1e9, np.inf, np.nan]))
    gain = draw(st.sampled_from([1, 1, 1, -2]))
    negative = draw(st.sampled_from(["clip", "clip", "abs", "offset"]))
    try:
        return Chain.parse(filters, border=borders, cval=cval, gain=gain, negative=negative)
    except ArgumentError:
        return Chain.parse(filters, border=borders, cval=cval)


#: Less than any halo; long and thin; and of several tiles along either axis.
SHAPES = st.one_of(
    st.tuples(st.integers(1, 20), st.integers(1, 20)),
    st.tuples(st.integers(1, 600), st.integers(1, 12)),
    st.tuples(st.integers(1, 12), st.integers(1, 2500)),
    st.tuples(st.integers(100, 400), st.integers(100, 700)),
)
CHANNELS = st.sampled_from([(), (), (1,), (3,)])


def runs(length: int) -> st.SearchStrategy[Run]:
    """Return runs of at least one pixel of an axis."""
    two = st.tuples(st.integers(0, length - 1), st.integers(0, length - 1))
    return two.map(lambda ends: (min(ends), max(ends) + 1))


def pieces(length: int) -> st.SearchStrategy[list[Run]]:
    """Return up to three runs that make up an axis."""
    cuts = st.sets(st.integers(0, length - 1), max_size=2)
    return cuts.map(lambda at: list(pairwise([0, *sorted(at - {0}), length])))


def filtered(chain: Chain, image: Array, device: str = "cpu") -> Array:
    """Return the whole image filtered; examples that the chain refuses are no examples."""
    engine = backends.select(None, device)
    try:
        # There as it lies here, channels last: planes are summed in another order.
        return np.asarray(engine.asnumpy(chain(engine.asarray(image))))
    except (ArgumentError, ArgumentTypeError):
        assume(False)
        raise


def made(parts: Parts, image: Array, rows: Run, columns: Run, device: str = "cpu") -> Array:
    """Return a part, from copies of windows on the device where parts are made."""
    engine = backends.select(None, device)
    job = parts.job(rows, columns)
    windows = [engine.asarray(parts.read(leaf, image).copy()) for leaf in job.leaves]
    part = parts.make(job, rows, columns, windows)
    assert engine.owns(part)
    return np.asarray(engine.asnumpy(part))


def check(part: Array, whole: Array) -> None:
    """Raise unless all bits are equal; those of NaN, which have many forms, need not be."""
    assert part.dtype == whole.dtype
    assert part.shape == whole.shape
    if part.dtype.kind == "f":
        part, whole = (np.where(np.isnan(each), np.nan, each) for each in (part, whole))
        part, whole = (each.astype(part.dtype) for each in (part, whole))
    assert part.tobytes() == whole.tobytes()


def check_parts(chain: Chain, image: Array, regions: list[tuple[Run, Run]], device: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of overflows, for the whole as for parts
        whole = filtered(chain, image, device)
        parts = Parts(chain, image.shape, image.dtype, device)
        for rows, columns in regions:
            part = made(parts, image, rows, columns, device)
            check(part, whole[slice(*rows), slice(*columns)])


@settings(LAW, max_examples=120)
@given(st.data())
def test_any_part_of_any_chain_is_that_of_the_whole(data: st.DataObject) -> None:
    shape = data.draw(SHAPES) + data.draw(CHANNELS)
    dtype, kind = data.draw(st.sampled_from(DTYPES)), data.draw(st.sampled_from(FLOATS))
    image = pixels(shape, dtype, kind, data.draw(st.integers(0, 99)))
    chain = data.draw(chains())
    region = st.tuples(runs(shape[0]), runs(shape[1]))
    regions = data.draw(st.lists(region, min_size=2, max_size=3))
    check_parts(chain, image, regions, "cpu")


@settings(LAW, max_examples=60)
@given(st.data())
def test_the_parts_of_any_tiling_are_the_whole(data: st.DataObject) -> None:
    shape = data.draw(SHAPES) + data.draw(CHANNELS)
    image = pixels(shape, data.draw(st.sampled_from(["uint8", "float32"])), "cancelling", 5)
    chain = data.draw(chains((1, 2)))
    whole = filtered(chain, image)
    parts, found = Parts(chain, shape, image.dtype), np.empty_like(whole)
    down, across = data.draw(pieces(shape[0])), data.draw(pieces(shape[1]))
    for rows in down:
        for columns in across:
            found[slice(*rows), slice(*columns)] = made(parts, image, rows, columns)
    check(found, whole)


@pytest.fixture
def gpu() -> Iterator[str]:
    """What ``device=`` takes for a GPU; the CPU stands in, its memory apart."""
    names = [device.name for device in gc.devices() if device.available and device.name != "cpu"]
    if names:
        yield names[0]
        return
    if reason := cuda_on_cpu.missing():
        pytest.skip(reason)
    with runtime.use(cuda_on_cpu.ApartRuntime("fast", orders=("forward",))):
        yield "cuda"


def test_any_part_on_the_gpu_is_that_of_the_whole(gpu: str) -> None:
    small = st.tuples(st.integers(1, 40), st.integers(1, 90))

    @settings(LAW, max_examples=12)  # nearly each is a program to compile
    @given(st.data())
    def law(data: st.DataObject) -> None:
        shape = data.draw(small) + data.draw(CHANNELS)
        dtype = data.draw(st.sampled_from(["uint8", "uint16", "float32"]))
        image = pixels(shape, dtype, "tame", data.draw(st.integers(0, 99)))
        border = data.draw(st.sampled_from(sorted(MODES)))
        filters = data.draw(st.lists(st.sampled_from(LINEAR + OTHERS), min_size=1, max_size=2))
        gain = data.draw(st.sampled_from([1, 1, 3]))
        chain = Chain.parse(filters, border=border, gain=gain)
        region = st.tuples(runs(shape[0]), runs(shape[1]))
        check_parts(chain, image, data.draw(st.lists(region, min_size=1, max_size=2)), gpu)

    law()


# ---------------------------------------------------------------- who makes them, and where

#: Its transforms, and so the bits of its results, are others for one thread than for two.
THREADED = Chain.parse(["disk:radius=30"])
NOISE = pixels((440, 1348), "float32", "tame", 1)
REGION = (100, 300), (200, 1000)


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "2")


@pytest.mark.usefixtures("two_threads")
def test_parts_are_those_of_the_plan_whoever_makes_them() -> None:
    whole = THREADED(NOISE)
    parts = Parts(THREADED, NOISE.shape, NOISE.dtype)
    with mock.patch.dict(os.environ, {VARIABLE: "1"}):
        assert (THREADED(NOISE) != whole).any()
        part = made(parts, NOISE, *REGION)
    check(part, whole[slice(*REGION[0]), slice(*REGION[1])])


@pytest.mark.usefixtures("two_threads")
def test_parts_that_travelled_are_those_of_the_plan() -> None:
    whole = THREADED(NOISE)
    parts = Parts(THREADED, NOISE.shape, NOISE.dtype)
    with mock.patch.dict(os.environ, {VARIABLE: "1"}):
        part = made(pickle.loads(pickle.dumps(parts)), NOISE, *REGION)
    check(part, whole[slice(*REGION[0]), slice(*REGION[1])])


def test_parts_of_one_thread_among_several_are_those_of_the_plan() -> None:
    parts = Parts(THREADED, NOISE.shape, NOISE.dtype)
    whole = THREADED(NOISE)
    try:
        share_cores(2)
        part = made(parts, NOISE, *REGION)
    finally:
        share_cores(1)
    check(part, whole[slice(*REGION[0]), slice(*REGION[1])])


# ---------------------------------------------------------------- what is read, and what refused


@pytest.mark.parametrize("border", ["reflect", "constant"])
def test_halos_of_a_chain_add_up(border: str) -> None:
    chain = Chain.parse(["box:size=3", "box:size=5", "median:size=7"], border=border)
    parts = Parts(chain, (4096, 20000), np.dtype(np.uint8))
    [leaf] = parts.job((2048, 2050), (1024, 1030)).leaves
    [(top, bottom)], [(left, right)] = leaf.high.runs, leaf.wide.runs
    assert top <= 2048 - 6
    assert bottom >= 2050 + 6
    assert left <= 1024 - 6
    assert right >= 1030 + 6
    # Parts in between grow to the engine's tiles, and no further.
    assert bottom - top < 1024
    assert right - left < 10000


def test_a_part_at_the_far_end_reads_both_ends_of_a_torus() -> None:
    parts = Parts(Chain.parse(["box:size=5"], border="wrap"), (50, 60), np.dtype(np.uint8))
    [leaf] = parts.job((0, 50), (0, 60)).leaves
    assert leaf.window == (54, 64)
    assert leaf.high.runs == ((0, 50),)


@pytest.mark.parametrize(
    "name", ["canny:low_threshold=1,high_threshold=2", "wiener:psf=box", "richardson_lucy:psf=box"]
)
def test_what_needs_the_whole_image_says_so(name: str) -> None:
    with pytest.raises(ArgumentError, match="needs the whole image at once"):
        Parts(Chain.parse([name]), (64, 64), np.dtype(np.uint8))


def test_non_local_means_need_the_noise_of_the_whole_image() -> None:
    with pytest.raises(ArgumentError, match="h"):
        Parts(Chain.parse(["nl_means"]), (64, 64), np.dtype(np.uint8))


def test_memory_grows_with_the_part_and_is_never_below_its_pixels() -> None:
    chain = Chain.parse(["gaussian:sigma=5", "median:size=3"])
    parts = Parts(chain, (65536, 65536), np.dtype(np.uint8))
    peaks = [parts.peak(parts.job((0, n), (0, n))) for n in (512, 1024, 2048, 4096)]
    assert peaks == sorted(peaks)
    assert all(peak > 2 * n * n for peak, n in zip(peaks, (512, 1024, 2048, 4096), strict=True))

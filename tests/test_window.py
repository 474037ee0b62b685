"""A window stands for its image: what the library makes of it is a part of the whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import gpuconv as gc
from gpuconv.backends import host
from gpuconv.bank import Bank
from gpuconv.border import FILL, MODES, source_index
from gpuconv.errors import ArgumentError
from gpuconv.operations.planning import plans as plans_of
from gpuconv.task import Task
from gpuconv.tiling import Axis, axis
from gpuconv.window import PARTS, Window, gather, held, indices, needs, own

Array = NDArray[Any]
Run = tuple[int, int]

LAW = settings(derandomize=True, deadline=None)
BORDERS = st.sampled_from(sorted(MODES))
STEPS = st.tuples(st.integers(1, 4), st.integers(1, 4))


@st.composite
def axes(draw: st.DrawFn) -> Axis:
    """Return axes of kernels of any size, anchor, stride and dilation over few pixels."""
    taps = draw(st.integers(1, 12))
    given = draw(st.integers(0, taps - 1)), "same", draw(st.integers(1, 4)), draw(st.integers(1, 4))
    return axis(draw(st.integers(1, 30)), taps, *given)


@settings(LAW, max_examples=300)
@given(axes(), BORDERS, st.data())
def test_a_window_has_every_pixel_that_is_read_where_it_stands(
    one: Axis, mode: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, one.out - 1))
    stop = data.draw(st.integers(start + 1, one.out))
    found = needs((one,), mode, start, stop)
    read = np.concatenate([np.arange(*run) for run in found.runs])
    pixels = read if found.order is None else read[indices(found.order)]
    assert found.size == len(pixels)
    assert found.read == len(read) == len(set(read))
    for output in range(start, stop):
        first = one.offset + one.stride * output
        places = np.arange(first, first + one.footprint, one.dilation)
        expected = source_index(mode, range(places.min(), places.max() + 1), one.n)
        expected = expected[:: one.dilation]
        for place, pixel in zip(places, expected, strict=True):
            if pixel != FILL:
                assert pixels[place - found.origin] == pixel


@settings(LAW, max_examples=100)
@given(axes(), axes(), BORDERS, st.data())
def test_a_window_for_several_filters_has_what_each_of_them_reads(
    one: Axis, other: Axis, mode: str, data: st.DataObject
) -> None:
    other = axis(one.n, other.taps, 0)
    stop = data.draw(st.integers(1, min(one.out, other.out)))
    together = needs((one, other), mode, 0, stop)
    for alone in (needs((each,), mode, 0, stop) for each in (one, other)):
        assert together.origin <= alone.origin
        assert together.origin + together.size >= alone.origin + alone.size


def test_runs_are_read_once_and_in_rising_order() -> None:
    found = needs((axis(10, 25, 12),), "reflect", 0, 10)
    assert found.runs == ((0, 10),)
    assert found.size == 34


@pytest.mark.parametrize("channels", [(), (3,)])
def test_gathered_pixels_are_those_of_a_padded_image(channels: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (9, 11, *channels), np.uint8)
    padded = np.pad(image, ((4, 4), (4, 4), *[(0, 0)] * len(channels)), mode="wrap")
    down, across = (needs((axis(n, 9, 4),), "wrap", 0, n) for n in image.shape[:2])
    found = gather(down, across, lambda y, x: image[slice(*y), slice(*x)])
    np.testing.assert_array_equal(found, padded)


# ---------------------------------------------------------------- given to the library's functions


def window(plans: tuple[Task, ...], image: Array, rows: Run, columns: Run) -> Window:
    """Return the window from which a part of what plans make of an image is made."""
    mode_y, mode_x = plans[0].border
    down = needs(tuple(plan.y for plan in plans), mode_y, *rows)
    across = needs(tuple(plan.x for plan in plans), mode_x, *columns)
    pixels = gather(down, across, lambda y, x: image[slice(*y), slice(*x)].copy())
    return Window(pixels, image.shape, rows, columns, (down.origin, across.origin))


def parts(draw: st.DataObject, grain: tuple[int, int], size: tuple[int, int]) -> list[Run]:
    """Return a run of rows and one of columns that begin and end on a grid, or with the image."""
    ends = []
    for step, length in zip(grain, size, strict=True):
        cells = -(-length // step)
        first = draw.draw(st.integers(0, cells - 1))
        last = draw.draw(st.integers(first + 1, cells))
        ends.append((first * step, min(last * step, length)))
    return ends


def images(draw: st.DataObject) -> Array:
    """Return noise of any shape and dtype, some of it infected."""
    small = st.tuples(st.integers(1, 24), st.integers(1, 24))
    large = st.tuples(st.integers(140, 300), st.integers(50, 600))
    shape = draw.draw(st.one_of(small, large)) + draw.draw(st.sampled_from([(), (), (2,)]))
    dtype = draw.draw(st.sampled_from(["uint8", "int16", "int64", "float16", "float32", "float64"]))
    image = (60 * np.random.default_rng(len(shape)).standard_normal(shape)).astype(dtype)
    if image.dtype.kind == "f" and draw.draw(st.booleans()):
        image.flat[draw.draw(st.integers(0, image.size - 1))] = np.nan
        image.flat[draw.draw(st.integers(0, image.size - 1))] = np.inf
    return image


KERNELS = {
    "full rank": gc.Kernel(np.random.default_rng(1).standard_normal((5, 8))),
    "integers": gc.Kernel(np.random.default_rng(2).integers(-9, 9, (7, 4)), divisor=7).anchored(
        6, 0
    ),
    "large": gc.Kernel(np.random.default_rng(3).standard_normal((41, 53))),
    "gaussian": gc.kernels.gaussian(4),
    "wide gaussian": gc.kernels.gaussian(15),
    "box": gc.kernels.box(21),
    "complex": gc.kernels.gabor(0.1, part="complex"),
    "one weight": gc.Kernel([[-2.0]]),
}


def around(draw: st.DataObject, image: Array) -> dict[str, Any]:
    """Return a border and the channels' axis."""
    return {
        "border": (draw.draw(BORDERS), draw.draw(BORDERS)),
        "cval": draw.draw(st.sampled_from([0, 3, -5])),
        "channel_axis": -1 if image.ndim == 3 else None,
    }


def steps(draw: st.DataObject) -> dict[str, Any]:
    """Return strides, dilations and the size of the output."""
    return {
        "stride": draw.draw(STEPS),
        "dilation": draw.draw(STEPS),
        "size": draw.draw(st.sampled_from(["same", "same", "full", "valid"])),
    }


def check(call: Callable[[Any], Array], whole: Array, part: Window, lead: int = 0) -> None:
    found = call(part)
    expected = whole[(*[slice(None)] * lead, slice(*part.rows), slice(*part.columns))]
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@settings(LAW, max_examples=200)
@given(st.data())
def test_a_convolution_of_a_window_is_a_part_of_the_whole(data: st.DataObject) -> None:
    image, kernel = images(data), KERNELS[data.draw(st.sampled_from(sorted(KERNELS)))]
    options: dict[str, Any] = around(data, image)
    if data.draw(st.booleans()):
        options |= steps(data)
    else:
        options |= {"accuracy": data.draw(st.sampled_from(["exact", "fast"]))}
    if not kernel.complex:
        options["nan"] = data.draw(st.sampled_from(["propagate", "ignore"]))
        if data.draw(st.booleans()):
            options["epilogue"] = gc.Epilogue(scale=-2, offset=3, high=50)
    options["method"] = data.draw(st.sampled_from(["auto", "dense", "fft"]))
    kinds = [kernel.real, kernel.imag] if kernel.complex else [kernel]
    try:
        plans = [gc.plan(image.shape, image.dtype, each, **options) for each in kinds]
    except ArgumentError:  # the kernel is larger than the image, or there is no such method for it
        assume(False)
    if kernel.complex:
        options["dtype"] = np.complex128
    with np.errstate(all="ignore"):
        whole = gc.convolve(image, kernel, **options)
        grain = np.lcm(*(host.grain((plan,)) for plan in (plans[0], plans[-1])))
        part = window(tuple(plans), image, *parts(data, tuple(grain.tolist()), whole.shape[:2]))
        check(lambda of: gc.convolve(of, kernel, **options), whole, part)


@settings(LAW, max_examples=60)
@given(st.data())
def test_a_bank_over_a_window_is_a_part_of_the_whole(data: st.DataObject) -> None:
    image, options = images(data), steps(data)
    options |= around(data, image) | {"size": "same"}
    kernels = [KERNELS["full rank"], KERNELS["gaussian"]]
    reduce = data.draw(st.sampled_from([None, "magnitude", "max", "sum", "direction"]))
    plans = tuple(gc.plan(image.shape, image.dtype, each, **options) for each in kernels)
    with np.errstate(all="ignore"):
        whole = gc.filter_bank(image, kernels, reduce=reduce, **options)
        lead = 0 if reduce else 1
        size = whole.shape[lead : lead + 2]
        part = window(plans, image, *parts(data, host.grain(plans), size))
        check(lambda of: gc.filter_bank(of, kernels, reduce=reduce, **options), whole, part, lead)


NEIGHBOURS: dict[str, dict[str, Any]] = {
    "median": {"size": (7, 4)},
    "minimum": {"size": 21},
    "maximum": {"footprint": [[0, 1, 0], [1, 1, 1]], "anchor": (0, 0)},
    "percentile": {"percentile": 20, "size": 5},
    "bilateral": {"sigma_color": 20, "diameter": 7},
    "nl_means": {"h": 9, "search_distance": 2, "patch_size": 3},
}


@settings(LAW, max_examples=100)
@given(st.data())
def test_a_neighbourhood_filter_of_a_window_is_a_part_of_the_whole(data: st.DataObject) -> None:
    image, name = images(data), data.draw(st.sampled_from(sorted(NEIGHBOURS)))
    arguments = NEIGHBOURS[name] | around(data, image)
    arguments["cval"] = 3  # a pixel of all dtypes
    function = getattr(gc, name)
    with np.errstate(all="ignore"):
        whole = function(image, **arguments)
        plans = plans_of(name, image.shape, image.dtype, **arguments)
        part = window(plans, image, *parts(data, host.grain(plans), whole.shape[:2]))
        check(lambda of: function(of, **arguments), whole, part)


def test_a_part_can_be_written_into_the_output_that_it_is_of() -> None:
    image = np.random.default_rng(4).integers(0, 256, (300, 400), np.uint8)
    kernel, whole = gc.kernels.gaussian(3), np.zeros((300, 400), np.uint8)
    [plan] = [gc.plan(image.shape, image.dtype, kernel)]
    rows = (0, host.grain((plan,))[0])
    part = window((plan,), image, rows, (0, 400))
    target = whole[slice(*rows)]
    assert gc.convolve(part, kernel, out=target) is target
    expected = gc.convolve(image, kernel)
    np.testing.assert_array_equal(target, expected[slice(*rows)])
    assert not whole[rows[1] :].any()


def test_a_window_is_weighed_by_a_mask_of_its_own_pixels() -> None:
    rng = np.random.default_rng(6)
    image, mask = rng.random((300, 400)), rng.random((300, 400)) > 0.2
    kernel = gc.kernels.gaussian(3)
    plan = gc.plan(image.shape, image.dtype, kernel, masked=True)
    region = (0, host.grain((plan,))[0]), (0, 400)
    part, counts = (window((plan,), each, *region) for each in (image, mask))
    found = gc.convolve(part, kernel, mask=counts.pixels)
    expected = gc.convolve(image, kernel, mask=mask)
    np.testing.assert_array_equal(found, expected[slice(*region[0])])


def test_what_a_window_says_of_itself_is_said_of_its_image() -> None:
    image = np.arange(60).reshape(5, 4, 3).astype(np.uint8)
    part = Window(image[1:4], (5, 4, 3), (2, 3), (0, 4), (1, 0))
    assert part.ndim == 3
    assert part.channel_axis == -1
    assert part.dtype == np.uint8
    np.testing.assert_array_equal(own(part), image[2:3])
    assert held(part) is part.pixels
    assert held(image) is own(image) is image


def test_windows_that_are_read_alike_have_one_plan() -> None:
    plan = gc.plan((100, 100), np.uint8, gc.kernels.box(3))
    bank = Bank((plan, plan), None, gc.Epilogue(), plan.out_dtype)

    def window(top: int, height: int) -> Window:
        pixels = np.zeros((height + 2, 100), np.uint8)
        return Window(pixels, (100, 100), (top, top + height), (0, 100), (top - 1, 0))

    parts = [plan.part(window(top, 10)) for top in (10, 20, 70)]
    assert parts[0] is parts[1] is parts[2]
    banks = [bank.part(window(top, 10), ()) for top in (10, 20)]
    assert banks[0] is banks[1]
    for height in range(1, 80):
        plan.part(window(10, height))
    assert len(plan._parts) == PARTS

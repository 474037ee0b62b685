"""What every engine must compute of filters that are no sums: against the definitions.

Ranks must be the very pixels. Means over pixels that are alike must be within one level of the
definition in integers, and within NEAR of the range of pixels in floats.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import gpuconv as gc
from gpuconv import dtypes, reference
from gpuconv.border import MODES
from gpuconv.neighbourhood import Bilateral, NonLocalMeans, Rank

Array = NDArray[Any]

REAL = [name for name, rule in dtypes.TABLE.items() if rule.real]
#: Of the range of pixels: what float32 and float64 sums of some hundred weighted pixels may lose.
NEAR = {"float16": 1e-3, "float32": 1e-5, "float64": 1e-12}

#: Calls of each form that an engine may run in its own way. A network of a large window takes g++
#: half a minute under the checker, so a window of 11×11 is sorted.
RANKS: dict[str, tuple[str, dict[str, Any]]] = {
    "median 3": ("median", {"size": 3}),
    "median 5": ("median", {"size": 5}),
    "median 4×3": ("median", {"size": (4, 3)}),
    "median 11": ("median", {"size": 11, "method": "sort"}),
    "rank": ("rank", {"rank": 5, "size": (2, 4)}),
    "quartile": ("percentile", {"percentile": 25, "size": (6, 3)}),
    "minimum": ("minimum", {"size": (5, 2)}),
    "maximum": ("maximum", {"size": 7, "anchor": (0, 6)}),
    "cross": ("median", {"footprint": [[0, 1, 0], [1, 1, 1], [0, 1, 0]]}),
    "aside": ("rank", {"rank": -2, "footprint": [[0, 0, 1, 1], [0, 0, 0, 1]], "anchor": (1, 0)}),
}
BILATERAL = {"diameter": 5, "sigma_color": 40.0}
NL_MEANS = {"patch_size": 3, "search_distance": 2, "h": 30.0, "sigma": 5.0}
ALIKE: dict[str, dict[str, Any]] = {"bilateral": BILATERAL, "nl_means": NL_MEANS}


def noisy(dtype: str, shape: tuple[int, ...]) -> Array:
    """Return blocks of two greys with noise, of values that every dtype holds."""
    rng = np.random.default_rng([1, *shape])
    blocks = np.add.outer(np.arange(shape[-2]) // 6, np.arange(shape[-1]) // 6) % 2
    pixels: Array = np.clip(40 + 60 * blocks + rng.normal(0, 9, shape), 0, 127)
    return pixels.astype(dtype)


def pixels_of(dtype: str, shape: tuple[int, ...]) -> Array:
    """Return pixels that use all of a dtype, many of them alike."""
    rng, kind = np.random.default_rng([2, *shape]), np.dtype(dtype)
    if kind.kind == "f":
        return rng.normal(size=shape).round(1).astype(kind)
    limits = np.iinfo(kind)
    pixels = rng.integers(limits.min, limits.max, shape, kind, endpoint=True)
    pixels[pixels % 3 == 0] = limits.max
    return pixels


def check_rank(engine: str, name: str, image: Array, **options: Any) -> Array:
    """Compare a rank filter of an image with the definition, and return it."""
    call, given = RANKS[name]
    found: Array = getattr(gc, call)(image, **given | options, device=engine)
    wanted = value_of(name)
    axis = options.pop("channel_axis", None)
    planes = image if axis is None else np.moveaxis(image, axis, 0)
    [options.pop(name, None) for name in ("out", "method")]
    exact = reference.rank(planes, wanted.footprint, wanted.index, anchor=wanted.anchor, **options)
    assert found.dtype == image.dtype.newbyteorder("=")
    np.testing.assert_array_equal(found, exact if axis is None else np.moveaxis(exact, 0, axis))
    return found


def value_of(name: str) -> Rank:
    """Return a rank filter as a value."""
    call, given = RANKS[name]
    shape = {key: value for key, value in given.items() if key != "method"}
    wanted: Rank = getattr(Rank, "of" if call == "rank" else call)(**shape)
    return wanted


def check_alike(engine: str, name: str, image: Array, **options: Any) -> Array:
    """Compare an average over pixels that are alike with the definition, and return it."""
    found: Array = getattr(gc, name)(image, **ALIKE[name], **options, device=engine)
    axis = options.pop("channel_axis", None)
    planes = image if axis is None else np.moveaxis(image, axis, -3)
    [options.pop(name, None) for name in ("out", "method", "dtype")]
    exact = defined(name, planes, joint=axis is not None, dtype="float64", **options)
    exact = exact if axis is None else np.moveaxis(exact, -3, axis)
    assert found.shape == exact.shape
    if found.dtype.kind in "iu":
        assert np.abs(found - exact).max(initial=0) <= 1
    else:
        bound = NEAR[found.dtype.name] * 128
        np.testing.assert_allclose(found.astype(float), exact, rtol=0, atol=bound)
    return found


def defined(name: str, image: Array, **options: Any) -> Array:
    """Return the definition of an average over pixels that are alike."""
    if name == "bilateral":
        wanted = Bilateral.of(**BILATERAL)  # type: ignore[arg-type]
        sizes = wanted.radius, wanted.sigma_color, wanted.sigma_space
        return reference.bilateral(image, *sizes, **options)
    means = NonLocalMeans.of(**NL_MEANS)  # type: ignore[arg-type]
    sides = means.patch_size, means.search_distance
    return reference.nl_means(image, *sides, means.h, means.sigma, **options)


# ------------------------------------------------------------------------ ranks


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("name", ["median 3", "rank", "minimum", "cross"])
def test_ranks_of_every_dtype(engine: str, name: str, dtype: str) -> None:
    check_rank(engine, name, pixels_of(dtype, (13, 21)))


@pytest.mark.parametrize("border", MODES)
@pytest.mark.parametrize("name", RANKS)
def test_ranks_at_every_border(engine: str, name: str, border: str) -> None:
    check_rank(engine, name, pixels_of("uint8", (19, 35)), border=border, cval=77)


@pytest.mark.parametrize("border", list(product(MODES, MODES)))
def test_ranks_at_pairs_of_borders(engine: str, border: tuple[str, str]) -> None:
    for name in ("median 5", "aside"):
        check_rank(engine, name, pixels_of("uint8", (7, 5)), border=border, cval=3)


SHAPES = [(1, 1), (1, 2), (2, 1), (1, 40), (40, 1), (3, 3), (5, 17), (16, 33), (33, 65)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["median 3", "median 11", "maximum"])
def test_ranks_of_ragged_and_tiny_images(engine: str, name: str, shape: tuple[int, int]) -> None:
    for dtype, border in product(("uint8", "float32"), ("wrap", "mirror")):
        check_rank(engine, name, pixels_of(dtype, shape), border=border)


@pytest.mark.parametrize("name", ["median 3", "median 11", "maximum", "cross"])
def test_a_nan_under_the_footprint_gives_nan(engine: str, name: str) -> None:
    image = pixels_of("float32", (12, 20))
    image[3, 4], image[9, 9], image[11, 19] = np.nan, np.inf, -np.inf
    found = check_rank(engine, name, image)
    assert np.isnan(found).any()


@pytest.mark.parametrize("method", ["extreme", "network", "histogram", "sort"])
def test_every_method_picks_the_same_pixels(engine: str, method: Any) -> None:
    able = [name for name in RANKS if can(engine, name, method)]
    assert able
    for name in able[:3]:
        check_rank(engine, name, pixels_of("uint8", (20, 40)), method=method)


def can(engine: str, name: str, method: str) -> bool:
    """Return whether an engine runs a rank filter by a method."""
    try:
        gc.plan((20, 40), "uint8", value_of(name), method=method, device=engine)
    except gc.ArgumentError:
        return False
    return True


def test_the_median_of_a_mask_is_a_mask(engine: str) -> None:
    mask = np.random.default_rng(3).random((20, 33)) < 0.5
    assert check_rank(engine, "median 5", mask, border="constant", cval=1).dtype == bool


# ------------------------------------------------------------------------ averages of what is alike


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("name", ALIKE)
def test_averages_of_every_dtype(engine: str, name: str, dtype: str) -> None:
    check_alike(engine, name, noisy(dtype, (13, 21)))


@pytest.mark.parametrize("border", MODES)
@pytest.mark.parametrize("name", ALIKE)
def test_averages_at_every_border(engine: str, name: str, border: str) -> None:
    for dtype in ("uint8", "float32"):
        check_alike(engine, name, noisy(dtype, (19, 35)), border=border, cval=77)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ALIKE)
def test_averages_of_ragged_and_tiny_images(engine: str, name: str, shape: tuple[int, int]) -> None:
    for dtype, border in (("uint8", ("wrap", "mirror")), ("float32", ("constant", "nearest"))):
        check_alike(engine, name, noisy(dtype, shape), border=border, cval=9)


@pytest.mark.parametrize("out", ["uint8", "int16", "float32", "float64"])
@pytest.mark.parametrize("name", ALIKE)
def test_averages_in_another_dtype(engine: str, name: str, out: str) -> None:
    for dtype in ("uint8", "float32"):
        found = check_alike(engine, name, noisy(dtype, (9, 14)), dtype=out)
        assert found.dtype == out


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("name", ALIKE)
def test_channels_are_averaged_together(engine: str, name: str, channels: int) -> None:
    for dtype in ("uint8", "float32"):
        check_alike(engine, name, noisy(dtype, (12, 15, channels)), channel_axis=-1)
    check_alike(engine, name, noisy("uint8", (2, channels, 9, 13)), channel_axis=1)


# ------------------------------------------------------------------------ how arrays lie


def check(engine: str, name: str, image: Array, **options: Any) -> Array:
    return (check_alike if name in ALIKE else check_rank)(engine, name, image, **options)


def laid(image: Array) -> dict[str, Array]:
    """Return the same pixels, lying in memory in other ways."""
    room = np.zeros((2 * image.shape[0], image.shape[1] + 7), image.dtype)
    room[::2, 3:-4] = image
    fixed = image.copy()
    fixed.flags.writeable = False
    return {
        "columns first": np.asfortranarray(image),
        "backwards": image[::-1, ::-1].copy()[::-1, ::-1],
        "apart": room[::2, 3:-4],
        "big-endian": image.astype(image.dtype.newbyteorder(">")),
        "read-only": fixed,
        "one row": np.broadcast_to(image[:1], image.shape),
    }


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("name", ["median 3", "maximum", *ALIKE])
def test_images_may_lie_in_any_way(engine: str, name: str, dtype: str) -> None:
    for image in laid(noisy(dtype, (14, 19))).values():
        check(engine, name, image)


@pytest.mark.parametrize("name", ["median 3", "median 11", "maximum", *ALIKE])
def test_batches_and_channel_axes(engine: str, name: str) -> None:
    check(engine, name, noisy("uint8", (2, 3, 9, 17)))
    for axis in (0, 1, 2, -1):
        shape = [11, 18]
        shape.insert(axis % 3, 3)
        check(engine, name, noisy("uint8", tuple(shape)), channel_axis=axis)
    check(engine, name, noisy("uint8", (2, 10, 12, 3)), channel_axis=-1, border="wrap")


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("name", ["median 3", "maximum", *ALIKE])
def test_results_go_where_they_are_told(engine: str, name: str, dtype: str) -> None:
    image = noisy(dtype, (23, 18))
    room = np.full((30, 40), 99, dtype)
    for out in (np.empty_like(image), room[4:27, 1:37:2], np.empty_like(image.T).T):
        assert check(engine, name, image, out=out) is out
    assert (room[:4] == 99).all()
    assert (room[4:27, 2:37:2] == 99).all()


@pytest.mark.parametrize("name", ["median 3", "maximum", *ALIKE])
def test_the_output_may_be_the_image_or_a_part_of_it(engine: str, name: str) -> None:
    image = noisy("uint8", (23, 18))
    wanted = check(engine, name, image)
    there = image.copy()
    call, given = RANKS.get(name, (name, ALIKE.get(name, {})))
    getattr(gc, call)(there, **given, out=there, device=engine)
    np.testing.assert_array_equal(there, wanted)
    room = np.zeros((24, 19), np.uint8)
    room[:-1, :-1] = image
    getattr(gc, call)(room[:-1, :-1], **given, out=room[1:, 1:], device=engine)
    np.testing.assert_array_equal(room[1:, 1:], wanted)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 7, 8), (2, 0, 3)])
@pytest.mark.parametrize("name", ["median 3", "maximum", *ALIKE])
def test_images_without_pixels_stay_so(engine: str, name: str, shape: tuple[int, ...]) -> None:
    call, given = RANKS.get(name, (name, ALIKE.get(name, {})))
    found = getattr(gc, call)(np.zeros(shape, np.uint8), **given, device=engine)
    assert (found.shape, found.dtype) == (shape, np.uint8)


@pytest.mark.parametrize("name", ["median 3", *ALIKE])
def test_what_has_no_order_is_refused(engine: str, name: str) -> None:
    call, given = RANKS.get(name, (name, ALIKE.get(name, {})))
    for dtype in ("complex64", "bool") if name in ALIKE else ("complex64",):
        with pytest.raises(gc.ArgumentTypeError, match=dtype):
            getattr(gc, call)(np.ones((4, 5), dtype), **given, device=engine)


# ------------------------------------------------------------------------ edges

SLOPES = [gc.kernels.sobel_x(), gc.kernels.sobel_y()]


def slopes(image: Array, **options: Any) -> Array:
    """Return the slopes along x and y by definition, on a new first axis."""
    return np.stack([reference.convolve(image, k, dtype="float64", **options) for k in SLOPES])


@pytest.mark.parametrize("border", MODES)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
def test_strength_and_direction_of_edges(engine: str, dtype: str, border: str) -> None:
    image = noisy(dtype, (19, 35))
    options: dict[str, Any] = {"border": border, "cval": 20}
    x, y = slopes(image, **options)
    found = gc.sobel(image, dtype="float64", **options, device=engine)
    np.testing.assert_allclose(found, np.hypot(x, y), rtol=1e-12, atol=1e-9)
    stored = gc.sobel(image, **options, device=engine)
    whole = np.clip(np.rint(np.hypot(x, y)), 0, 255) if dtype == "uint8" else np.hypot(x, y)
    off = 0.51 if dtype == "int16" else 1e-5 * whole.max()
    np.testing.assert_allclose(stored, whole, rtol=0, atol=off)
    angle = gc.sobel(image, "direction", dtype="float64", **options, device=engine)
    turn = np.angle(np.exp(1j * (angle - np.arctan2(y, x))))
    assert np.abs(turn[np.hypot(x, y) > 1e-3]).max() < 1e-6


@pytest.mark.parametrize("name", ["prewitt", "scharr", "roberts", "farid"])
def test_other_gradients_are_of_their_own_kernels(engine: str, name: str) -> None:
    image = noisy("float32", (2, 11, 18, 3))
    x, y = (
        np.moveaxis(part, -1, 1)
        for part in getattr(gc, name)(image, "components", channel_axis=-1, device=engine)
    )
    found = getattr(gc, name)(image, channel_axis=-1, device=engine)
    np.testing.assert_allclose(np.moveaxis(found, -1, 1), np.hypot(x, y), rtol=1e-5, atol=1e-4)

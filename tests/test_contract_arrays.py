"""What every engine must accept: any layout, batches, channels, empty axes, and `out`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

import gpuconv as gc
from gpuconv import reference
from gpuconv.errors import ArgumentError, ArgumentTypeError

DENSE = gc.Kernel([[1, -2, 3], [4, 5, -6]], anchor=(1, 0), divisor=3)
SEPARABLE = gc.Kernel.separable([1, 4, 6, 4, 1], [1, 0, 2, -1])
RNG = np.random.default_rng(5)

Array = NDArray[Any]


@pytest.fixture(params=[DENSE, SEPARABLE], ids=["dense", "separable"])
def kernel(request: pytest.FixtureRequest) -> Any:
    return request.param


def unaligned(array: Array) -> Array:
    """Return the array one byte off, so that no element is aligned."""
    room = np.zeros(array.nbytes + 1, np.uint8)
    view = room[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


def read_only(array: Array) -> Array:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def spaced(array: Array) -> Array:
    room = np.zeros((3 * array.shape[0], 2 * array.shape[1]), array.dtype)
    room[1::3, ::2] = array
    return room[1::3, ::2]


LAYOUTS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "rows backwards": lambda a: a[::-1],
    "all backwards": lambda a: a[::-1, ::-1],
    "transposed": lambda a: a.T,
    "crop": lambda a: a[3:-2, 5:-1],
    "every second": lambda a: a[::2, 1::3],
    "spaced": spaced,
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "unaligned": unaligned,
    "read-only": read_only,
    "one row again": lambda a: np.broadcast_to(a[0], a.shape),
    "one column again": lambda a: np.broadcast_to(a[:, :1], a.shape),
    "one pixel again": lambda a: np.broadcast_to(a[0, 0], a.shape),
    "windows": lambda a: as_strided(np.ascontiguousarray(a), (9, 12), (a.strides[1],) * 2),
    "subclass": np.matrix,
}


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64", "complex64"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_layouts(engine: str, kernel: gc.Kernel, layout: str, dtype: str) -> None:
    image = LAYOUTS[layout](RNG.integers(0, 100, (14, 21)).astype(dtype))
    plain = np.array(image, dtype, order="C", subok=False)
    expected = gc.convolve(plain, kernel, device=engine)
    found = gc.convolve(image, kernel, device=engine)
    assert type(found) is np.ndarray
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.asarray(image), plain)  # it was only read


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_layouts_of_kernels(engine: str, layout: str) -> None:
    weights = LAYOUTS[layout](RNG.normal(size=(14, 21)))
    image = RNG.normal(size=(30, 30))
    found = gc.convolve(image, weights, device=engine)
    np.testing.assert_array_equal(found, gc.convolve(image, np.array(weights), device=engine))


class Photo:
    """Something that NumPy can make an array of."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        return np.array([[1, 2, 3]], np.uint8)


@pytest.mark.parametrize("image", [[[1, 2, 3]], ((1, 2, 3),), [np.array([1, 2, 3])], Photo()])
def test_array_likes(engine: str, image: Any) -> None:
    found = gc.convolve(image, [[1, 1, 1]], device=engine)
    assert found.tolist() == [[4, 6, 8]]
    assert found.dtype == np.asarray(image).dtype


def test_files_in_memory(engine: str, kernel: gc.Kernel, tmp_path: Path) -> None:
    pixels = RNG.integers(0, 255, (20, 30)).astype(np.uint8)
    np.save(tmp_path / "image.npy", pixels)
    mapped = np.load(tmp_path / "image.npy", mmap_mode="r")
    out = np.lib.format.open_memmap(tmp_path / "out.npy", "w+", np.uint8, (20, 30))
    gc.convolve(mapped, kernel, out=out, device=engine)
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), gc.convolve(pixels, kernel))


@pytest.mark.parametrize("shape", [(3, 8, 9), (2, 3, 7, 8), (1, 2, 1, 5, 6), (70, 2, 2)])
def test_leading_axes_are_a_batch(engine: str, kernel: gc.Kernel, shape: tuple[int, ...]) -> None:
    batch = RNG.integers(0, 255, shape).astype(np.uint8)
    found = gc.convolve(batch, kernel, size="full", border="wrap", device=engine)
    np.testing.assert_array_equal(
        found, reference.convolve(batch, kernel, size="full", border="wrap")
    )


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -2, -3, -4, np.int64(2)])
@pytest.mark.parametrize("dtype", ["uint8", "complex64"])
def test_channels_anywhere(engine: str, kernel: gc.Kernel, axis: int, dtype: str) -> None:
    image = RNG.integers(0, 90, (3, 7, 5, 6)).astype(dtype)
    planes = np.moveaxis(image, axis, 0)
    expected = np.moveaxis(reference.convolve(planes, kernel, stride=(2, 1)), 0, axis)
    found = gc.convolve(image, kernel, channel_axis=axis, stride=(2, 1), device=engine)
    assert found.shape == expected.shape
    if dtype == "uint8":
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    out = np.empty(expected.shape, dtype)
    gc.convolve(image, kernel, channel_axis=axis, stride=(2, 1), out=out, device=engine)
    np.testing.assert_array_equal(out, found)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0), (0, 5, 5), (2, 0, 5), (3, 0, 2, 5, 0)])
@pytest.mark.parametrize("size", ["same", "valid", "full"])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "complex64"])
def test_empty_axes_stay_empty(
    engine: str, kernel: gc.Kernel, shape: tuple[int, ...], size: Any, dtype: str
) -> None:
    found = gc.convolve(np.zeros(shape, dtype), kernel, size=size, device=engine)
    expected = reference.convolve(np.zeros(shape, dtype), kernel, size=size)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    assert found.size == 0


def test_no_channels(engine: str, kernel: gc.Kernel) -> None:
    image = np.zeros((5, 6, 0), np.uint8)
    assert gc.convolve(image, kernel, channel_axis=-1, device=engine).shape == (5, 6, 0)


def filtered(image: Array, kernel: gc.Kernel, engine: str, **options: Any) -> Array:
    return gc.convolve(np.array(image), kernel, device=engine, **options)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "complex64"])
def test_out_may_be_the_image(engine: str, kernel: gc.Kernel, dtype: str) -> None:
    image = RNG.integers(0, 100, (300, 40)).astype(dtype)
    expected = filtered(image, kernel, engine)
    assert gc.convolve(image, kernel, out=image, device=engine) is image
    np.testing.assert_array_equal(image, expected)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (np.s_[:20], np.s_[1:21]),
        (np.s_[5:25], np.s_[:20]),
        (np.s_[:20, ::-1], np.s_[:20]),
        (np.s_[:20, :9], np.s_[3:23, 2:11]),
        (np.s_[:40:2], np.s_[1:41:2]),
    ],
)
@pytest.mark.parametrize("dtype", ["int16", "complex128"])
def test_out_may_overlap_the_image(
    engine: str, kernel: gc.Kernel, source: Any, target: Any, dtype: str
) -> None:
    room = RNG.integers(0, 100, (41, 30)).astype(dtype)
    expected = room.copy()
    expected[target] = filtered(room[source], kernel, engine)
    out = room[target]
    assert gc.convolve(room[source], kernel, out=out, device=engine) is out
    np.testing.assert_array_equal(room, expected)  # and nothing beside it was written


@pytest.mark.parametrize("layout", ["Fortran", "all backwards", "crop", "spaced", "big-endian"])
@pytest.mark.parametrize("dtype", ["int16", "float64", "complex64"])
def test_out_of_any_layout(engine: str, kernel: gc.Kernel, layout: str, dtype: str) -> None:
    out = LAYOUTS[layout](np.full((30, 40), 77).astype(dtype))
    image = RNG.integers(0, 100, out.shape).astype(np.uint8)
    gc.convolve(image, kernel, out=out, device=engine)
    np.testing.assert_array_equal(out, filtered(image, kernel, engine, dtype=dtype))


@pytest.mark.parametrize("dtype", [">u2", "uint16", "<u2"])
def test_out_and_dtype_may_agree(engine: str, dtype: str) -> None:
    out = np.empty((2, 2), ">u2")
    gc.convolve([[1, 2], [3, 4]], [[300]], dtype=dtype, out=out, device=engine)
    assert out.tolist() == [[300, 600], [900, 1200]]


def test_out_is_untouched_by_a_call_that_fails(engine: str) -> None:
    out = np.full((2, 2), 7)
    with pytest.raises(ArgumentError):
        gc.convolve([[1, 2], [3, 4]], [[1]], out=out, border="wrp", device=engine)
    assert (out == 7).all()


@pytest.mark.parametrize(
    ("out", "error", "said"),
    [
        (np.zeros((3, 2)), ArgumentError, r"out has shape \(3, 2\); the result has shape \(2, 3\)"),
        (np.zeros((1, 2, 3)), ArgumentError, r"out has shape \(1, 2, 3\)"),
        (np.zeros((2, 3), bool), ArgumentTypeError, "out of dtype bool is not supported"),
        (np.zeros((2, 3), "M8[s]"), ArgumentTypeError, "out of dtype datetime64"),
        (np.broadcast_to(0.0, (2, 3)), ArgumentError, "out is read-only"),
        ([[0, 0, 0], [0, 0, 0]], ArgumentTypeError, "out is of type list; it must be an array"),
        (3, ArgumentTypeError, "out is of type int; it must be an array of the image's kind"),
    ],
)
def test_out_of_no_use(engine: str, out: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        gc.convolve(np.ones((2, 3)), [[1]], out=out, device=engine)

"""What all sources share: they are indexed like arrays, by regions, and say what is wrong."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.io import Layout, Source, open_image


class Remembering(Source):
    """Pixels in memory, and which regions were read."""

    def __init__(self, pixels: Any, channels: str = "L", chunks: tuple[int, int] = (4, 4)) -> None:
        self.path = Path("pixels")
        self.pixels = pixels
        self.layout = Layout(pixels.shape, pixels.dtype, chunks, channels)
        self.regions: list[Any] = []

    def _read(self, rows: Any, columns: Any, plane: Any) -> Any:
        self.regions.append((rows, columns, plane))
        return self.pixels[plane][slice(*rows), slice(*columns)]


def numbers(*shape: int) -> Any:
    return np.arange(np.prod(shape)).reshape(shape)


@st.composite
def keys(draw: Any, n: int) -> Any:
    bound = st.none() | st.integers(-n - 2, n + 2)
    step = st.none() | st.integers(-4, 4).filter(bool)
    sliced = st.builds(slice, bound, bound, step)
    return draw(st.integers(-n, n - 1) | sliced)


@st.composite
def items(draw: Any, shape: tuple[int, ...]) -> Any:
    given = [draw(keys(n)) for n in shape[: draw(st.integers(0, len(shape)))]]
    if draw(st.booleans()):
        at = draw(st.integers(0, len(given)))
        tail = (
            [draw(keys(n)) for n in shape[len(shape) - (len(given) - at) :]] if given[at:] else []
        )
        return (*given[:at], Ellipsis, *tail)
    return tuple(given) if len(given) != 1 else given[0]


@pytest.mark.parametrize(
    ("shape", "channels"),
    [((7, 9), "L"), ((6, 5, 3), "RGB"), ((2, 3, 6, 5), "L"), ((2, 5, 6, 4), "RGBA")],
)
@given(data=st.data())
def test_items_are_those_of_the_array(shape: Any, channels: str, data: Any) -> None:
    pixels = numbers(*shape)
    item = data.draw(items(shape))
    found = Remembering(pixels, channels)[item]
    assert found.shape == pixels[item].shape
    assert np.array_equal(found, pixels[item])


def test_only_the_region_that_is_asked_for_is_read() -> None:
    source = Remembering(numbers(3, 40, 50))
    _ = source[1, 10:20, 45:30:-1]
    assert source.regions == [((10, 20), (31, 46), (1,))]


def test_an_empty_item_reads_nothing() -> None:
    source = Remembering(numbers(40, 50))
    assert source[5:5].shape == (0, 50)
    assert source.regions == []


def test_a_thumbnail_is_read_in_bands() -> None:
    source = Remembering(numbers(64, 8))
    assert np.array_equal(source[::-16, ::4], source.pixels[::-16, ::4])
    assert [rows for rows, _, _ in source.regions] == [(15, 16), (31, 32), (47, 48), (63, 64)]


@pytest.mark.parametrize("item", [(0, 0, 0), 7, -8, (..., ...), (slice(None), 9)])
def test_an_item_outside_is_an_index_error(item: Any) -> None:
    with pytest.raises(IndexError):
        Remembering(numbers(7, 9))[item]


@pytest.mark.parametrize("item", [None, True, 1.5, "a", [1, 2], np.array([True])])
def test_what_is_no_integer_or_slice_is_refused(item: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="integers, slices"):
        Remembering(numbers(7, 9))[item]


@pytest.mark.parametrize(
    ("region", "name"),
    [
        (((0, 8), (0, 9), ()), "rows"),
        (((0, 7), (-1, 9), ()), "columns"),
        (((5, 4), (0, 9), ()), "rows"),
        (((0, 7), (0, 9), (0,)), "plane"),
    ],
)
def test_a_region_outside_is_refused_by_name(region: Any, name: str) -> None:
    with pytest.raises(ArgumentError, match=f"{name}="):
        Remembering(numbers(7, 9)).read(*region)


def test_a_plane_outside_is_refused() -> None:
    source = Remembering(numbers(2, 7, 9))
    for plane in ((), (2,), (-1,), (0, 0)):
        with pytest.raises(ArgumentError, match="plane="):
            source.read((0, 7), (0, 9), plane)


def test_a_source_is_an_array_to_numpy() -> None:
    source = Remembering(numbers(2, 7, 9))
    assert np.array_equal(np.asarray(source), source.pixels)
    assert np.asarray(source, np.float32).dtype == np.float32
    assert len(source) == 2
    assert [row.shape for row in source] == [(7, 9)] * 2
    with pytest.raises(ValueError, match="copy"):
        np.asarray(source, copy=False)


def test_a_source_is_opened_again_in_another_process(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", numbers(2, 7, 9))
    with open_image(tmp_path / "a.npy", axes="zyx") as source:
        again = pickle.loads(pickle.dumps(source))
        assert again.layout == source.layout
        assert np.array_equal(again[...], source[...])
        again.close()


def test_a_source_of_nobody_knows_what_cannot_be_sent() -> None:
    with pytest.raises(ArgumentTypeError, match="open_image"):
        pickle.dumps(Remembering(numbers(7, 9)))

"""dask-image with gpuconv under it: its results, and no filter of SciPy's."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import dask.array as da
import numpy as np
import pytest
from dask_image import ndfilters
from dask_image.dispatch import _dispatch_ndfilters as dispatch
from numpy.typing import NDArray
from scipy import ndimage

import gpuconv.dask
from gpuconv.dask.registration import FILTERS
from gpuconv.errors import MissingExtraError

#: What each is called with, beside the image.
CALLS: dict[str, dict[str, Any]] = {
    "convolve": {"weights": np.array([[0, 1, 2], [3, 4, 5], [6, 7, 8]]), "mode": "mirror"},
    "correlate": {"weights": np.array([[0.5, 1, 2]]), "mode": "nearest"},
    "gaussian_filter": {"sigma": 1.5},
    "gaussian_gradient_magnitude": {"sigma": 1.0},
    "gaussian_laplace": {"sigma": 1.0},
    "laplace": {"mode": "constant"},
    "maximum_filter": {"size": 3},
    "median_filter": {"size": (3, 5)},
    "minimum_filter": {"footprint": np.array([[0, 1, 0], [1, 1, 1]])},
    "percentile_filter": {"percentile": 30, "size": 3},
    "prewitt": {"axis": 0},
    "rank_filter": {"rank": 2, "size": 3},
    "sobel": {"axis": -1},
    "uniform_filter": {"size": 5},
}


@pytest.fixture(autouse=True)
def _left_as_it_was() -> Iterator[None]:
    yield
    gpuconv.dask.unregister()


def dispatcher(name: str) -> Any:
    return getattr(dispatch, f"dispatch_{name}")


def array(dtype: str = "uint8") -> Any:
    pixels = np.random.default_rng(3).random((50, 60)) * 255
    return da.from_array(pixels.astype(dtype), (21, 17))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("name", FILTERS)
def test_results_are_those_of_before(name: str, dtype: str) -> None:
    image, function = array(dtype), getattr(ndfilters, name)
    want: NDArray[Any] = function(image, **CALLS[name]).compute()
    with gpuconv.dask.register():
        made = function(image, **CALLS[name])
    assert made.chunks == image.chunks
    found: NDArray[Any] = made.compute()
    assert found.dtype == want.dtype
    if dtype == "uint8":
        np.testing.assert_array_equal(found, want)
    else:
        np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("name", FILTERS)
def test_chunks_are_filtered_by_gpuconv_until_it_is_undone(name: str) -> None:
    image = array()
    with gpuconv.dask.register():
        assert dispatcher(name)(image).__module__.startswith("gpuconv.scipy.ndimage")
    assert dispatcher(name)(image) is getattr(ndimage, name)


def test_all_filters_that_both_have_are_exchanged() -> None:
    named = {name.removeprefix("dispatch_") for name in dispatch.__all__}
    assert named - set(FILTERS) == {"generic_filter", "threshold_local_mean"}
    assert set(CALLS) == set(FILTERS)


def test_an_error_undoes_it_too() -> None:
    with pytest.raises(KeyError), gpuconv.dask.register():
        raise KeyError
    assert dispatcher("sobel")(array()) is ndimage.sobel


def test_to_register_twice_is_to_register_once() -> None:
    gpuconv.dask.register()
    gpuconv.dask.register()
    gpuconv.dask.unregister()
    assert dispatcher("laplace")(array()) is ndimage.laplace
    gpuconv.dask.unregister()


def test_what_was_registered_before_a_block_stays_so_after_it() -> None:
    gpuconv.dask.register()
    with gpuconv.dask.register():
        pass
    assert dispatcher("laplace")(array()) is not ndimage.laplace


@pytest.mark.parametrize("when", ["before", "after"])
def test_chunks_of_cupy_are_exchanged_whenever_it_is_imported(
    when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type("ndarray", (), {"__module__": "cupy"})
    cupy: Any = SimpleNamespace(ndarray=kind)
    if when == "before":
        monkeypatch.setitem(sys.modules, "cupy", cupy)
    before = dict(dispatcher("sobel")._lazy), dict(dispatcher("sobel")._lookup)
    with gpuconv.dask.register():
        monkeypatch.setitem(sys.modules, "cupy", cupy)
        function = dispatcher("sobel")(SimpleNamespace(_meta=kind()))
        assert function.__module__.startswith("gpuconv.scipy.ndimage")
    assert (dispatcher("sobel")._lazy, dispatcher("sobel")._lookup) == before


def test_without_dask_image_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask_image.dispatch._dispatch_ndfilters", None)
    with pytest.raises(MissingExtraError, match="needs dask-image"):
        gpuconv.dask.register()

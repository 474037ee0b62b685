"""SciPy's names mean gpuconv's functions for a while, and only for a while."""

from __future__ import annotations

import inspect
import pickle
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
import skimage.filters
from cuda_on_cpu.apart import ApartRuntime

import gpuconv as gc
from gpuconv.backends.cuda import runtime
from gpuconv.scipy import ndimage, patching, signal, use

IMAGE = np.random.default_rng(0).integers(0, 99, (7, 8)).astype(np.float32)
NAMES = [(scipy.ndimage, ndimage), (scipy.signal, signal)]
SCIPYS = {(theirs, name): getattr(theirs, name) for theirs, ours in NAMES for name in ours.__all__}


@pytest.fixture(autouse=True)
def all_is_restored() -> Iterator[None]:
    """See after each test that SciPy's names mean SciPy's functions."""
    yield
    names = [name for (theirs, name), its in SCIPYS.items() if getattr(theirs, name) is not its]
    assert names == []


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The images that gpuconv's median is called with."""
    seen = list[Any]()

    def spy(image: Any, *given: Any, **named: Any) -> Any:
        seen.append(image)
        return original(image, *given, **named)

    original = ndimage.median_filter
    monkeypatch.setattr(ndimage, "median_filter", spy)
    return seen


def test_every_name_is_patched_and_restored() -> None:
    with use():
        for (theirs, name), its in SCIPYS.items():
            stand_in = getattr(theirs, name)
            assert stand_in is not its
            assert inspect.unwrap(stand_in) is inspect.unwrap(its)
            assert stand_in.__name__ == name


def test_gpuconv_is_called(calls: list[Any]) -> None:
    expected = scipy.ndimage.median_filter(IMAGE, 3)
    assert calls == []
    with use():
        np.testing.assert_array_equal(scipy.ndimage.median_filter(IMAGE, size=3), expected)
    assert len(calls) == 1


def test_scikit_image_is_reached(calls: list[Any]) -> None:
    expected = skimage.filters.median(IMAGE)
    with use():
        np.testing.assert_array_equal(skimage.filters.median(IMAGE), expected)
    assert len(calls) == 1


def test_it_decorates(calls: list[Any]) -> None:
    @use()
    def program(left: int) -> Any:
        return program(left - 1) if left else scipy.ndimage.median_filter(IMAGE, 3)

    assert program(2).shape == IMAGE.shape
    assert len(calls) == 1
    scipy.ndimage.median_filter(IMAGE, 3)
    assert len(calls) == 1


def test_an_exception_restores() -> None:
    with pytest.raises(ZeroDivisionError), use():
        raise ZeroDivisionError


def test_an_interrupted_exit_is_made_good_by_the_next(
    calls: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(patching, "_restore", interrupted)
        with pytest.raises(KeyboardInterrupt), use():
            pass
    scipy.ndimage.median_filter(IMAGE, 3)
    assert calls == []
    with use():
        pass


def test_an_interrupted_entry_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupting:
        __name__ = "interrupting"

        def __setattr__(self, name: str, value: Any) -> None:
            raise KeyboardInterrupt

    found: list[Any] = [*patching._found(), (Interrupting(), "zoom", scipy.ndimage.zoom, print)]
    monkeypatch.setattr(patching, "_found", lambda: found)
    with pytest.raises(KeyboardInterrupt), use():
        pass


def test_contexts_nest(calls: list[Any]) -> None:
    outer = use()
    with outer, use(), outer:
        scipy.ndimage.median_filter(IMAGE, 3)
    assert len(calls) == 1
    with use():
        with use():
            pass
        scipy.ndimage.median_filter(IMAGE, 3)
    assert len(calls) == 2


def test_threads_may_enter_and_leave_in_any_order(calls: list[Any]) -> None:
    entered, leave = Event(), Event()

    def other() -> None:
        with use():
            entered.set()
            leave.wait(60)

    thread = Thread(target=other)
    with use():
        thread.start()
        assert entered.wait(60)
    scipy.ndimage.median_filter(IMAGE, 3)
    leave.set()
    thread.join()
    scipy.ndimage.median_filter(IMAGE, 3)
    assert len(calls) == 1


def test_modules_imported_meanwhile_are_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "late_comer.py").write_text(
        "from scipy.ndimage import median_filter as blurred\n"
        "from gpuconv.scipy.ndimage import median_filter\n"
    )
    with use():
        import late_comer  # type: ignore[import-not-found]

        assert late_comer.blurred is scipy.ndimage.median_filter
    del sys.modules["late_comer"]
    assert late_comer.blurred is SCIPYS[scipy.ndimage, "median_filter"]
    assert late_comer.median_filter is ndimage.median_filter


def test_what_was_kept_elsewhere_calls_scipys_afterwards(calls: list[Any]) -> None:
    with use():
        table = {"median": partial(scipy.ndimage.median_filter, size=3)}
        table["median"](IMAGE)
    expected = scipy.ndimage.median_filter(IMAGE, 3)
    np.testing.assert_array_equal(table["median"](IMAGE), expected)
    assert len(calls) == 1


def test_what_others_patched_meanwhile_stays() -> None:
    def another() -> None: ...

    with use():
        scipy.ndimage.laplace = another
    assert scipy.ndimage.laplace is another
    scipy.ndimage.laplace = SCIPYS[scipy.ndimage, "laplace"]


def test_functions_can_be_sent_to_other_processes() -> None:
    with use():
        sent = pickle.dumps(scipy.ndimage.median_filter)
        assert pickle.loads(sent) is scipy.ndimage.median_filter
    assert pickle.loads(sent) is SCIPYS[scipy.ndimage, "median_filter"]


def test_names_that_gpuconv_lacks_are_left_alone() -> None:
    before = scipy.ndimage.zoom
    with use():
        assert scipy.ndimage.zoom is before


def test_arrays_go_to_a_gpu_and_come_back(calls: list[Any]) -> None:
    expected = scipy.ndimage.median_filter(IMAGE, 3)
    room = np.empty_like(IMAGE)
    with runtime.use(ApartRuntime()), use(device="cuda"):
        made = scipy.ndimage.median_filter(IMAGE, 3)
        assert scipy.ndimage.median_filter(IMAGE, 3, output=room) is room
        strange = scipy.ndimage.median_filter(IMAGE > 50, 3)
    assert [type(image).__name__ for image in calls] == ["OnDevice", "OnDevice", "ndarray"]
    assert type(made) is type(strange) is np.ndarray
    np.testing.assert_array_equal(made, expected)
    np.testing.assert_array_equal(room, expected)


def test_a_device_that_is_not_there_is_told_of_at_once() -> None:
    if any(device.name == "cuda:0" and device.available for device in gc.devices()):
        pytest.skip("there is one")
    with pytest.raises(gc.DeviceError):
        use(device="cuda")
    with pytest.raises(gc.ArgumentError, match="teapot"):
        use(device="teapot")
    with use(device="auto"):
        assert scipy.ndimage.median_filter(IMAGE, 3).shape == IMAGE.shape

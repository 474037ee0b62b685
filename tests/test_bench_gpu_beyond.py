"""The filters of ``make gpu`` that are no convolutions; SciPy stands in for what copies it."""

from __future__ import annotations

import sys
from functools import partial
from types import SimpleNamespace
from typing import Any

import cuda_on_cpu
import cv2
import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
import skimage.feature
import skimage.filters
import skimage.restoration
from numpy.typing import NDArray

from benchmarks.gpu import bench, beyond, contest, peers, timing
from gpuconv.backends.cuda import runtime

Array = NDArray[Any]


@pytest.fixture
def cpu() -> Any:
    if reason := cuda_on_cpu.missing():
        pytest.skip(reason)
    with runtime.use(cuda_on_cpu.CpuRuntime(mode="fast")) as used:
        yield used


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have CuPy's and cuCIM's functions be those that they are named after."""
    stand_ins = {
        "cupy": SimpleNamespace(asarray=np.asarray, hypot=np.hypot),
        "cupyx": SimpleNamespace(),
        "cupyx.scipy": SimpleNamespace(),
        "cupyx.scipy.ndimage": scipy.ndimage,
        "cupyx.scipy.signal": scipy.signal,
        "cucim": SimpleNamespace(),
        "cucim.skimage": SimpleNamespace(),
        "cucim.skimage.feature": skimage.feature,
        "cucim.skimage.filters": skimage.filters,
        "cucim.skimage.restoration": skimage.restoration,
    }
    for name, module in stand_ins.items():
        monkeypatch.setitem(sys.modules, name, module)


def noise(size: int) -> Array:
    return np.random.default_rng(1).normal(size=(size, size)).astype(np.float32)


@pytest.mark.parametrize("case", beyond.FILTERS, ids=lambda case: case.name)
def test_all_libraries_are_right_and_timed(
    case: beyond.Filter, cpu: Any, installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beyond, "_LONGEST", 60)  # stand-ins take their time
    monkeypatch.setattr(timing, "_BACK_TO_BACK", 1)
    image = case.image_of(noise(46))
    assert (image.dtype, len(image)) == (case.dtype, 46 * case.part)
    rows = bench.measure(case, image, timing.Host(), rounds=1, seconds=0)
    found = {row["library"]: row.get("left_out", "") for row in rows}
    assert list(found) == [*contest.COPIES, *beyond.LIBRARIES]
    for name in ("gpuconv", *(set(case.theirs) - {"OpenCV CUDA"})):
        assert found[name] == "", name
    said = {found[name] for name in beyond.LIBRARIES} - {""}
    assert said <= {"has none", "this OpenCV is built without CUDA"}


def test_names_fit_into_the_table() -> None:
    assert max(len(case.name) for case in beyond.FILTERS) < 16
    names = [case.name for case in (*contest.CASES, *beyond.FILTERS)]
    assert len(set(names)) == len(names)


def test_a_peer_that_takes_too_long_is_not_timed(cpu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    case = beyond.FILTERS[0]
    monkeypatch.setitem(case.theirs, "cupyx", lambda: lambda image, out: None)  # type: ignore[arg-type]
    monkeypatch.setattr(beyond, "_LONGEST", -1)
    image = np.zeros((99, 8), np.uint8)
    with pytest.raises(contest.Unable, match=r"about \S+ ms, too long to be timed"):
        beyond.LIBRARIES["cupyx"](case, contest.Buffers([image], [image]))  # type: ignore[arg-type]


def test_peers_that_are_not_installed_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cupyx.scipy.ndimage", "cucim.skimage.filters"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(contest.Unable, match="cupyx cannot be imported"):
        peers.cupyx_median(3, "nearest")
    with pytest.raises(contest.Unable, match="cuCIM cannot be imported"):
        peers.cucim_median(np.ones((3, 3), bool), "nearest")


def test_both_ends_of_an_image_are_checked() -> None:
    case = next(case for case in beyond.FILTERS if case.name == "median 11 f32")
    image = case.image_of(noise(300))
    parts = case.wanted(image)
    whole = scipy.ndimage.median_filter(image, 11, mode="nearest")
    assert [there.shape for _, there in parts] == [(24, 256)] * 2
    for part, there in parts:
        np.testing.assert_array_equal(whole[part], there)


class FakeOpenCv:
    """As much of OpenCV's CUDA as is asked for, by its CPU functions."""

    CV_8UC1, CV_32FC1, BORDER_REFLECT_101 = 0, 5, cv2.BORDER_REFLECT_101

    def __init__(self, arrays: dict[int, Array]) -> None:
        self.cuda = SimpleNamespace(
            getCudaEnabledDeviceCount=lambda: 1,
            createGpuMatFromCudaMemory=self.matrix,
            createMedianFilter=lambda kind, side: SimpleNamespace(
                apply=lambda image, out: cv2.medianBlur(image, side, out)
            ),
            bilateralFilter=lambda image, d, color, space, out, border: cv2.bilateralFilter(
                image, d, color, space, out, border
            ),
            fastNlMeansDenoising=lambda image, h, out, window, block: cv2.fastNlMeansDenoising(
                image, out, h, block, window
            ),
        )
        self.arrays = arrays

    def matrix(self, rows: int, columns: int, kind: int, pointer: int, pitch: int) -> Array:
        found = self.arrays[pointer]
        assert found.shape == (rows, columns)
        assert found.strides[0] == pitch
        assert kind == (self.CV_8UC1 if found.dtype == np.uint8 else self.CV_32FC1)
        return found


class OnDevice:
    """An array as CuPy's are: with a pointer."""

    def __init__(self, array: Array, pointer: int) -> None:
        self.shape, self.dtype = array.shape, array.dtype
        self.data = SimpleNamespace(ptr=pointer)


def test_opencv_is_asked_as_its_functions_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", SimpleNamespace())
    with pytest.raises(contest.Unable, match="built without CUDA"):
        peers.opencv_median(3, "uint8")
    monkeypatch.setitem(sys.modules, "cv2", FakeOpenCv({}))
    for unable in (partial(peers.opencv_median, 3), partial(peers.opencv_nl_means, 7, 11, 35)):
        with pytest.raises(contest.Unable, match="of bytes"):
            unable("float32")
    names = ("median 3 u8", "median 31 u8", "bilateral 9 u8", "bilateral 9 f32", "nl_means u8")
    for case in (case for case in beyond.FILTERS if case.name in names):
        image = case.image_of(noise(60))
        out = np.zeros_like(image)
        monkeypatch.setitem(sys.modules, "cv2", FakeOpenCv({1: image, 2: out}))
        case.theirs["OpenCV CUDA"]()(OnDevice(image, 1), OnDevice(out, 2))
        inner = (slice(case.reach, -case.reach),) * 2
        apart = np.abs(out.astype(float) - case.defined(image))[inner]
        assert apart.max() <= max(case.off, 2 * (case.dtype == "uint8")), case.name


def test_edges_are_compared_by_their_share() -> None:
    found, there = np.array([0.0, 1, 255]), np.array([False, False, True])
    assert beyond.share(found, there) == 1 / 3
    assert beyond.largest(found, there) == 254


def test_opencv_finds_edges_in_what_it_has_blurred(monkeypatch: pytest.MonkeyPatch) -> None:
    case = next(case for case in beyond.FILTERS if case.name == "Canny u8")
    image = case.image_of(noise(99))
    out, fake = np.zeros_like(image), FakeOpenCv({1: image})
    fake.arrays[2] = out
    fake.cuda.createGaussianFilter = lambda source, target, sides, sigma: SimpleNamespace(
        apply=lambda image: cv2.GaussianBlur(image, sides, sigma, borderType=cv2.BORDER_REFLECT)
    )
    fake.cuda.createCannyEdgeDetector = lambda low, high, **options: SimpleNamespace(
        detect=lambda image, out: cv2.Canny(image, low, high, out, **options)
    )
    monkeypatch.setitem(sys.modules, "cv2", fake)
    case.theirs["OpenCV CUDA"]()(OnDevice(image, 1), OnDevice(out, 2))
    assert 0 < beyond.share(out, case.defined(image)) < 0.2

"""The bench's peers on a GPU, without one: each is asked for every case, small, and must be right.

SciPy stands in for cupyx, scikit-image for cuCIM, OpenCV's functions for its CUDA modules; NPP,
CV-CUDA, PyTorch, kornia and torchvision are stand-ins that check what they are given. kornia and
torchvision themselves, where they are installed, filter tensors on the CPU.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import cuda_on_cpu
import numpy as np
import pytest
from fakes.addresses import address_of
from fakes.cvcuda_like import cvcuda
from fakes.npp_like import Npp
from fakes.opencv_cuda_like import opencv
from fakes.scipy_as_cupyx import cucim, cupy, cupyx
from fakes.torch_on_gpu import kornia, torch, torchvision

from benchmarks.cases import CASES, Case
from benchmarks.filters import Dense, Extreme, Gaussian, Median
from benchmarks.peers import npp, on_gpu, opencv_cuda, peers
from benchmarks.suite.contract import Buffers, Unable
from benchmarks.suite.measure import Limits, measure
from benchmarks.suite.place import Place
from benchmarks.suite.row import Row
from benchmarks.suite.timing import Host
from gpuconv.backends.cuda import runtime

#: What peers leave out, by "kind axes border" of the case; all else they must do.
LEFT_OUT = {
    "cupyx ndimage": r"bilateral|nl_means|Canny|Wiener|Richardson",
    "cupyx signal": r"^(?!dense|rank|integer|Gaussian|box)|mirror|(?<!3×3 u8 yx )nearest|nc?yx|yxc",
    "cupyx signal, FFT": r"^(?!dense|rank|integer|Gaussian|box|Richardson)|mirror|nearest|reflect",
    "cuCIM": r"dense|rank|integer|box|percentile|bilateral|nl_means|gradient",
    "OpenCV CUDA": r"percentile|Wiener|Richardson|63×63|Gaussian σ=[56]|f16"
    r"|(median|nl_means|Canny).* f32",
    "NPP": r"percentile|Wiener|Richardson|nl_means|Canny|unsharp|gradient|f16|ncyx"
    r"|(dense|rank|integer).*(constant|mirror|reflect)|Gaussian.*(constant|reflect)",
    "CV-CUDA": r"percentile|Wiener|Richardson|nl_means|Canny|unsharp|gradient|Sobel|f16",
    "kornia": r"percentile|Wiener|Richardson|nl_means|Canny|unsharp|gradient"
    r"|(dense|rank|Gaussian).*reflect",
    "torchvision": r"^(?!Gaussian)|constant|nearest|reflect",
}
ONCE = Limits(rounds=1, call=600, each=0, case=0)


def small(case: Case) -> Case:
    """Return a case of a small image, that the filter's window fits into: no wide one."""
    if case.filter == Gaussian(20):
        case = replace(case, filter=Gaussian(6))
    side = 2 * case.filter.reach + 12
    sizes = {"y": side, "x": side + 7, "c": 3, "n": 2}
    return replace(case, shape=tuple(sizes[axis] for axis in case.axes))


SMALL = [small(case) for case in CASES]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have stand-ins for all libraries, and for a GPU."""
    of_tensors = (torch([]), kornia(), torchvision())
    for modules in (cupy(), cupyx(), cucim(), opencv(), cvcuda(), *of_tensors):
        for name, module in modules.items():
            monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(npp, "_loaded", Npp)
    for module in (npp, opencv_cuda):
        monkeypatch.setattr(module, "address", address_of)
    with runtime.use(cuda_on_cpu.CpuRuntime(mode="fast")):
        yield


def rows_of(case: Case, names: Iterable[str]) -> list[Row]:
    """Return the rows of a case for peers on a GPU."""
    wanted = [peer for peer in peers("cuda") if peer.name in set(names)]
    return measure(case, wanted, Place("cuda:0", Host()), ONCE)


def as_expected(case: Case, row: Row) -> None:
    """Check that a peer is right, or unable where it may be."""
    described = f"{case.kind} {case.axes} {case.border}"
    if re.search(LEFT_OUT[row.peer], described):
        assert row.left_out, f"{row.peer} does {described}"
        assert not row.left_out.startswith(("failed", "wrong")), row.left_out
    else:
        assert not row.left_out, f"{row.peer}, {described}: {row.left_out}"
        assert row.seconds
        assert row.error is not None
        assert bool(row.because) == (row.allowed != case.allowed or row.measure != "largest")


def described(case: Case) -> str:
    return f"{case.kind} {case.axes}"


@pytest.mark.parametrize("case", SMALL, ids=described)
def test_every_library_does_what_it_can_and_is_right(case: Case, installed: None) -> None:
    found = rows_of(case, LEFT_OUT)
    assert len(found) == len(LEFT_OUT)
    for row in found:
        as_expected(case, row)


def test_kornia_itself_is_right_on_the_cpu() -> None:
    pytest.importorskip("kornia")
    peer = next(peer for peer in peers("cuda") if peer.name == "kornia")
    for case in SMALL:
        [row] = measure(case, [peer], Place("cpu", Host()), ONCE)
        as_expected(case, row)


def test_torchvision_itself_is_right_on_the_cpu() -> None:
    try:
        pytest.importorskip("torchvision.transforms.v2.functional")
    except RuntimeError as error:  # it was built for another PyTorch
        pytest.skip(str(error))
    peer = next(peer for peer in peers("cuda") if peer.name == "torchvision")
    for case in SMALL:
        [row] = measure(case, [peer], Place("cpu", Host()), ONCE)
        as_expected(case, row)


def test_all_peers_of_a_gpu_are_tried_here() -> None:
    others = {"gpuconv", "copy", "copy, by a kernel", "torch conv2d", "torch, two passes"}
    assert {peer.name for peer in peers("cuda")} == set(LEFT_OUT) | others


@pytest.mark.skipif(bool(cuda_on_cpu.missing()), reason=cuda_on_cpu.missing())
@pytest.mark.parametrize("case", SMALL, ids=described)
def test_gpuconv_is_right_and_timed_beside_a_copy(case: Case, installed: None) -> None:
    ours, by_driver, by_kernel = rows_of(case, ["gpuconv", "copy", "copy, by a kernel"])
    assert not ours.left_out
    assert ours.seconds
    assert by_kernel.error == 0
    assert by_driver.left_out == "these arrays are not CuPy's"


# ------------------------------------------------------------------------ what is not installed


@pytest.mark.parametrize("name", [name for name in LEFT_OUT if name != "NPP"])
def test_a_library_that_is_not_installed_says_so(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = ("cupy", "cupyx.scipy.ndimage", "cupyx.scipy.signal", "cucim.skimage.filters", "cv2")
    more = ("cvcuda", "kornia", "torch", "torchvision.transforms.v2.functional")
    for module in absent + more:
        monkeypatch.setitem(sys.modules, module, None)
    mirror = "mirror" if name == "torchvision" else "constant"
    case = Case(Gaussian(1), "float32", (20, 20), mirror)
    [peer] = [peer for peer in peers("cuda") if peer.name == name]
    with pytest.raises(Unable, match="cannot be imported"):
        peer.prepare(case, Buffers([], [], "cuda:0"))


def test_npp_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npp, "_folders", lambda: iter(()))
    npp._loaded.cache_clear()
    case = Case(Median(3), "uint8", (20, 20), "nearest")
    [peer] = npp.PEERS
    with pytest.raises(Unable, match=r"NPP's libraries \(libnppif\) are not here"):
        peer.prepare(case, Buffers([], [], "cuda:0"))


def test_an_opencv_without_cuda_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    [peer] = opencv_cuda.PEERS
    case = Case(Median(3), "uint8", (20, 20), "nearest")
    for module in (SimpleNamespace(), SimpleNamespace(cuda=None)):
        monkeypatch.setitem(sys.modules, "cv2", module)
        with pytest.raises(Unable, match="built without CUDA"):
            peer.prepare(case, Buffers([], [], "cuda:0"))


# ------------------------------------------------------------------------ streams, errors, borders


@pytest.mark.parametrize("name", ["OpenCV CUDA", "CV-CUDA", "NPP"])
def test_libraries_work_on_cupys_stream(
    name: str, installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for modules in (cupy(7), opencv(7), cvcuda(7)):
        for module, content in modules.items():
            monkeypatch.setitem(sys.modules, module, content)
    seen: list[int] = []
    kept = Npp._filter

    def noting(self: Npp, stem: str, words: list[str], arguments: tuple[Any, ...]) -> None:
        seen.append(arguments[-1].stream)
        kept(self, stem, words, arguments)

    monkeypatch.setattr(Npp, "_filter", noting)
    case = small(Case(Gaussian(1), "float32", (1, 1), "mirror"))
    [row] = rows_of(case, [name])
    as_expected(case, row)
    assert set(seen) == ({7} if name == "NPP" else set())


@pytest.mark.parametrize(("number", "entered"), [(0, []), (7, ["stream 7 of cuda:0"])])
def test_torch_works_on_cupys_stream_in_full_precision(
    number: int, entered: list[str], installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[str] = []
    for modules in (cupy(number), torch(log)):
        for module, content in modules.items():
            monkeypatch.setitem(sys.modules, module, content)
    [row] = rows_of(small(Case(Gaussian(1), "float32", (1, 1), "mirror")), ["kornia"])
    assert not row.left_out
    once = ["inference", *entered]
    assert log[: 2 * len(once)] == [*once, *(f"end of {name}" for name in reversed(once))]
    settings = sys.modules["torch"].backends
    assert settings.cudnn.benchmark
    assert not settings.cudnn.allow_tf32
    assert not settings.cuda.matmul.allow_tf32


def test_what_npp_reports_is_a_failure(installed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npp, "_loaded", partial(Npp, status=-9999))
    [row] = rows_of(small(Case(Median(3), "uint8", (1, 1), "nearest")), ["NPP"])
    assert row.left_out == "failed: RuntimeError: nppiFilterMedianBorder_8u_C1R_Ctx returned -9999"


def test_a_function_that_an_npp_lacks_is_named(
    installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npp, "_loaded", SimpleNamespace)
    [row] = rows_of(small(Case(Extreme(3), "uint8", (1, 1))), ["NPP"])
    assert row.left_out == "this NPP has no nppiFilterMinBorder_8u_C1R_Ctx"


def test_npp_is_looked_for_in_wheels_and_toolkits(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def load(path: str, mode: int = 0) -> str:
        tried.append(path)
        if not path.endswith(".so.12"):
            raise OSError(path)
        return path

    monkeypatch.setattr(npp.ctypes, "CDLL", load)
    monkeypatch.setattr(npp, "_TOOLKITS", f"{tmp_path}/cuda*/lib64")
    (tmp_path / "cuda-12.8" / "lib64").mkdir(parents=True)
    npp._loaded.cache_clear()
    assert npp._loaded() == "libnppif.so.12"
    npp._loaded.cache_clear()
    assert tried == ["libnppc.so.13", "libnppc.so.12", "libnppif.so.12"]
    assert [str(folder) for folder in npp._folders()][-2:] == [
        ".",
        str(tmp_path / "cuda-12.8" / "lib64"),
    ]


def test_a_border_may_have_another_name_that_comes_to_the_same() -> None:
    words = {"nearest": "replicate"}
    window = Case(Extreme(31), "uint8", (99, 99), "mirror")
    narrow, wide = (Case(Dense(side), "uint8", (99, 99), "reflect") for side in (3, 5))
    assert [on_gpu.border_of(case, words) for case in (window, narrow)] == ["replicate"] * 2
    with pytest.raises(Unable, match="no border like 'reflect' here, only nearest"):
        on_gpu.border_of(wide, words)
    x = np.random.default_rng(0).random((9, 9))
    reflected, replicated = (np.pad(x, 1, mode) for mode in ("symmetric", "edge"))  # type: ignore[call-overload]
    np.testing.assert_array_equal(reflected, replicated)

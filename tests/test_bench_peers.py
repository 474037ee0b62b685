"""The libraries on the CPU beside gpuconv: each case is right, or left out on purpose."""

from __future__ import annotations

import subprocess
import sys
import warnings
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fakes import torch_filters
from fakes.vips_like import pyvips
from numpy.typing import NDArray

from benchmarks import filters
from benchmarks.cases import CASES, Case
from benchmarks.filters import Filter
from benchmarks.peers import asking, opencv, peers, pytorch
from benchmarks.suite import check
from benchmarks.suite.contract import Buffers, Peer, Unable, as_it_is

Array = NDArray[Any]

#: The module that each file asks for its library.
LIBRARIES = {
    "scipy_ndimage": "scipy.ndimage",
    "scipy_signal": "scipy.signal",
    "opencv": "cv2",
    "scikit_image": "skimage.filters",
    "pillow": "PIL.ImageFilter",
    "libvips": "pyvips",
    "pytorch": "torch",
}
SIZES = {"y": 72, "x": 96, "c": 3, "n": 2}
#: All cases, of small images.
SMALL = [replace(case, shape=tuple(SIZES[axis] for axis in case.axes)) for case in CASES]

EVERY = "uint8 uint16 float16 float32"
#: What must be computed by whom: an adapter cannot drop out unseen.
ABLE: dict[str, dict[type[Filter], str]] = {
    "SciPy ndimage": {
        filters.Linear: EVERY,
        filters.Sobel: EVERY,
        filters.Gradient: EVERY,
        filters.Unsharp: EVERY,
        filters.Median: EVERY,
        filters.Extreme: EVERY,
        filters.Percentile: EVERY,
    },
    "SciPy signal": {
        filters.Linear: EVERY,
        filters.Median: EVERY,
        filters.Wiener: EVERY,
        filters.RichardsonLucy: EVERY,
    },
    "OpenCV": {
        filters.Linear: EVERY,
        filters.Sobel: EVERY,
        filters.Gradient: EVERY,
        filters.Unsharp: EVERY,
        filters.Median: EVERY,
        filters.Extreme: EVERY,
        filters.Bilateral: EVERY,
        filters.NonLocalMeans: "uint8",
        filters.Canny: "uint8",
        filters.RichardsonLucy: EVERY,
    },
    "scikit-image": {
        filters.Gaussian: EVERY,
        filters.Sobel: EVERY,
        filters.Unsharp: EVERY,
        filters.Median: EVERY,
        filters.Extreme: EVERY,
        filters.Percentile: "uint8",
        filters.Bilateral: EVERY,
        filters.NonLocalMeans: EVERY,
        filters.Canny: EVERY,
        filters.Wiener: EVERY,
        filters.RichardsonLucy: EVERY,
    },
    "Pillow": {
        filters.Linear: "uint8",
        filters.Unsharp: "uint8",
        filters.Median: EVERY,
        filters.Extreme: EVERY,
        filters.Percentile: EVERY,
    },
    "libvips": {
        filters.Linear: EVERY,
        filters.Sobel: EVERY,
        filters.Gradient: EVERY,
        filters.Unsharp: EVERY,
        filters.Median: EVERY,
        filters.Extreme: EVERY,
        filters.Percentile: EVERY,
    },
    "libvips, integer weights": {filters.Linear: "uint8 uint16"},
    "torch conv2d": {
        filters.Linear: EVERY,
        filters.Sobel: EVERY,
        filters.Extreme: EVERY,
        filters.Wiener: EVERY,
        filters.RichardsonLucy: EVERY,
    },
    "torch, two passes": {
        filters.Gaussian: EVERY,
        filters.Box: EVERY,
        filters.Gradient: EVERY,
        filters.Unsharp: EVERY,
        filters.Extreme: EVERY,
    },
}
#: What is left out of that, and why.
LEFT_OUT = {
    ("OpenCV", "median 11×11 f32"): "its median of float32 has no window so large",
    ("OpenCV", "median 31×31 f32"): "its median of float32 has no window so large",
    ("Pillow", "dense 7×7 u8"): "its kernels are of 3×3 and 5×5",
    ("scikit-image", "bilateral 9 u8, yxc"): "its weights of colours are others",
    ("scikit-image", "bilateral 9 f32, yxc"): "its weights of colours are others",
}


def everyone(file: str) -> list[Peer]:
    """Return the peers of a file that run on the CPU."""
    found = import_module(f"benchmarks.peers.{file}").PEERS
    return [peer for peer in found if peer.device == "cpu"]


def buffers(image: Array, device: str = "cpu") -> Buffers:
    made = Buffers([image], [np.empty_like(image)], device)
    made.spoil()
    return made


@cache
def known(case: Case) -> tuple[Array, list[check.Part]]:
    """Return the image of a case, and parts of what must come out."""
    image = case.image
    return image, check.wanted(case, image)


def family(peer: Peer) -> str:
    return "OpenCV" if peer.name.startswith("OpenCV") else peer.name


def meant(peer: Peer, case: Case) -> bool:
    """Return whether a peer must compute a case."""
    able = ABLE[family(peer)]
    dtypes = [able[kind] for kind in type(case.filter).__mro__ if kind in able]
    return bool(dtypes) and case.dtype in dtypes[0] and not left_out(peer, case)


def left_out(peer: Peer, case: Case) -> str:
    """Return why a peer does not compute a case that it would be expected to."""
    names = (case.kind, f"{case.kind}, {case.axes}")
    return "".join(LEFT_OUT.get((family(peer), name), "") for name in names)


def outcome(peer: Peer, case: Case, device: str = "cpu") -> str:
    """Return "" if a result is right, how far it is off, or why there is none."""
    image, wanted = known(case)
    given = image.copy()
    mine = buffers(given, device)
    try:
        prepared = peer.prepare(case, mine)
    except Unable as reason:
        return f"unable: {reason}"
    result = prepared.call(0)
    found = np.asarray(mine.outs[0] if result is None else result)
    error = check.apart(prepared, case, found, wanted)
    assert np.array_equal(given, image), f"{peer.name} has changed the image"
    allowed = case.allowed if prepared.allowed is None else prepared.allowed
    assert allowed <= case.allowed or prepared.because, f"{peer.name} does not say why"
    for wrong in (image, np.zeros_like(image), np.full_like(image, image.mean())):
        off = check.apart(replace(prepared, alike=as_it_is), case, wrong, wanted)
        assert off > allowed, f"{peer.name} is allowed whatever it does"
    return "" if error <= allowed else f"off: {error} where {allowed} is allowed"


def ask(file: str) -> list[Peer]:
    """Return the peers of a file; skip the test where the library is not installed."""
    try:
        asking.imported(LIBRARIES[file], file)
    except Unable as reason:
        pytest.skip(str(reason))
    return everyone(file)


def named(case: Case) -> str:
    return f"{case.kind}, {case.axes}, {case.border}"


@pytest.mark.parametrize("case", SMALL, ids=named)
@pytest.mark.parametrize("file", LIBRARIES)
def test_a_library_is_right_or_left_out_on_purpose(file: str, case: Case) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as the bench does
        for peer in ask(file):
            said = outcome(peer, case)
            if meant(peer, case):
                assert said == "", peer.name
            else:
                assert said.startswith("unable: "), f"{peer.name} can, and is not expected to"
                assert left_out(peer, case) in said


def test_every_peer_on_the_cpu_is_asked_here() -> None:
    asked = {family(peer) for file in LIBRARIES for peer in everyone(file)}
    assert asked == set(ABLE)
    others = {peer.name for peer in peers("cpu")} - {"gpuconv", "gpuconv, 1 thread", "copy"}
    assert {peer.name for file in LIBRARIES for peer in everyone(file)} == others


@pytest.mark.parametrize(("file", "module"), LIBRARIES.items())
def test_who_is_not_installed_is_left_out_with_a_word(
    file: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    case = next(each for each in SMALL if each.name.startswith("Gaussian σ=1.1 5×5 u8"))
    for peer in everyone(file):
        with pytest.raises(Unable, match="cannot be imported"):
            peer.prepare(case, buffers(known(case)[0]))


def test_no_library_is_imported_before_it_is_asked_for(root: Path) -> None:
    seen = "{'scipy', 'cv2', 'skimage', 'pyvips', 'torch', 'cupy'} & set(sys.modules)"
    code = f"import sys; from benchmarks.peers import peers; peers('cpu'); print(sorted({seen}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"


def test_opencv_runs_on_as_many_threads_as_its_name_says() -> None:
    cv2 = pytest.importorskip("cv2")
    before, case = cv2.getNumThreads(), SMALL[0]
    try:
        for peer, count in zip(everyone("opencv"), (1, cv2.getNumberOfCPUs()), strict=True):
            prepared = peer.prepare(case, buffers(known(case)[0]))
            prepared.call(0)
            assert cv2.getNumThreads() == count
            cv2.setNumThreads(3 - count)
            prepared.settle()  # off the clock: to end threads takes milliseconds
            assert cv2.getNumThreads() == count
    finally:
        cv2.setNumThreads(before)


@pytest.mark.parametrize("version", ["4.11.0", "5.0.0"])
def test_opencv_casts_half_floats_as_numpy_does(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cv2 = pytest.importorskip("cv2")
    if version > cv2.__version__:
        pytest.skip("it does not take half floats yet")
    monkeypatch.setattr(cv2, "__version__", version)
    casting = opencv._casting(cv2)
    wide = np.linspace(-2, 2, 10007, dtype=np.float32)[:, None]
    narrow, back = np.empty(wide.shape, np.float16), np.empty_like(wide)
    casting(wide, narrow)
    casting(narrow, back)
    assert np.array_equal(narrow, wide.astype(np.float16))
    assert np.array_equal(back, narrow.astype(np.float32))


# ------------------------------------------------------------------------ where they are not here


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("case", SMALL, ids=named)
def test_libvips_is_asked_for_the_right_thing(
    case: Case, old: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyvips", pyvips)
    monkeypatch.setattr(pyvips, "old", old)
    for peer in everyone("libvips"):
        said = outcome(peer, case)
        assert said == "" if meant(peer, case) else said.startswith("unable: ")


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
@pytest.mark.parametrize("case", SMALL, ids=named)
def test_torch_is_asked_for_the_right_thing(
    case: Case, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = torch_filters.made(gpu=True)
    current = SimpleNamespace(ptr=7)
    cuda = SimpleNamespace(get_current_stream=lambda: current)
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace(cuda=cuda))
    for peer in pytorch.PEERS:
        if device.startswith(peer.device):
            said = outcome(peer, case, device)
            assert said == "" if meant(peer, case) else said.startswith("unable: ")
            streams = [(7, "cuda:0")] if device == "cuda:0" and not said else []
            assert [each for each in torch.noted if isinstance(each, tuple)] == streams
            torch.noted.clear()
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    if not said:
        assert (cudnn.benchmark, cudnn.allow_tf32, matmul.allow_tf32) == (True, False, False)


def test_torch_without_a_gpu_is_left_out_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", torch_filters.made())
    gpus = [peer for peer in pytorch.PEERS if peer.device == "cuda"]
    case = next(each for each in SMALL if isinstance(each.filter, filters.Gaussian))
    assert len(gpus) == 2
    for peer in gpus:
        assert outcome(peer, case, "cuda:0") == "unable: PyTorch sees no GPU"

"""How CuPy is asked for Fourier transforms: with a CuPy that keeps a log."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from gpuconv.backends.cuda import cupy_runtime
from gpuconv.backends.cuda.cupy_runtime import CupyRuntime
from gpuconv.errors import DeviceError


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Install a CuPy that runs nowhere and keeps a log."""
    path = Path(__file__).parent / "fakes" / "cupy_like.py"
    spec = importlib.util.spec_from_file_location("cupy", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "cupy", module)
    monkeypatch.setitem(sys.modules, "cupy.cuda", module.cuda)
    return module


@pytest.fixture
def engine(cupy: Any) -> CupyRuntime:
    return CupyRuntime()


def arrays(engine: CupyRuntime, rows: int = 8) -> tuple[Any, Any]:
    images = np.random.default_rng(0).standard_normal((3, rows, 6)).astype(np.float32)
    return engine.asarray(images), engine.empty((3, rows, 4), np.complex64)


def planned(cupy: Any) -> list[Any]:
    return [entry for entry in cupy.state.log if entry[0] == "plan"]


def test_images_go_there_and_back_unscaled(engine: CupyRuntime, cupy: Any) -> None:
    images, spectra = arrays(engine)
    before = images.host.copy()
    engine.transform(images, spectra)()
    assert np.allclose(spectra.host, np.fft.rfft2(before), atol=1e-5)
    engine.transform(spectra, images)()
    assert np.allclose(images.host, 48 * before, atol=1e-4)
    assert planned(cupy) == [
        ("plan", "CUFFT_R2C", 3, (8, 6), ((8, 6), 1, 48), ((8, 4), 1, 32), "C", 2, 4),
        ("plan", "CUFFT_C2R", 3, (8, 6), ((8, 4), 1, 32), ((8, 6), 1, 48), "C", 2, 6),
    ]
    assert [entry for entry in cupy.state.log if entry[0] == "fft"] == [
        ("fft", "CUFFT_R2C", -1),
        ("fft", "CUFFT_C2R", 1),
    ]


def test_doubles_are_transformed_as_such(engine: CupyRuntime, cupy: Any) -> None:
    before = np.random.default_rng(0).standard_normal((2, 5, 7))
    images, spectra = engine.asarray(before), engine.empty((2, 5, 4), np.complex128)
    engine.transform(images, spectra)()
    engine.transform(spectra, images)()
    assert np.allclose(images.host, 35 * before)
    assert [entry[1] for entry in planned(cupy)] == ["CUFFT_D2Z", "CUFFT_Z2D"]


def test_no_plan_comes_from_the_callers_cache(
    engine: CupyRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CuPy's function returns a plan that the caller may be using, with the caller's callbacks."""
    monkeypatch.setitem(sys.modules, "cupyx", None)
    images, spectra = arrays(engine)
    engine.transform(images, spectra)()


def test_a_plan_serves_one_size_and_one_stream_of_one_device(
    engine: CupyRuntime, cupy: Any
) -> None:
    counts = []
    for device, stream, rows in ((0, 0, 8), (0, 0, 8), (0, 7, 8), (1, 0, 8), (0, 0, 9), (0, 0, 8)):
        cupy.state.stream, cupy.state.current = stream, device
        engine.transform(*arrays(engine, rows))
        counts.append(len(planned(cupy)))
    assert counts == [1, 1, 2, 3, 4, 4]


def test_each_threads_own_stream_is_another(engine: CupyRuntime, cupy: Any) -> None:
    cupy.state.stream = 2
    seen = {engine.queue()}
    thread = Thread(target=lambda: seen.add(engine.queue()))
    thread.start()
    thread.join()
    assert len(seen) == 2
    cupy.state.stream = 3
    assert engine.queue() == (0, 3, 0)


def test_plans_are_bounded_in_bytes(engine: CupyRuntime, cupy: Any) -> None:
    engine._plans.most = 3 * 8 * 4 * 8
    for rows in (8, 7, 8):
        engine.transform(*arrays(engine, rows))
    assert len(planned(cupy)) == 3
    assert engine._plans.bytes <= engine._plans.most
    assert cupy_runtime._PLANS_BYTES == 256 * 2**20


def test_without_room_plans_are_given_back_and_then_it_is_said(
    engine: CupyRuntime, cupy: Any
) -> None:
    images, spectra = arrays(engine)
    engine.transform(images, spectra)
    cupy.state.room = 100
    with pytest.raises(MemoryError, match="no room"):
        engine.transform(spectra, images)
    assert len(engine._plans) == 0
    assert ("emptied",) in cupy.state.log


def test_what_cufft_cannot_do_is_said(
    engine: CupyRuntime, cupy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, spectra = arrays(engine)
    monkeypatch.setenv("FAKE_CUPY_FFT", "2")
    with pytest.raises(MemoryError, match="cuFFT has no room on the GPU"):
        engine.transform(images, spectra)
    monkeypatch.setenv("FAKE_CUPY_FFT", "5")
    with pytest.raises(DeviceError, match=r"cuFFT cannot transform images of \(8, 6\): .*error 5"):
        engine.transform(images, spectra)


def test_without_cufft_another_method_is_advised(
    engine: CupyRuntime, cupy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(cupy.cuda, "cufft")
    with pytest.raises(DeviceError, match=r"method='fft' needs cuFFT, .*; use another method"):
        engine.transform(*arrays(engine))

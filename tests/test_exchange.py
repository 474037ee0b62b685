"""Arrays of other libraries: they come in without a copy, and go out as what they were."""

from __future__ import annotations

import array
import copy
import gc as garbage
import importlib.util
import inspect
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import array_api_strict
import cuda_on_cpu
import numpy as np
import pytest
from cuda_on_cpu.apart import ApartRuntime, OnDevice

import gpuconv as gc
from gpuconv import cv2, operations
from gpuconv.backends.cuda import runtime
from gpuconv.errors import ArgumentError, ArgumentTypeError, DeviceError
from gpuconv.exchange import boundary, public, tensors
from gpuconv.scipy import ndimage, signal
from gpuconv.skimage import filters

FAKES = Path(__file__).parent / "fakes"
RNG = np.random.default_rng(11)
IMAGE = RNG.normal(size=(9, 8)).astype(np.float32)
KERNEL = RNG.normal(size=(3, 2))


def installed(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Install the fake of a library."""
    spec = importlib.util.spec_from_file_location(name, FAKES / f"{name}_like.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, name, module)
    return module


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A PyTorch that has no more than gpuconv uses."""
    return installed("torch", monkeypatch)


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A CuPy that runs nowhere and keeps a log."""
    monkeypatch.setattr(runtime, "_cupy", None)
    monkeypatch.setattr(tensors, "_STREAMS", {})
    return installed("cupy", monkeypatch)


@public
def taken(image: Any, kernel: Any = None, *, mask: Any = None, out: Any = None) -> Any:
    """Return what arrives."""
    return image, kernel, mask, out


@public
def doubled(image: Any, *, out: Any = None) -> Any:
    """Return twice the image."""
    if out is None:
        return image + image
    out[...] = image + image
    return out


# What is not foreign


@pytest.mark.parametrize(
    "image",
    [
        IMAGE,
        IMAGE.view(np.recarray),
        np.ma.masked_equal(IMAGE, 0),
        np.float32(3),
        [[1, 2], [3, 4]],
        ((1, 2), (3, 4)),
        [],
        None,
        "wrap",
        gc.Kernel([[1]]),
        np.dtype("f4"),
        np.float32,
        SimpleNamespace(__array__=lambda *_: IMAGE),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_numpy_knows_passes_as_it_is(image: Any) -> None:
    assert taken(image)[0] is image
    assert taken(IMAGE, kernel=image)[1] is image


def test_plain_arguments_are_known_without_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boundary, "kind_of", None)
    taken(IMAGE, 3, mask=IMAGE, out=None)
    taken(IMAGE, (1.5, 2), mask="x")
    gc.convolve(IMAGE, gc.kernels.box(3), border=("wrap", "nearest"), dtype=np.dtype("f8"))


def test_signature_and_docstring_stay() -> None:
    assert list(inspect.signature(taken).parameters) == ["image", "kernel", "mask", "out"]
    assert (taken.__name__, taken.__doc__) == ("taken", "Return what arrives.")
    assert gc.convolve.__module__ == "gpuconv.api"


@pytest.mark.parametrize("name", ["convolve", "correlate", "filter_bank", *operations.__all__])
def test_every_function_over_arrays_has_the_door(name: str) -> None:
    function = getattr(gc, name, None)
    if name != "FILTERS":
        assert inspect.unwrap(function) is not function  # type: ignore[arg-type]


def test_wrong_calls_are_told_of_as_ever() -> None:
    with pytest.raises(TypeError, match="takes from 1 to 2 positional arguments but 3 were given"):
        taken(memoryview(b"a"), 2, 3)
    with pytest.raises(TypeError, match="got multiple values for argument 'image'"):
        taken(memoryview(b"a"), image=3)
    with pytest.raises(TypeError, match="unexpected keyword argument 'cernel'"):
        taken(memoryview(b"a"), cernel=3)


# Python's buffers

BUFFERS = {
    "memoryview": memoryview(np.arange(12, dtype=np.int16).reshape(3, 4)),
    "big-endian": memoryview(np.arange(12, dtype=">i2").reshape(3, 4)[:, ::-1]),
    "read-only": memoryview(bytes(range(12))).cast("B", (3, 4)),
}


@pytest.mark.parametrize("name", BUFFERS)
def test_memoryviews_are_images(name: str) -> None:
    found = gc.convolve(BUFFERS[name], KERNEL, dtype="f8")
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, gc.convolve(np.asarray(BUFFERS[name]), KERNEL, dtype="f8"))


@pytest.mark.parametrize("weights", [bytearray(b"\x01\x02"), array.array("d", [1, 2])])
def test_other_buffers_are_weights(weights: Any) -> None:
    found = gc.convolve(IMAGE, (weights, weights))
    np.testing.assert_array_equal(found, gc.convolve(IMAGE, ([1, 2], [1, 2])))


def test_results_are_written_to_a_buffer() -> None:
    room = np.zeros((9, 8), np.float32)
    view = memoryview(room)
    assert gc.convolve(IMAGE, KERNEL, out=view) is view  # type: ignore[arg-type]
    np.testing.assert_array_equal(room, gc.convolve(IMAGE, KERNEL))
    with pytest.raises(ArgumentError, match="out is read-only"):
        gc.convolve(IMAGE, KERNEL, out=memoryview(room).toreadonly())  # type: ignore[arg-type]


# The array API standard


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "complex128"])
@pytest.mark.parametrize("device", ["CPU_DEVICE", "device1"])
def test_arrays_of_the_standard_come_back_as_such(dtype: str, device: str) -> None:
    pixels = (10 * RNG.random((6, 7))).astype(dtype)
    image = array_api_strict.asarray(pixels, device=array_api_strict.Device(device))
    found = gc.convolve(image, array_api_strict.asarray(KERNEL))  # type: ignore[arg-type]
    assert type(found) is type(image)
    assert found.device == image.device
    np.testing.assert_array_equal(np.from_dlpack(found), gc.convolve(pixels, KERNEL))


def test_an_array_of_the_standard_is_written() -> None:
    room = array_api_strict.zeros((9, 8), dtype=array_api_strict.float32)
    image = array_api_strict.asarray(IMAGE)
    assert gc.convolve(image, KERNEL, out=room) is room  # type: ignore[arg-type]
    np.testing.assert_array_equal(np.from_dlpack(room), gc.convolve(IMAGE, KERNEL))


def test_a_read_only_array_of_the_standard_is_read() -> None:
    fixed = np.broadcast_to(IMAGE[0], (4, 8))
    image = array_api_strict.asarray(fixed, copy=False)
    found = gc.convolve(image, KERNEL)  # type: ignore[arg-type]
    np.testing.assert_array_equal(np.from_dlpack(found), gc.convolve(fixed, KERNEL))
    with pytest.raises(ArgumentError, match="out is read-only"):
        gc.convolve(image, KERNEL, out=image)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(), (0, 4), (3, 0)])
def test_small_arrays_keep_their_shape(shape: tuple[int, ...]) -> None:
    image = array_api_strict.zeros(shape)
    assert doubled(image).shape == shape


class Namespaced:
    """An array of a library that NumPy reads by ``__array__`` alone."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        return SimpleNamespace(asarray=Namespaced)

    def __array__(self, *_: Any, **__: Any) -> Any:
        return self.values


def test_a_library_without_dlpack_copies() -> None:
    found = gc.convolve(Namespaced(IMAGE), KERNEL)
    assert type(found) is Namespaced
    np.testing.assert_array_equal(found.values, gc.convolve(IMAGE, KERNEL))
    with pytest.raises(ArgumentTypeError, match="out, of type Namespaced, cannot be taken by DL"):
        gc.convolve(Namespaced(IMAGE), KERNEL, out=Namespaced(IMAGE))  # type: ignore[arg-type]


# DLPack alone


class Packed:
    """An array that has DLPack, and no more."""

    def __init__(self, values: Any, device: tuple[int, int] = (1, 0)) -> None:
        self.values, self.device = values, device

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device

    def __dlpack__(self, **options: Any) -> Any:
        return self.values.__dlpack__(**options)


def test_arrays_with_dlpack_alone_become_numpys() -> None:
    found = gc.convolve(Packed(IMAGE), Packed(KERNEL))  # type: ignore[arg-type]
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, gc.convolve(IMAGE, KERNEL))
    assert np.shares_memory(taken(Packed(IMAGE))[0], IMAGE)


def test_what_dlpack_cannot_hand_over() -> None:
    with pytest.raises(ArgumentTypeError, match="image lies on DLPack's device 8; allowed are"):
        gc.convolve(Packed(IMAGE, (8, 0)), KERNEL)  # type: ignore[arg-type]
    said = "image, of type Packed, cannot be taken by DLPack: DLPack only supports native byte"
    with pytest.raises(ArgumentTypeError, match=said):
        gc.convolve(Packed(IMAGE.astype(">f4")), KERNEL)  # type: ignore[arg-type]


def test_dlpack_on_a_gpu_is_cupys(cupy: Any) -> None:
    class There(Packed):
        def __dlpack__(self, **options: Any) -> Any:
            return self.values

    image, *_ = taken(There(IMAGE, (2, 1)))
    assert (type(image), image.device.id) == (cupy.ndarray, 1)
    weights = taken(IMAGE, There(KERNEL, (2, 1)))[1]
    np.testing.assert_array_equal(weights, KERNEL)


# CuPy


def test_cupys_arrays_stay_and_weights_come_to_the_host(cupy: Any) -> None:
    image, mask = cupy.ndarray.of(IMAGE, 1), cupy.ndarray.of(IMAGE, 1)
    found = taken(image, cupy.ndarray.of(KERNEL, 0), mask=mask, out=mask)
    assert found[0] is image
    assert found[2] is found[3] is mask
    assert type(found[1]) is np.ndarray
    pair = taken(image, (cupy.ndarray.of(KERNEL[0]), [1, 2]))[1]
    assert type(pair[0]) is np.ndarray
    assert pair[1] == [1, 2]


def test_arrays_on_different_devices(cupy: Any) -> None:
    here, there, far = IMAGE, cupy.ndarray.of(IMAGE, 0), cupy.ndarray.of(IMAGE, 1)
    said = "mask lies on cpu and image on cuda:0; they must be on one device"
    with pytest.raises(ArgumentError, match=said):
        taken(there, mask=here)
    with pytest.raises(ArgumentError, match="out lies on cuda:0 and image on cpu"):
        taken(here, out=there)
    with pytest.raises(ArgumentError, match="out lies on cuda:1 and image on cuda:0"):
        taken(there, mask=there, out=far)
    with pytest.raises(ArgumentError, match="reference lies on cuda:0 and image on cpu"):
        gc.psnr(IMAGE, there)


# PyTorch on the CPU


def test_tensors_come_back_as_tensors(torch: Any) -> None:
    image = torch.Tensor(IMAGE)
    found = gc.convolve(image, torch.Tensor(KERNEL))
    assert type(found) is torch.Tensor
    np.testing.assert_array_equal(found.numpy(), gc.convolve(IMAGE, KERNEL))
    assert np.shares_memory(taken(image)[0].memory, IMAGE)
    score, similar = gc.ssim(image, image, data_range=4, full=True)  # type: ignore[misc]
    assert score == pytest.approx(1)
    assert type(score) is float
    assert type(similar) is torch.Tensor


def test_tensors_among_weights(torch: Any) -> None:
    line, other = torch.Tensor(KERNEL[:, 0]), torch.Tensor(KERNEL[0])
    found = gc.convolve(IMAGE, (line, other))
    np.testing.assert_array_equal(found, gc.convolve(IMAGE, (KERNEL[:, 0], KERNEL[0])))
    bank = gc.filter_bank(IMAGE, [(line, other), (other, line)])
    assert type(bank) is np.ndarray
    assert bank.shape == (2, 9, 8)


def test_a_tensor_is_written_and_autograd_told(torch: Any) -> None:
    room = torch.Tensor(np.zeros_like(IMAGE))
    assert gc.median(torch.Tensor(IMAGE), out=room) is room
    np.testing.assert_array_equal(room.memory, gc.median(IMAGE))
    assert room.version == 1


def test_an_array_of_numpys_that_is_written_comes_back_as_it_is(torch: Any) -> None:
    room = np.zeros_like(IMAGE)
    assert gc.median(torch.Tensor(IMAGE), out=room) is room
    np.testing.assert_array_equal(room, gc.median(IMAGE))


def test_expanded_views_are_not_written(torch: Any) -> None:
    expanded = np.lib.stride_tricks.as_strided(np.zeros_like(IMAGE), strides=(0, IMAGE.itemsize))
    with pytest.raises(ArgumentError, match="out is an expanded view"):
        gc.median(IMAGE, out=torch.Tensor(expanded))


def test_no_copy_is_advised_where_something_is_written(torch: Any) -> None:
    room = torch.Tensor(IMAGE, dtype=torch.dtype("bfloat16"))
    with pytest.raises(ArgumentTypeError, match=r"out has dtype torch\.bfloat16, .* has not$"):
        gc.median(IMAGE, out=room)


def test_results_that_would_abort_pytorch_are_copied(torch: Any) -> None:
    @public
    def upside_down(image: Any) -> Any:
        return image[::-1], np.broadcast_to(image[0], image.shape)

    flipped, fixed = upside_down(torch.Tensor(IMAGE))
    np.testing.assert_array_equal(flipped.memory, IMAGE[::-1])
    np.testing.assert_array_equal(fixed.memory[3], IMAGE[0])


def test_a_tensor_that_requires_a_gradient(torch: Any) -> None:
    image = torch.Tensor(IMAGE, requires_grad=True)
    said = (
        r"image requires a gradient, which is not recorded here: pass image.detach\(\), or use "
        "gpuconv.torch.Filter"
    )
    with pytest.raises(ArgumentError, match=said):
        gc.convolve(image, KERNEL)
    with pytest.raises(ArgumentError, match="kernel requires a gradient"):
        gc.convolve(torch.Tensor(IMAGE), image)
    with pytest.raises(ArgumentError, match="out requires a gradient"):
        gc.convolve(IMAGE, KERNEL, out=image)
    torch.state.recording = False
    assert type(gc.convolve(image, KERNEL)) is torch.Tensor


def test_conjugated_and_negated_views(torch: Any) -> None:
    values = (IMAGE + 1j * IMAGE[::-1]).astype(np.complex64)
    view = torch.Tensor(values, conjugated=True, negated=True)
    np.testing.assert_array_equal(taken(view)[0].memory, -values.conj())
    np.testing.assert_array_equal(taken(IMAGE, view)[1], -values.conj())
    for flag in ("conjugated", "negated"):
        with pytest.raises(ArgumentError, match="out is a conjugated or negated view"):
            taken(IMAGE, out=torch.Tensor(values, **{flag: True}))


def test_tensors_that_numpy_cannot_see(torch: Any) -> None:
    for flags, said in (
        ({"dtype": torch.dtype("bfloat16")}, "image has dtype torch.bfloat16, which NumPy has not"),
        ({"device": torch.device("mps:0")}, r"image lies on mps:0; .* pass image.cpu\(\)"),
        ({"layout": torch.sparse_coo}, "image has layout torch.sparse_coo; it must be dense"),
    ):
        with pytest.raises(ArgumentTypeError, match=said):
            gc.convolve(torch.Tensor(IMAGE, **flags), KERNEL)


def test_pytorchs_dtypes_are_dtypes(torch: Any) -> None:
    found = gc.convolve(torch.Tensor(IMAGE), KERNEL, dtype=torch.dtype("float64"))
    assert found.dtype.name == "float64"
    with pytest.raises(ArgumentTypeError, match=r"dtype=torch\.bfloat16 is no dtype of NumPy's"):
        gc.convolve(IMAGE, KERNEL, dtype=torch.dtype("bfloat16"))


def test_pytorchs_dtypes_lie_nowhere(torch: Any, cupy: Any) -> None:
    @public
    def told(image: Any, output: Any = None) -> str:
        return str(output)

    assert told(torch.Tensor(IMAGE, "cuda:1"), torch.dtype("uint8")) == "uint8"


CALLS: dict[str, tuple[Any, ...]] = {
    "bilateral": (3,),
    "percentile": (50,),
    "rank": (1,),
    "gradient_magnitude": (1.5,),
    "laplacian_of_gaussian": (1.0,),
    "difference_of_gaussians": (1.0,),
    "unsharp_mask": (),
    "richardson_lucy": (KERNEL**2, 2),
    "wiener": (KERNEL**2, 0.1),
}
OPTIONS: dict[str, dict[str, Any]] = {"bilateral": {"sigma_color": 1.0}}


@pytest.mark.parametrize("name", sorted({*operations.__all__} - {"FILTERS", "psnr", "ssim"}))
def test_every_operation_takes_tensors(name: str, torch: Any) -> None:
    function, more = getattr(gc, name), CALLS.get(name, ())
    image = np.abs(IMAGE)
    expected = function(image, *more, **OPTIONS.get(name, {}))
    found = function(torch.Tensor(image), *more, **OPTIONS.get(name, {}))
    if isinstance(expected, float):
        assert found == expected
    else:
        assert type(found) is torch.Tensor
        np.testing.assert_array_equal(found.memory, expected)


# PyTorch on a GPU


def test_tensors_on_a_gpu_are_worked_on_in_their_stream(torch: Any, cupy: Any) -> None:
    seen = []

    @public
    def watched(image: Any, kernel: Any, *, out: Any = None) -> Any:
        seen.append((type(image), image.device.id, cupy.state.current, cupy.state.stream))
        assert type(kernel) is np.ndarray
        return image[:2] if out is None else out

    torch.state.stream = 4711
    image, weights = torch.Tensor(IMAGE, "cuda:1"), torch.Tensor(KERNEL, "cuda:0")
    found = watched(image, weights)
    assert seen == [(cupy.ndarray, 1, 1, 4711)]
    assert (type(found), str(found.device)) == (torch.Tensor, "cuda:1")
    np.testing.assert_array_equal(found.memory.host, IMAGE[:2])
    assert (cupy.state.current, cupy.state.stream) == (0, 0)
    room = torch.Tensor(np.zeros_like(IMAGE), "cuda:1")
    assert watched(image, weights, out=room) is room
    assert room.version == 1


def test_pytorchs_streams_are_never_destroyed(torch: Any, cupy: Any) -> None:
    torch.state.stream = 4711
    for _ in range(3):
        taken(torch.Tensor(IMAGE, "cuda:1"))
    garbage.collect()
    assert ("destroyed", 4711) not in cupy.state.log
    assert len(tensors._STREAMS) == 1


def test_tensors_on_different_devices(torch: Any, cupy: Any) -> None:
    image = torch.Tensor(IMAGE, "cuda:1")
    for out, where in (
        (torch.Tensor(IMAGE), "cpu"),
        (IMAGE, "cpu"),
        (torch.Tensor(IMAGE, "cuda:0"), "cuda:0"),
        (cupy.ndarray.of(IMAGE, 0), "cuda:0"),
    ):
        with pytest.raises(ArgumentError, match=f"out lies on {where} and image on cuda:1"):
            gc.convolve(image, KERNEL, out=out)


def test_a_tensor_on_a_gpu_needs_cupy(torch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_cupy", None)
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(DeviceError, match="CuPy is not installed: pip install"):
        gc.convolve(torch.Tensor(IMAGE, "cuda:0"), KERNEL)


class Nowhere:
    """A device and its stream, of which nothing depends."""

    def __init__(self, *_: Any) -> None:
        pass

    from_external = __init__

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def apart(torch: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A GPU that runs the CUDA kernels on the CPU, for CuPy and PyTorch."""
    if reason := cuda_on_cpu.missing():
        pytest.skip(reason)
    cupy: Any = ModuleType("cupy")
    cupy.ndarray = OnDevice
    cupy.from_dlpack = lambda tensor: tensor.memory.view(OnDevice)
    streams = SimpleNamespace(from_external=lambda theirs: Nowhere())
    cupy.cuda = SimpleNamespace(Device=Nowhere, Stream=streams)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setattr(tensors, "_STREAMS", {})
    with runtime.use(ApartRuntime()):
        yield


@pytest.mark.usefixtures("apart")
def test_the_engine_filters_tensors_on_a_gpu(torch: Any) -> None:
    image = torch.Tensor(IMAGE, "cuda:0")
    for function, arguments in ((gc.convolve, (KERNEL,)), (gc.median, ())):
        found: Any = function(image, *arguments)  # type: ignore[operator]
        assert (type(found), str(found.device)) == (torch.Tensor, "cuda:0")
        assert type(found.memory) is OnDevice
        expected = function(IMAGE, *arguments)  # type: ignore[operator]
        np.testing.assert_allclose(found.memory, expected, atol=1e-6)


# Stand-ins for other libraries

STAND_INS: dict[str, Any] = {
    "ndimage linear": lambda image, out: ndimage.gaussian_filter(image, (1, 2), output=out),
    "ndimage rank": lambda image, out: ndimage.median_filter(image, (3, 2), output=out),
    "cv2": lambda image, out: cv2.blur(image, (3, 3), dst=out),
    "skimage": lambda image, out: filters.gaussian(image, 1.5, out=out),
}


@pytest.mark.parametrize("name", STAND_INS)
def test_stand_ins_take_arrays_of_any_library(name: str) -> None:
    expected = STAND_INS[name](IMAGE, None)
    image = array_api_strict.asarray(IMAGE)
    found = STAND_INS[name](image, None)
    assert type(found) is type(image)
    np.testing.assert_array_equal(np.from_dlpack(found), expected)
    room = array_api_strict.zeros_like(image)
    assert STAND_INS[name](image, room) is room
    np.testing.assert_array_equal(np.from_dlpack(room), expected)


@pytest.mark.usefixtures("apart")
@pytest.mark.parametrize("name", STAND_INS)
def test_stand_ins_filter_tensors_on_a_gpu(name: str, torch: Any) -> None:
    expected = STAND_INS[name](IMAGE, None)
    image = torch.Tensor(IMAGE, "cuda:0")
    found = STAND_INS[name](image, None)
    assert (type(found), str(found.device)) == (torch.Tensor, "cuda:0")
    np.testing.assert_allclose(found.memory, expected, atol=1e-6)
    room = torch.Tensor(np.zeros_like(IMAGE), "cuda:0")
    assert STAND_INS[name](image, room) is room
    np.testing.assert_allclose(room.memory, expected, atol=1e-6)


def test_both_signals_may_be_foreign(torch: Any) -> None:
    image, other = torch.Tensor(IMAGE), torch.Tensor(IMAGE[:3, :2])
    found = signal.convolve2d(image, other)
    assert type(found) is torch.Tensor
    np.testing.assert_array_equal(found.memory, signal.convolve2d(IMAGE, IMAGE[:3, :2]))


# Dask


def test_dask_arrays_go_to_those_who_know_them(monkeypatch: pytest.MonkeyPatch) -> None:
    da = pytest.importorskip("dask.array")
    told = []
    there = SimpleNamespace(over_dask=lambda *given: told.append(given) or "lazy")
    monkeypatch.setitem(sys.modules, "gpuconv.dask.overlap", there)

    def reach(arguments: Any) -> None:
        return None

    @public(reach=reach)
    def with_more(image: Any, size: int = 3, *, mode: str = "wrap", **more: Any) -> Any:
        raise AssertionError("this computes")

    image = da.zeros((4, 4))
    assert with_more(image, mode="mirror", truncate=2, weights=memoryview(b"ab")) == "lazy"
    ((function, known, arguments),) = told
    assert function is with_more
    assert known is reach
    expected = {"image", "size", "mode", "truncate", "weights"}
    assert arguments.keys() == expected
    assert arguments["image"] is image
    assert (arguments["size"], arguments["mode"], arguments["truncate"]) == (3, "mirror", 2)
    assert taken(IMAGE, mask=image) == "lazy"


def test_decorated_functions_travel_by_name() -> None:
    assert pickle.loads(pickle.dumps(gc.convolve)) is gc.convolve
    assert copy.deepcopy(gc.median) is gc.median

"""Calls that are made again: remembered by what they were asked, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import gpuconv as gc
from benchmarks.calls import __main__ as calls
from benchmarks.calls import idle_cupy
from gpuconv import apply, responses
from gpuconv.backends import cuda, host, repeated
from gpuconv.backends.cuda import execution, ready
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.exchange import boundary

PIXELS = np.random.default_rng(3).random((20, 24)).astype(np.float32)
KERNEL = gc.Kernel([[1, 2, 0], [0, 1, 0], [3, 0, 1]])


@pytest.fixture
def idle() -> Iterator[None]:
    """Have a GPU whose launches do nothing."""
    with idle_cupy.installed():
        yield


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the arguments of launches to come."""
    seen = list[Any]()
    monkeypatch.setattr(idle_cupy, "_launch", lambda *launch: seen.append(launch[2]))
    return seen


def array(*shape: int, dtype: str = "float32") -> idle_cupy.ndarray:
    return idle_cupy.array(shape, dtype)


OPERATIONS = {
    "median": lambda image, **options: gc.median(image, 3, **options),
    "bilateral": lambda image, **options: gc.bilateral(
        image, 5, sigma_color=1, sigma_space=2, **options
    ),
    "sobel": lambda image, **options: gc.sobel(image, **options),
    "components": lambda image, **options: gc.sobel(image, "components", **options),
    "correlate": lambda image, **options: gc.correlate(image, KERNEL, **options),
}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("channel_axis", [None, 0, -1])
def test_a_call_made_again_gives_the_same(name: str, channel_axis: int | None) -> None:
    operation = OPERATIONS[name]
    image = PIXELS if channel_axis is None else np.stack([PIXELS, PIXELS.T.reshape(20, 24)] * 2)
    image = image if channel_axis != -1 else np.ascontiguousarray(np.moveaxis(image, 0, -1))
    first = operation(image, channel_axis=channel_axis)
    out = np.empty_like(first)
    for other in (image, np.asfortranarray(image), image[::-1][::-1]):
        np.testing.assert_array_equal(operation(other, channel_axis=channel_axis), first)
        assert operation(other, channel_axis=channel_axis, out=out) is out
        np.testing.assert_array_equal(out, first)


@pytest.mark.parametrize("name", ["median", "sobel", "bilateral"])
def test_out_is_looked_at_each_time(name: str) -> None:
    operation, out = OPERATIONS[name], np.empty_like(PIXELS)
    for _ in range(2):
        operation(PIXELS, out=out)
        with pytest.raises(ArgumentError, match=r"out has shape \(19, 24\)"):
            operation(PIXELS, out=out[1:])
    fixed = out.copy()
    fixed.flags.writeable = False
    with pytest.raises(ArgumentError, match="out is read-only"):
        operation(PIXELS, out=fixed)


@pytest.mark.parametrize("name", ["median", "sobel", "bilateral"])
def test_an_image_may_be_its_own_output(name: str) -> None:
    operation, image, expected = OPERATIONS[name], PIXELS.copy(), PIXELS
    for _ in range(3):
        expected = operation(expected)
        operation(image, out=image)
        np.testing.assert_array_equal(image, expected)


@pytest.mark.parametrize(("calls_of", "name"), [(apply, "median"), (responses, "sobel")])
def test_what_was_remembered_is_not_prepared(
    calls_of: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = np.ones((9, 13), np.float32)
    first = OPERATIONS[name](image)
    monkeypatch.setattr(calls_of.backends, "owner", None)
    np.testing.assert_array_equal(OPERATIONS[name](image), first)


def test_what_is_no_plain_call_has_no_key() -> None:
    plain = repeated.key_of(PIXELS, None, None, None, "cpu")
    assert plain == repeated.key_of(PIXELS, None, None, None, None)
    for image in (PIXELS.tolist(), np.ma.masked_array(PIXELS)):
        assert repeated.key_of(image, None, None, None, None) is None
    for options in ((2.0, None, None, None), (None, "f4", None, None), (None, None, [1], None)):
        assert repeated.key_of(PIXELS, *options) is None  # type: ignore[arg-type]
    assert repeated.key_of(PIXELS, None, None, None, "cuda") is None


def test_kernels_by_name_are_made_once_for_the_same_arguments() -> None:
    kernels = gc.kernels
    assert kernels.gaussian(1.5) is kernels.gaussian(1.5)
    assert kernels.gaussian(1.5) is not kernels.gaussian(1.5, truncate=3)
    assert kernels.box(3) is kernels.box(3)
    for _ in range(2):
        kernels.box(1)
        with pytest.raises(ArgumentTypeError, match="size=True is of type bool"):
            kernels.box(True)
        with pytest.raises(ArgumentTypeError, match=r"sigma=\[1\] is of type list"):
            kernels.gaussian([1])  # type: ignore[arg-type]


def test_a_window_of_a_number_that_is_no_size_is_told_of_each_time() -> None:
    gc.median(PIXELS, 1)
    with pytest.raises(ArgumentError, match="size"):
        gc.median(PIXELS, 1.0)  # type: ignore[arg-type]
    gc.correlate(PIXELS, KERNEL, stride=(1, 1), dilation=(1, 1))
    for option in ("stride", "dilation"):
        with pytest.raises(
            ArgumentError, match=rf"{option}=\(1.0, 1.0\) must be a positive integer"
        ):
            gc.correlate(PIXELS, KERNEL, **{option: (1.0, 1.0)})  # type: ignore[arg-type]
    gc.laplace(PIXELS, scale=1)
    with pytest.raises(ArgumentTypeError, match="scale"):
        gc.laplace(PIXELS, scale=[1])  # type: ignore[arg-type]


# On a GPU


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - {"components"}))
def test_a_call_made_again_is_launched_from_what_is_known(
    name: str, launched: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    image, operation = array(40, 50), OPERATIONS[name]
    out = array(40, 50)
    operation(image, out=out)
    monkeypatch.setattr(execution, "launches", None)
    monkeypatch.setattr(cuda.runtime.CupyRuntime, "compile", None)
    before = len(launched)
    assert operation(image, out=out) is out
    again = launched[before:]
    assert again
    assert [a[:-1] for a in again] == [a[:-1] for a in launched[: len(again)]]
    assert again[0][0] is image


@pytest.mark.usefixtures("idle")
def test_colours_of_a_pixel_are_launched_as_they_lie(launched: list[Any]) -> None:
    image, out = array(40, 50, 3), array(40, 50, 3)
    for _ in range(2):
        gc.correlate(image, KERNEL, channel_axis=-1, out=out)
    first, second = launched
    assert [each.data for each in first[:2]] == [image.data, out.data]
    assert second[:2] == [image, out]
    assert second[-1] is first[-1]


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - {"components"}))
def test_an_image_that_no_kernel_can_read_is_copied_each_time(
    name: str, launched: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    across, aligned, out = (array(40, 50) for _ in range(3))
    across.data.ptr += 2
    monkeypatch.setattr(
        cuda.runtime.CupyRuntime, "asarray", lambda _, image: aligned if image is across else image
    )
    for _ in range(2):
        launched.clear()
        OPERATIONS[name](across, out=out)
        assert launched[0][0] is aligned


@pytest.mark.usefixtures("idle")
def test_an_output_that_overlaps_is_not_launched_from_what_is_known() -> None:
    image, out = array(40, 50), array(40, 50)
    gc.correlate(image, KERNEL, out=out)
    plan = gc.plan((40, 50), "float32", KERNEL)
    current = cuda.runtime.current()
    known = next(reversed(ready._known.calls.values()))
    start = image.data.ptr
    assert known.apart(start, start + 8000)
    assert known.apart(start, start - 8000)
    assert not known.apart(start, start + 7999)
    assert not known.apart(start, start - 7999)
    assert not ready.again(current, plan, image, image, None)


@pytest.mark.usefixtures("idle")
def test_an_array_on_another_device_is_not_launched_from_what_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image, out, far = array(40, 50), array(40, 50), array(40, 50)
    gc.correlate(image, KERNEL, out=out)
    (key,) = list(ready._known.calls)[-1:]
    current, plan = cuda.runtime.current(), key[1]
    assert ready.again(current, plan, image, out, None)
    far.device = type(far.device)()
    monkeypatch.setattr(far.device, "id", 1, raising=False)
    assert not ready.again(current, plan, image, far, None)
    assert not ready.again(current, plan, far, out, None)


@pytest.mark.usefixtures("idle")
def test_only_an_image_and_an_output_beside_it_go_straight_in() -> None:
    image, out = array(4, 5), array(4, 5)
    assert boundary._is_cupys((image, KERNEL), {"out": out, "border": "wrap"})
    assert boundary._is_cupys((image, (KERNEL, KERNEL)), {})
    assert not boundary._is_cupys((image, PIXELS), {})
    assert not boundary._is_cupys((image,), {"mask": out})
    assert not boundary._is_cupys((image,), {"out": PIXELS})
    assert not boundary._is_cupys((PIXELS,), {"out": out})
    assert not boundary._is_cupys((image, [KERNEL]), {})
    out.device = type(out.device)()
    assert not boundary._is_cupys((image,), {"out": out})


def test_where_bytes_lie_is_told_from_the_first_element() -> None:
    turned = PIXELS[::-1, ::2]
    low, high = cuda.extent(turned.shape, turned.strides, 4)
    start = turned.__array_interface__["data"][0] - PIXELS.__array_interface__["data"][0]
    assert (start + low, start + high) == (0, 20 * 24 * 4 - 4)


# The command


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_command_has_a_line_for_each_call(
    device: str, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["--size", "12", "--rounds", "1", "--calls", "1"]
    assert calls.main(["--device", device, *few]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:26].strip() for line in lines] == list(calls.CALLS)
    assert all(float(line.split()[-3]) > 0 for line in lines)


def test_a_settled_call_has_one_thread() -> None:
    assert host.settled(1e-5)
    assert not host.settled(1.0)
    assert cuda.settled(1.0)

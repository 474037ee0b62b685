"""Restoration is what its formulas say, equals scikit-image, and does not ring at the frame."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cuda_on_cpu import CpuRuntime, missing
from numpy.typing import NDArray
from scipy import ndimage
from skimage import restoration

import gpuconv as gc
from gpuconv.backends.cuda import runtime
from gpuconv.backends.host import circular, fourier
from gpuconv.bounded import Bounded
from gpuconv.operations import wiener_filter

Array = NDArray[Any]

SLANTED = gc.kernels.motion_blur(5, 30)
#: Of no symmetry at all, and with an anchor that is not in the middle.
ODD_ONE = gc.Kernel([[1, 2, 0, 0], [0, 3, 4, 1], [0, 0, 1, 0]], anchor=(0, 2), divisor=12)


def picture(*shape: int, seed: int = 0) -> Array:
    """Return something smooth with noise on it, between 0 and 1."""
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.random(shape), [0] * (len(shape) - 2) + [2, 2])
    smooth = (smooth - smooth.min()) / (np.ptp(smooth) or 1)
    made: Array = np.clip(smooth + rng.normal(0, 0.01, shape), 0, 1)
    return made


def photograph() -> tuple[Array, gc.Kernel, Array]:
    """Return a photograph; a PSF; and the photograph blurred by what lay beyond its frame, too."""
    whole = gc.read_image("samples/camera.png").pixels / 255.0
    psf = gc.kernels.motion_blur(15, 30)
    noise = np.random.default_rng(1).normal(0, 2 / 255, whole.shape)
    blurred = ndimage.convolve(whole, psf.weights) + noise
    inside = slice(150, 310), slice(180, 350)
    return whole[inside], psf, blurred[inside]


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch: pytest.MonkeyPatch, root: Any) -> None:
    monkeypatch.chdir(root)


def errors(image: Array, truth: Array, width: int) -> tuple[float, float]:
    """Return mean squared errors in a band along the frame, and within it."""
    squares = (image - truth) ** 2
    inner = squares[width:-width, width:-width]
    band = (squares.sum() - inner.sum()) / (squares.size - inner.size)
    return float(band), float(inner.mean())


def by_formula(image: Array, psf: gc.Kernel, balance: float, noise: float) -> Array:
    """Return Wiener's filter of a periodic image, by whole transforms."""
    blur: Array = np.zeros(image.shape)
    laplacian: Array = np.zeros(image.shape)
    for (k, m), weight in np.ndenumerate(psf.weights):
        blur[(k - psf.anchor[0]) % len(blur), (m - psf.anchor[1]) % blur.shape[1]] += weight
    for k, m, weight in ((0, 0, 4), (0, 1, -1), (1, 0, -1), (0, -1, -1), (-1, 0, -1)):
        laplacian[k % len(blur), m % blur.shape[1]] += weight
    h, r = np.fft.fft2(blur), np.fft.fft2(laplacian)
    power = np.abs(h) ** 2 + balance * np.abs(r) ** 2 + noise
    found: Array = np.fft.ifft2(np.fft.fft2(image) * h.conj() / power).real
    return found


# ------------------------------------------------------------------------ Wiener


@pytest.mark.parametrize("shape", [(24, 30), (23, 31), (40, 9)])
def test_wrapped_it_is_scikit_images_wiener(engine: str, shape: tuple[int, int]) -> None:
    image = picture(*shape)
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 2e-5)):
        given = image.astype(dtype)
        theirs = restoration.wiener(given, SLANTED.weights, 0.01)
        ours = gc.wiener(given, SLANTED, 0.01, border="wrap", clip=True, device=engine)
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)


def test_noise_is_the_k_of_the_textbook(engine: str) -> None:
    image = picture(20, 22)
    for balance, noise in ((0.0, 0.01), (0.02, 0.003)):
        ours = gc.wiener(image, ODD_ONE, balance, noise=noise, border="wrap", device=engine)
        np.testing.assert_allclose(ours, by_formula(image, ODD_ONE, balance, noise), atol=1e-12)


@pytest.mark.parametrize("border", ["reflect", "mirror", "nearest", "constant", ("wrap", "edge")])
def test_a_border_is_as_if_the_image_went_on_so(border: Any) -> None:
    image, far = picture(20, 26), 150
    ours = gc.wiener(image, SLANTED, 0.1, border=border, cval=0.25 if border == "constant" else 0)
    modes = border if isinstance(border, tuple) else (border, border)
    words = {"reflect": "symmetric", "mirror": "reflect", "nearest": "edge"}
    fill: dict[str, Any] = {"constant_values": 0.25} if border == "constant" else {}
    wide = image
    for axis, mode in enumerate(modes):
        pads = [(0, 0), (0, 0)]
        pads[axis] = (far, far)
        wide = np.pad(wide, pads, mode=words.get(mode, mode), **fill)
    whole = by_formula(wide, SLANTED, 0.1, 0)
    np.testing.assert_allclose(ours, whole[far:-far, far:-far], atol=2e-3)


def test_nothing_rings_at_the_frame() -> None:
    truth, psf, blurred = photograph()
    band, inner = errors(gc.wiener(blurred, psf, 0.02), truth, 15)
    around, within = errors(gc.wiener(blurred, psf, 0.02, border="wrap"), truth, 15)
    before, _ = errors(blurred, truth, 15)
    assert band < around / 5
    assert inner < within
    assert band < before


def test_tiles_are_the_whole_but_for_their_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, blurred = photograph()
    psf = gc.kernels.gaussian(1)
    for border in ("estimate", "reflect", "wrap"):
        whole = gc.wiener(blurred, psf, 0.1, border=border)
        with monkeypatch.context() as patch:
            patch.setattr(wiener_filter, "_POINTS", 100**2)
            tiles = gc.wiener(blurred, psf, 0.1, border=border)
        differences = np.abs(tiles - whole)
        assert 0 < differences.max() < 5e-3
        assert differences[8:-8, 8:-8].max() < 1e-4


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_where_memory_is_short_there_are_tiles() -> None:
    image, psf = picture(3, 90, 80).astype(np.float32), gc.kernels.gaussian(0.7)
    here = gc.wiener(image, psf, 0.1)
    with runtime.use(CpuRuntime("fast", ("forward",), memory=100_000)):
        there = gc.wiener(image, psf, 0.1, device="cuda")
    np.testing.assert_allclose(there, here, atol=0.01)
    np.testing.assert_allclose(there[:, 8:-8, 8:-8], here[:, 8:-8, 8:-8], atol=1e-4)
    with (
        runtime.use(CpuRuntime("fast", ("forward",), memory=1000)),
        pytest.raises(gc.DeviceError, match="too little free memory to restore tiles"),
    ):
        gc.wiener(image, psf, 0.1, device="cuda")


@pytest.mark.parametrize("sigma", [0.5, 2, 8])
def test_how_much_to_smooth_is_found_out(sigma: float) -> None:
    truth, psf, _ = photograph()
    noise = np.random.default_rng(3).normal(0, sigma / 255, truth.shape)
    blurred = ndimage.convolve(truth, psf.weights) + noise
    of = {b: gc.psnr(gc.wiener(blurred, psf, b), truth) for b in np.geomspace(1e-3, 10, 9)}
    found = gc.psnr(gc.wiener(blurred, psf), truth)
    assert found > max(of.values()) - 1
    assert found > gc.psnr(blurred, truth) + 1
    np.testing.assert_array_equal(gc.wiener(blurred, psf), gc.wiener(blurred, psf, "auto"))


def test_a_balance_is_found_for_any_image(engine: str) -> None:
    for shape in ((1, 1), (1, 6), (2, 5, 1), (3, 9, 8), (0, 4)):
        image = np.full(shape, 7, np.uint8)
        np.testing.assert_array_equal(gc.wiener(image, SLANTED, device=engine), image)


def test_a_filter_too_large_to_be_kept_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made, make = list[Any](), circular._columns_first

    def counted(transfer: Any) -> Any:
        made.append(transfer)
        return make(transfer)

    monkeypatch.setattr(circular, "_columns_first", counted)
    monkeypatch.setattr(circular, "_KEPT", Bounded(most=1000))
    gc.wiener(picture(30, 37), SLANTED, 0.05)
    assert len(made) == 2  # to estimate what is around, and to restore


def test_tiles_share_their_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, make = list[tuple[int, int]](), circular._columns_first

    def counted(transfer: Any) -> Any:
        sizes.append(transfer.size)
        return make(transfer)

    monkeypatch.setattr(circular, "_columns_first", counted)
    monkeypatch.setattr(circular, "_KEPT", Bounded(most=1000))
    monkeypatch.setattr(wiener_filter, "_POINTS", 60 * 60)
    gc.wiener(picture(70, 90), SLANTED, 0.5)
    assert len(sizes) == 2


# ------------------------------------------------------------------------ Richardson and Lucy


@pytest.mark.parametrize("shape", [(24, 30), (23, 9)])
def test_filled_it_is_scikit_images_richardson_lucy(engine: str, shape: tuple[int, int]) -> None:
    image = picture(*shape)
    for dtype, tolerance in ((np.float64, 1e-9), (np.float32, 1e-4)):
        given = image.astype(dtype)
        theirs = restoration.richardson_lucy(given, SLANTED.weights.astype(dtype), 6)
        ours = gc.richardson_lucy(given, SLANTED, 6, border="constant", clip=True, device=engine)
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)


def matrix(psf: gc.Kernel, shape: tuple[int, int]) -> tuple[Array, tuple[int, int]]:
    """Return the blur of a picture and its surroundings as a matrix, and their shape."""
    (rows, columns), (taps_y, taps_x) = shape, psf.shape
    whole = rows + taps_y - 1, columns + taps_x - 1
    blur = np.zeros((*shape, *whole))
    for y, x in np.ndindex(shape):
        blur[y, x, y : y + taps_y, x : x + taps_x] = psf.weights[::-1, ::-1]
    return blur.reshape(rows * columns, -1), whole


def test_what_is_outside_is_estimated_with_the_rest(engine: str) -> None:
    """The definition: a matrix, its transpose, and their sums."""
    image, psf = picture(9, 11) + 0.1, ODD_ONE
    blur, whole = matrix(psf, (9, 11))
    seen = blur.sum(axis=0)
    shares = np.where(seen > 0.01, 1 / np.where(seen > 0, seen, 1), 0)
    x = np.full(blur.shape[1], 0.5)
    for _ in range(4):
        x = x * shares * (blur.T @ (image.ravel() / (blur @ x)))
    top, left = psf.shape[0] - 1 - psf.anchor[0], psf.shape[1] - 1 - psf.anchor[1]
    expected = x.reshape(whole)[top : top + 9, left : left + 11]
    ours = gc.richardson_lucy(image, psf, 4, device=engine)
    np.testing.assert_allclose(ours, expected, atol=1e-10)


@pytest.mark.parametrize("border", ["wrap", "reflect", "nearest", "mirror"])
def test_with_a_border_both_convolutions_have_it(border: str) -> None:
    image = picture(16, 19) + 0.1
    mode = f"grid-{border}" if border == "wrap" else border
    x = np.full(image.shape, 0.5)
    for _ in range(5):
        ratio = image / ndimage.convolve(x, SLANTED.weights, mode=mode)
        x *= ndimage.correlate(ratio, SLANTED.weights, mode=mode)
    ours = gc.richardson_lucy(image, SLANTED, 5, border=border)
    np.testing.assert_allclose(ours, x, atol=1e-10)


def test_it_does_not_ring_at_the_frame_either() -> None:
    truth, psf, blurred = photograph()
    band, inner = errors(gc.richardson_lucy(blurred, psf, 20), truth, 15)
    theirs = restoration.richardson_lucy(blurred.clip(0), psf.weights, 20, clip=False)
    around, within = errors(theirs, truth, 15)
    before, _ = errors(blurred, truth, 15)
    assert band < around / 5
    assert inner < within
    assert band < before


def test_the_brightness_of_a_psf_is_undone() -> None:
    image = picture(20, 20) + 0.1
    dim = gc.richardson_lucy(0.25 * image, 0.25 * SLANTED, 8)
    np.testing.assert_allclose(dim, gc.richardson_lucy(image, SLANTED, 8), atol=1e-12)


def test_it_stays_above_zero_where_the_picture_does_not() -> None:
    image = picture(20, 20) - 0.3
    found = gc.richardson_lucy(image, SLANTED, 10)
    assert found.min() >= 0
    np.testing.assert_array_equal(found, gc.richardson_lucy(image.clip(0), SLANTED, 10))
    assert (gc.richardson_lucy(np.zeros((9, 9)), SLANTED, 5) == 0).all()


def test_an_estimate_can_be_gone_on_with(engine: str) -> None:
    image = picture(14, 15)
    few = gc.richardson_lucy(image, SLANTED, 2, border="wrap", device=engine)
    more = gc.richardson_lucy(image, SLANTED, 3, initial=few, border="wrap", device=engine)
    together = gc.richardson_lucy(image, SLANTED, 5, border="wrap", device=engine)
    np.testing.assert_allclose(more, together, atol=1e-12)


def test_a_callback_sees_each_estimate_and_may_stop(engine: str) -> None:
    seen = list[tuple[int, Array]]()

    def watch(number: int, estimate: Array) -> bool:
        seen.append((number, np.array(estimate)))
        return number == 2

    call: dict[str, Any] = {"channel_axis": -1, "device": engine}
    image = np.moveaxis(picture(3, 10, 12), 0, -1)
    found = gc.richardson_lucy(image, SLANTED, 9, callback=watch, **call)
    assert [number for number, _ in seen] == [1, 2]
    assert seen[0][1].shape == image.shape
    np.testing.assert_array_equal(seen[1][1], found)
    np.testing.assert_array_equal(found, gc.richardson_lucy(image, SLANTED, 2, **call))


def test_a_callback_may_say_true_as_numpy_does() -> None:
    seen = list[int]()

    def watch(number: int, estimate: Array) -> Any:
        seen.append(number)
        return np.float64(number) > 1

    gc.richardson_lucy(picture(9, 9), SLANTED, 5, callback=watch)
    assert seen == [1, 2]


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 3)])
def test_an_image_much_smaller_than_the_psf_does_not_become_black(
    engine: str, shape: tuple[int, int]
) -> None:
    image, wide = np.ones(shape), np.full((30, 41), 1 / (30 * 41))
    found = gc.richardson_lucy(image, wide, 2, device=engine)
    np.testing.assert_allclose(found, image, rtol=1e-6)


def test_an_interrupt_leaves_the_output_as_it_was() -> None:
    def interrupt(number: int, estimate: Array) -> None:
        raise KeyboardInterrupt

    image = picture(12, 12)
    out = image.copy()
    with pytest.raises(KeyboardInterrupt):
        gc.richardson_lucy(out, SLANTED, 3, out=out, callback=interrupt)
    np.testing.assert_array_equal(out, image)


def test_the_spectrum_of_the_psf_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made, make = list[Any](), fourier._transformed

    def counted(*given: Any) -> Any:
        made.append(given)
        return make(*given)

    monkeypatch.setattr(fourier, "_transformed", counted)
    psf = np.random.default_rng(5).random((41, 43))
    gc.richardson_lucy(picture(90, 90), psf / psf.sum(), 6)
    assert 0 < len(made) <= 3  # of the PSF, of its mirror image, and for one plane


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_where_memory_is_short_the_result_is_the_same() -> None:
    image = picture(40, 50, 3).astype(np.float32)
    call: dict[str, Any] = {"iterations": 4, "channel_axis": 2}
    here = gc.richardson_lucy(image, SLANTED, **call)
    for border in ("estimate", "reflect"):
        here = gc.richardson_lucy(image, SLANTED, border=border, initial=image + 1, **call)
        with runtime.use(CpuRuntime("fast", ("forward",), memory=60_000)):
            there = gc.richardson_lucy(
                image, SLANTED, border=border, initial=image + 1, device="cuda", **call
            )
        np.testing.assert_allclose(there, here, atol=1e-5)


def test_the_picture_of_a_photograph_that_is_restored(root: Path, tmp_path: Path) -> None:
    command = [sys.executable, root / "samples" / "restore.py", "--output", tmp_path / "drawn.png"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    before, _, around, wiener, lucy = done.stdout.splitlines()
    assert "22.1 dB, SSIM 0.65" in before
    assert "27.1 dB, SSIM 0.76" in wiener
    assert "26.4 dB, SSIM 0.71" in lucy
    along = [float(line.split()[-1]) for line in (around, wiener, lucy)]
    assert max(along[1:]) < along[0] / 40
    for picture in (tmp_path / "drawn.png", root / "notebooks" / "restored.png"):
        assert picture.stat().st_size < 250_000


# ------------------------------------------------------------------------ of both


def restored(name: str, image: Any, psf: Any = SLANTED, **given: Any) -> Array:
    """Return the image restored by one or the other."""
    if name == "wiener":
        return gc.wiener(image, psf, 0.05, **given)
    return gc.richardson_lucy(image, psf, 3, **given)


BOTH = pytest.mark.parametrize("name", ["wiener", "richardson_lucy"])


@BOTH
@pytest.mark.parametrize("border", ["estimate", "wrap"])
def test_a_point_that_stayed_one_leaves_all_as_it_was(name: str, border: str) -> None:
    image = picture(13, 16)
    off_centre = gc.Kernel([[0, 0, 0], [0, 0, 1]], anchor=(1, 2))
    if name == "wiener":
        found = gc.wiener(image, off_centre, 1e-12, border=border)
    else:
        found = gc.richardson_lucy(image, off_centre, 2, border=border)
    np.testing.assert_allclose(found, image, atol=1e-9)


@BOTH
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", ">i2", "u4", "i8", "f2", ">f4", "f8"])
def test_every_dtype_is_restored_as_float64_is(name: str, dtype: str) -> None:
    given, image = np.dtype(dtype), picture(17, 20)
    scale = min(np.iinfo(given).max, 2**20) if given.kind in "iu" else 1
    stored = (image * scale).astype(given)
    expected = restored(name, stored.astype(np.float64))
    found = restored(name, stored)
    assert found.dtype == given.newbyteorder("=")
    if given.kind in "iu":
        limits = np.iinfo(given)
        expected = np.rint(expected).clip(limits.min, limits.max)
    near = 1.0 if given.kind in "iu" else {2: 2e-3, 4: 1e-5, 8: 1e-12}[given.itemsize]
    np.testing.assert_allclose(found.astype(np.float64), expected, rtol=1e-4, atol=near)


@BOTH
def test_planes_channels_and_strides_are_restored_alike(engine: str, name: str) -> None:
    image = picture(2, 3, 15, 18).astype(np.float32)
    planes = restored(name, image, device=engine)
    alone = restored(name, image[1, 2], device=engine)
    np.testing.assert_allclose(planes[1, 2], alone, atol=1e-6)
    colour = np.moveaxis(image, 1, -1)
    found = restored(name, colour, channel_axis=-1, device=engine)
    np.testing.assert_allclose(np.moveaxis(found, -1, 1), planes, atol=1e-6)
    turned = restored(name, image[..., ::-1, ::-1].copy()[..., ::-1, ::-1], device=engine)
    np.testing.assert_allclose(turned, planes, atol=1e-6)


@BOTH
def test_out_may_be_the_image_and_of_another_dtype(engine: str, name: str) -> None:
    image = (50 + 150 * picture(15, 18)).astype(np.uint8)
    expected = restored(name, image, device=engine)
    precise = np.empty(image.shape, np.float64)
    assert restored(name, image, out=precise, device=engine) is precise
    np.testing.assert_array_less(np.abs(precise.clip(0, 255) - expected), 0.501)
    same = restored(name, image, dtype="float32", device=engine)
    np.testing.assert_allclose(same, precise, atol=1e-3)
    shifted = image[:, ::-1]
    written = image.copy()
    restored(name, written[:, ::-1], out=written, device=engine)
    np.testing.assert_array_equal(written, restored(name, shifted, device=engine))


@BOTH
@pytest.mark.parametrize("border", ["estimate", "wrap", "reflect", "constant", "mirror"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 2), (2, 0, 5), (0, 4, 4)])
def test_small_and_empty_images_are_restored(
    name: str, shape: tuple[int, ...], border: str
) -> None:
    image = np.full(shape, 0.5)
    found = restored(name, image, border=border)
    assert found.shape == shape
    if border != "constant":  # nothing but a plane of grey goes on as one
        np.testing.assert_allclose(found, image, atol=0.02)


@BOTH
def test_read_only_and_fortran_ordered_images_will_do(name: str) -> None:
    image = picture(12, 14)
    expected = restored(name, image)
    image.flags.writeable = False
    np.testing.assert_array_equal(restored(name, image), expected)
    np.testing.assert_array_equal(restored(name, np.asfortranarray(image)), expected)
    np.testing.assert_array_equal(restored(name, image.tolist()), expected)


@BOTH
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_spreads_and_does_no_harm(engine: str, name: str, bad: float) -> None:
    image = picture(2, 12, 14)
    image[0, 5, 5] = bad
    found = restored(name, image, device=engine)
    assert not np.isfinite(found[0, 5, 5])
    np.testing.assert_allclose(found[1], restored(name, image[1], device=engine), atol=1e-12)
    assert not np.isfinite(gc.wiener(image, SLANTED, device=engine)[0, 5, 5])


@BOTH
def test_results_are_limited_only_if_asked(name: str) -> None:
    image = 3 * picture(12, 14)
    assert restored(name, image).max() > 1
    assert restored(name, image, clip=True).max() <= 1


@BOTH
@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"psf": [[1j]]}, TypeError, "psf is complex"),
        ({"psf": [[1, -1]]}, ValueError, "sum 0; it must be above 0"),
        ({"psf": [[np.nan]]}, ValueError, "not finite"),
        ({"psf": [1, 2]}, ValueError, "must have 2"),
        ({"border": "estimated"}, ValueError, "border='estimated'"),
        ({"border": ("estimate", "wrap")}, ValueError, "'estimate'"),
        ({"cval": "0"}, TypeError, "cval='0'"),
        ({"dtype": "complex64"}, TypeError, "restoration is for real pixels"),
        ({"out": np.zeros((3, 3))}, ValueError, "out has shape"),
        ({"out": np.zeros((8, 8)), "dtype": "f4"}, ValueError, "differs from the dtype of out"),
        ({"channel_axis": 5}, ValueError, "channel_axis=5"),
        ({"device": "gpu"}, ValueError, "device='gpu'"),
    ],
)
def test_what_cannot_be_is_said(
    name: str, given: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        restored(name, np.ones((8, 8)), **given)


@BOTH
@pytest.mark.parametrize("dtype", ["bool", "complex64"])
def test_bool_and_complex_images_are_refused(name: str, dtype: str) -> None:
    with pytest.raises(TypeError, match=dtype):
        restored(name, np.ones((8, 8), dtype))


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"balance": 0, "noise": 0.0}, ValueError, "one must be above 0"),
        ({"balance": -1}, ValueError, "balance=-1 must be finite and at least 0"),
        ({"noise": np.inf}, ValueError, "noise=inf"),
        ({"balance": "0.1"}, TypeError, "balance='0.1' must be 'auto', a number, or None"),
        ({"noise": "auto"}, TypeError, "noise='auto' must be a number, or None"),
        ({"balance": np.ones(2)}, TypeError, "must be 'auto', a number, or None"),
    ],
)
def test_wiener_needs_to_know_how_much_noise(
    given: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        gc.wiener(np.ones((8, 8)), SLANTED, **given)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"iterations": 0}, ValueError, "iterations=0 must be at least 1"),
        ({"iterations": 2.5}, TypeError, "iterations=2.5 must be an integer"),
        ({"filter_epsilon": -1}, ValueError, "filter_epsilon=-1"),
        ({"filter_epsilon": "no"}, TypeError, "filter_epsilon='no'"),
        ({"filter_epsilon": np.complex64(1)}, TypeError, "filter_epsilon="),
        ({"callback": 3}, TypeError, "callback=3 must be callable"),
        ({"initial": np.ones((8, 8), bool)}, TypeError, "initial of dtype bool"),
        ({"psf": [[3, -1]]}, ValueError, "weights below 0"),
        ({"initial": np.ones((3, 3))}, ValueError, r"initial has shape \(3, 3\)"),
        ({"initial": np.ones((8, 8), complex)}, ValueError, "it must be real"),
    ],
)
def test_richardson_lucy_says_what_is_wrong(
    given: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        gc.richardson_lucy(np.ones((8, 8)), **({"psf": SLANTED} | given))

"""The names of ``skimage.restoration`` and of what it dispatches: scikit-image's results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cuda_on_cpu
import numpy as np
import pytest
from cuda_on_cpu.apart import ApartRuntime, OnDevice
from scipy.signal import convolve2d
from skimage import data
from skimage import metrics as their_metrics
from skimage import restoration as theirs

import gpuconv as gc
from gpuconv.backends.cuda import runtime
from gpuconv.errors import ArgumentError
from gpuconv.skimage import metrics, restoration
from gpuconv.skimage.errors import DifferenceWarning, NotCoveredError

Array = Any

CAMERA = data.camera()[100:164, 200:250] / 255
PSF = np.outer([1, 4, 6, 4, 1], [1, 2, 1]) / 64
BLURRED = convolve2d(CAMERA, PSF, "same")


@pytest.fixture
def apart() -> Iterator[None]:
    """A device with a memory of its own, which nothing but the engine for CUDA may compute in."""
    if reason := cuda_on_cpu.missing():
        pytest.skip(reason)
    with runtime.use(ApartRuntime()):
        yield


# ------------------------------------------------------------------------ blurs undone


@pytest.mark.parametrize(
    "options",
    [
        {"balance": 0.01},
        {"balance": 1.0, "clip": False},
        {"balance": 0.1, "is_real": False},
        {"balance": 0.1, "reg": np.ones((3, 3))},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "uint8"])
def test_wieners_filter_is_scikit_images(options: dict[str, Any], dtype: str) -> None:
    image = (BLURRED * (255 if dtype == "uint8" else 1)).astype(dtype)
    ours, expected = (each.wiener(image, PSF, **options) for each in (restoration, theirs))
    assert ours.dtype == expected.dtype
    np.testing.assert_allclose(
        ours, expected, atol=1e-11 if dtype in ("float64", "uint8") else 2e-4
    )


def test_wieners_filter_takes_transfer_functions_and_any_number_of_axes() -> None:
    line, volume = BLURRED[3], np.random.default_rng(0).random((6, 7, 8))
    for image, psf in ((line, PSF[2]), (volume, np.ones((2, 3, 2)) / 12)):
        ours, expected = (each.wiener(image, psf, 0.2) for each in (restoration, theirs))
        np.testing.assert_allclose(ours, expected, atol=1e-12)
    symmetric = np.fft.rfft2(np.fft.ifftshift(np.pad(np.ones((3, 3)), ((31, 30), (24, 23))))) / 9
    ours, expected = (each.wiener(BLURRED, symmetric, 0.2) for each in (restoration, theirs))
    np.testing.assert_allclose(ours, expected, atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"clip": False}, {"filter_epsilon": 0.3}], ids=str)
@pytest.mark.parametrize("shape", [(5, 3), (4, 2), (1, 6)])
def test_richardson_and_lucys_iteration_is_scikit_images(
    options: dict[str, Any], shape: tuple[int, int]
) -> None:
    psf = np.random.default_rng(0).random(shape)
    psf /= psf.sum()
    image = convolve2d(CAMERA, psf, "same")
    ours, expected = (
        each.richardson_lucy(image, psf, 10, **options) for each in (restoration, theirs)
    )
    assert ours.dtype == expected.dtype
    np.testing.assert_allclose(ours, expected, atol=1e-9)


def test_many_steps_are_scikit_images_but_where_it_is_dark() -> None:
    ours, expected = (each.richardson_lucy(BLURRED, PSF) for each in (restoration, theirs))
    np.testing.assert_allclose(ours, expected, atol=1e-6)
    dark = np.zeros((64, 64))
    dark[20, 20] = dark[40, 44] = 1
    blurred = convolve2d(dark, np.ones((15, 15)) / 225, "same")
    ours = restoration.richardson_lucy(blurred, np.ones((15, 15)) / 225, 30)
    assert np.isfinite(ours).all()
    assert ours.min() >= 0


def test_richardson_and_lucys_iteration_takes_other_dtypes_and_numbers_of_axes() -> None:
    rng = np.random.default_rng(0)
    for shape in ((40,), (6, 7, 8)):
        psf = np.ones([3] * len(shape)) / 3 ** len(shape)
        image = rng.random(shape)
        ours, expected = (each.richardson_lucy(image, psf, 5) for each in (restoration, theirs))
        np.testing.assert_allclose(ours, expected, atol=1e-10)
    for dtype in ("float32", "uint8"):
        image = (BLURRED * 200).astype(dtype)
        ours, expected = (
            each.richardson_lucy(image, PSF, 5, clip=False) for each in (restoration, theirs)
        )
        assert ours.dtype == expected.dtype
        np.testing.assert_allclose(ours, expected, rtol=1e-3)


def test_an_image_that_is_restored_is_not_written_to() -> None:
    for name in ("wiener", "richardson_lucy"):
        image = BLURRED.copy()
        getattr(restoration, name)(image, PSF, *([0.1] if name == "wiener" else []))
        np.testing.assert_array_equal(image, BLURRED)


def test_complex_images_are_refused() -> None:
    for module in (restoration, theirs):
        with pytest.raises(ValueError, match=r"^complex valued input is not supported"):
            module.wiener(BLURRED + 1j, PSF, 0.1)


# ------------------------------------------------------------------------ noise


@pytest.mark.parametrize("shape", [(64, 64), (33, 47), (11, 12, 13), (50,)])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "uint8"])
def test_noise_is_what_pywavelets_finds(shape: tuple[int, ...], dtype: str) -> None:
    pytest.importorskip("pywt")
    image = (np.random.default_rng(0).random(shape) * 200).astype(dtype)
    ours, expected = restoration.estimate_sigma(image), theirs.estimate_sigma(image)
    assert type(ours) is type(expected)
    assert ours == pytest.approx(expected, rel=1e-5 if dtype.startswith("float") else 1e-12)


def test_noise_is_that_of_the_white_noise_there_is() -> None:
    noise = np.random.default_rng(0).normal(0, 3, (200, 210, 3)) * [1, 2, 3]
    each = restoration.estimate_sigma(noise, channel_axis=2)
    np.testing.assert_allclose(each, [3, 6, 9], rtol=0.03)
    mean = restoration.estimate_sigma(noise, average_sigmas=True, channel_axis=-1)
    assert mean == pytest.approx(np.mean(each))
    assert restoration.estimate_sigma(noise[..., 0]) == pytest.approx(
        gc.estimate_noise(noise[..., 0]), rel=0.01
    )
    assert np.isnan(restoration.estimate_sigma(np.zeros((9, 9))))


def test_an_image_that_looks_like_one_in_colour_is_asked_about() -> None:
    with pytest.warns(UserWarning, match="^image is size 3 on the last axis") as told:
        restoration.estimate_sigma(np.random.default_rng(0).random((9, 9, 3)))
    assert told[0].filename == __file__


# ------------------------------------------------------------------------ likeness


def test_a_bilateral_filter_is_gpuconvs_and_says_so() -> None:
    noisy = CAMERA + np.random.default_rng(0).normal(0, 0.05, CAMERA.shape)
    options: Any = {"sigma_color": 0.2, "sigma_spatial": 2}
    with pytest.warns(DifferenceWarning, match="wrong stride") as told:
        ours = restoration.denoise_bilateral(noisy, mode="edge", **options)
    assert told[0].filename == __file__
    same = gc.bilateral(noisy, 13, sigma_color=0.2, sigma_space=2, border="nearest")
    np.testing.assert_array_equal(ours, same)
    # What is listed: that much, and for the better here.
    upstream = theirs.denoise_bilateral(noisy, mode="edge", **options)
    assert np.abs(ours - upstream).max() > 0.01
    assert gc.psnr(ours, CAMERA, data_range=1) > gc.psnr(noisy, CAMERA, data_range=1) + 1


@pytest.mark.filterwarnings("ignore::gpuconv.skimage.errors.DifferenceWarning")
def test_a_bilateral_filter_takes_what_scikit_images_takes() -> None:
    pixels = np.rint(CAMERA * 255).astype(np.uint8)
    np.testing.assert_allclose(
        restoration.denoise_bilateral(pixels), restoration.denoise_bilateral(pixels / 255)
    )
    # What is outside is as dark as the least pixel that is below 0, as in scikit-image.
    np.testing.assert_allclose(
        restoration.denoise_bilateral(CAMERA - CAMERA.min() - 0.5, sigma_color=0.1),
        restoration.denoise_bilateral(CAMERA - CAMERA.min(), sigma_color=0.1) - 0.5,
        atol=1e-12,
    )
    flat = np.full((4, 5), 7)
    assert restoration.denoise_bilateral(flat) is flat
    assert np.isnan(restoration.denoise_bilateral(np.full((4, 5), np.nan))).all()
    colour = np.random.default_rng(0).random((3, 9, 8))
    assert restoration.denoise_bilateral(colour, channel_axis=0).shape == colour.shape


def test_a_bilateral_filter_is_told_where_its_channels_are() -> None:
    for image, axis, message in (
        (np.ones((4, 5)), -1, "Use ``channel_axis=None`` for 2D grayscale images"),
        (np.ones((4, 5, 6)), None, "Bilateral filter is not implemented for grayscale images of 3"),
    ):
        for module in (restoration, theirs):
            with pytest.raises(ValueError, match=f"^{message}"):
                module.denoise_bilateral(image, channel_axis=axis)
    with pytest.warns(UserWarning, match="^Input image must be grayscale, RGB, or RGBA; but"):
        restoration.denoise_bilateral(np.ones((4, 5, 2)), channel_axis=-1)
    with pytest.raises(ArgumentError, match="mode='nearest' is not a mode"):
        restoration.denoise_bilateral(np.ones((4, 5)), mode="nearest")


def test_non_local_means_are_gpuconvs_and_say_so() -> None:
    noisy = CAMERA + np.random.default_rng(0).normal(0, 0.05, CAMERA.shape)
    options: Any = {"h": 0.06, "sigma": 0.05}
    with pytest.warns(DifferenceWarning, match="whole patches") as told:
        ours = restoration.denoise_nl_means(noisy, 4, 5, **options)
    assert told[0].filename == __file__
    np.testing.assert_array_equal(ours, gc.nl_means(noisy, 5, 5, border="mirror", **options))
    upstream = theirs.denoise_nl_means(noisy, 4, 5, **options)
    assert 1e-4 < np.abs(ours - upstream).mean() < 0.01


@pytest.mark.filterwarnings("ignore::gpuconv.skimage.errors.DifferenceWarning")
def test_non_local_means_have_scikit_images_ranges_and_dtypes() -> None:
    pixels = np.rint(CAMERA * 255).astype(np.uint8)
    for image in (pixels, CAMERA.astype(np.float16), CAMERA.astype(np.float32)):
        for keep in (False, True):
            ours, expected = (
                each.denoise_nl_means(image, 3, 2, preserve_range=keep)
                for each in (restoration, theirs)
            )
            assert ours.dtype == expected.dtype
            assert abs(ours.mean() / expected.mean() - 1) < 0.01
    with pytest.raises(NotImplementedError, match="only implemented for 2D"):
        restoration.denoise_nl_means(np.ones((4, 5, 6)))
    with pytest.raises(NotCoveredError):
        restoration.denoise_nl_means(np.ones(5))


# ------------------------------------------------------------------------ differences


@pytest.mark.parametrize("name", metrics.__all__)
def test_differences_of_images_are_scikit_images(name: str) -> None:
    for dtype in ("uint8", "float32", "float64"):
        image = (CAMERA * 200).astype(dtype)
        ours, expected = (getattr(each, name)(image, BLURRED) for each in (metrics, their_metrics))
        assert ours == pytest.approx(expected, rel=1e-6)


def test_normalisations_of_errors_are_scikit_images() -> None:
    for kind in ("euclidean", "min-max", "mean"):
        ours, expected = (
            each.normalized_root_mse(CAMERA, BLURRED, normalization=kind)
            for each in (metrics, their_metrics)
        )
        assert ours == pytest.approx(expected)
    for module in (metrics, their_metrics):
        with pytest.raises(ValueError, match=r"^Unsupported norm_type"):
            module.normalized_root_mse(CAMERA, BLURRED, normalization="max")
        with pytest.raises(ValueError, match=r"^Input images must have the same dimensions"):
            module.mean_squared_error(CAMERA, CAMERA[1:])


# ------------------------------------------------------------------------ on a GPU


@pytest.mark.usefixtures("apart")
def test_a_device_gives_the_same() -> None:
    image = BLURRED[20:36, 20:38].astype(np.float32)
    current = runtime.current()
    for name, given in (("wiener", (PSF, 0.1)), ("richardson_lucy", (PSF, 3))):
        ours = getattr(restoration, name)(current.asarray(image), *given)
        # NumPy's transforms of such an array are NumPy's; CuPy's are CuPy's.
        assert isinstance(ours, OnDevice) or name == "wiener"
        expected = getattr(theirs, name)(image, *given)
        np.testing.assert_allclose(current.asnumpy(ours), expected, atol=1e-5)
    error = metrics.mean_squared_error(current.asarray(image), current.asarray(image + 1))
    assert error == pytest.approx(1)
    found = restoration.estimate_sigma(current.asarray(image))
    assert found == pytest.approx(restoration.estimate_sigma(image))


@pytest.mark.usefixtures("apart")
@pytest.mark.filterwarnings("ignore::gpuconv.skimage.errors.DifferenceWarning")
def test_a_device_averages_what_is_alike() -> None:
    image = BLURRED[20:30, 20:31].astype(np.float32)
    current = runtime.current()
    for name, options in (
        ("denoise_bilateral", {"win_size": 3, "sigma_color": 0.1}),
        ("denoise_nl_means", {"patch_size": 3, "patch_distance": 2}),
    ):
        ours = getattr(restoration, name)(current.asarray(image), **options)
        assert isinstance(ours, OnDevice)
        expected = getattr(restoration, name)(image, **options)
        np.testing.assert_allclose(current.asnumpy(ours), expected, atol=1e-5)

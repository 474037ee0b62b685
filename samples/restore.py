"""Blur a photograph, restore it, and draw what became of it: the picture in the README.

The blur mixes in what lies beyond the frame, as a camera's does, and there is noise: so the blurred
picture is not one that any border mode describes.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import gpuconv as gc

HERE = Path(__file__).parent

#: What is seen of the photograph, and the standard deviation of the noise, of 255.
FRAME = (slice(60, 380), slice(110, 430))
NOISE = 2.0
PSF = gc.kernels.motion_blur(15, angle=30)
#: Width of the band along the frame whose errors are printed apart: the length of the blur.
BAND = 15


def photograph() -> tuple[np.ndarray, np.ndarray]:
    """Return a photograph, and the same blurred and noisy; floats between 0 and 1, about."""
    whole = gc.read_image(HERE / "camera.png").pixels / 255
    noise = np.random.default_rng(0).normal(0, NOISE / 255, whole.shape)
    return whole[FRAME], (gc.convolve(whole, PSF) + noise)[FRAME]


def divided(blurred: np.ndarray) -> np.ndarray:
    """Return F / H: the blur undone as if there were no noise and nothing beyond the frame."""
    blur = np.zeros(blurred.shape)
    blur[: PSF.shape[0], : PSF.shape[1]] = PSF.weights
    blur = np.roll(blur, (-PSF.anchor[0], -PSF.anchor[1]), (0, 1))
    return np.fft.irfft2(np.fft.rfft2(blurred) / np.fft.rfft2(blur), blurred.shape)


def restored(blurred: np.ndarray) -> dict[str, np.ndarray]:
    """Return pictures by what was done to make them."""
    return {
        "blurred, with noise": blurred,
        "spectra divided, F / H": divided(blurred),
        'wiener(border="wrap")': gc.wiener(blurred, PSF, 0.02, border="wrap"),
        "wiener": gc.wiener(blurred, PSF, 0.02),
        "richardson_lucy": gc.richardson_lucy(blurred, PSF, 30),
    }


def band_error(picture: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean squared error within the band along the frame, in levels of 255."""
    squares = (255 * (picture - truth)) ** 2
    inner = squares[BAND:-BAND, BAND:-BAND]
    return float((squares.sum() - inner.sum()) / (squares.size - inner.size))


def draw(pictures: dict[str, np.ndarray], truth: np.ndarray, path: Path) -> None:
    """Draw the pictures side by side, with what they are worth below."""
    _, axes = plt.subplots(1, len(pictures), figsize=(13, 3.05), layout="constrained")
    for ax, (name, picture) in zip(axes, pictures.items(), strict=True):
        ax.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        ax.set_title(name, fontsize=11)
        ax.text(0.5, -0.09, worth(picture, truth), ha="center", transform=ax.transAxes)
        ax.axis("off")
    drawn = io.BytesIO()
    plt.savefig(drawn, dpi=100)
    # Greys alone, of which 64 are enough: a third of the bytes.
    Image.open(drawn).convert("L").quantize(64).save(path, optimize=True)


def worth(picture: np.ndarray, truth: np.ndarray) -> str:
    """Return how near a picture is to the truth, in words."""
    shown = picture.clip(0, 1)
    return f"{gc.psnr(shown, truth):.1f} dB, SSIM {gc.ssim(shown, truth):.2f}"


def main() -> None:
    """Do it, as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=HERE.parent / "notebooks" / "restored.png")
    options = parser.parse_args()
    truth, blurred = photograph()
    pictures = restored(blurred)
    for name, picture in pictures.items():
        print(f"{name:<24}{worth(picture, truth):<24}band {band_error(picture, truth):12.0f}")
    draw(pictures, truth, options.output)


if __name__ == "__main__":
    main()

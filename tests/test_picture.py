"""Pictures of weights: what is in the PNG, the text and the chart, and that they stay readable."""

from __future__ import annotations

import importlib
import io
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, features

from gpuconv import kernels, picture
from gpuconv.errors import ArgumentError, ArgumentTypeError, MissingExtraError
from gpuconv.picture import cells, raster

pyplot = pytest.importorskip("matplotlib.pyplot")

SOBEL = kernels.sobel_x().weights
RED, WHITE, BLUE = (178, 24, 43), (255, 255, 255), (33, 102, 172)
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def decoded(png: bytes) -> np.ndarray:
    """Return the pixels of a PNG, (rows, columns, 3)."""
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        assert image.mode == "RGB"
        return np.asarray(image)


def corner_colours(png: bytes, shape: tuple[int, int]) -> np.ndarray:
    """Return the colour of each cell near its upper left corner, where no number is."""
    pixels = decoded(png)
    rows, columns = shape
    step = (len(pixels) - 1) // rows
    assert pixels.shape == (rows * step + 1, columns * step + 1, 3)
    inside = min(2, step - 1)
    return pixels[inside::step, inside::step]


def plain(text: str) -> str:
    return ESCAPE.sub("", text)


def test_all_is_sorted() -> None:
    assert picture.__all__ == sorted(picture.__all__) == ["plot", "to_png", "to_text"]
    for name in ("cells", "chart", "raster", "terminal"):
        module = importlib.import_module(f"gpuconv.picture.{name}")
        assert module.__all__ == sorted(module.__all__)


def test_import_is_light() -> None:
    code = "import sys, gpuconv.picture; print({'PIL', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# Colours, reduction, labels


def test_colours_diverge_from_white() -> None:
    colours = cells.colours_of(np.array([[-2.0, 0, 2.0]]))
    assert [tuple(colour) for colour in colours[0]] == [BLUE, WHITE, RED]
    ramp = cells.colours_of(np.linspace(-1, 1, 101)[None]).astype(int)[0]
    light = ramp.sum(axis=-1)
    assert (np.diff(light[:51]) >= 0).all()
    assert (np.diff(light[50:]) <= 0).all()
    assert (ramp[:50, 2] >= ramp[:50, 0]).all()
    assert (ramp[51:, 0] >= ramp[51:, 2]).all()


def test_colours_of_nothing_are_white() -> None:
    assert (cells.colours_of(np.zeros((2, 3))) == 255).all()


def test_shallow_weights_are_seen_beside_a_peak() -> None:
    weights = kernels.unsharp(2).weights
    around = cells.colours_of(weights)[weights.shape[0] // 2, weights.shape[1] // 2 - 1]
    assert around.min() < 240


def test_reduced_keeps_the_strongest() -> None:
    weights = np.arange(20.0).reshape(4, 5)
    weights[0, 0] = -30
    assert cells.reduced(weights, 2).tolist() == [[-30, 8, 9], [16, 18, 19]]
    assert cells.reduced(weights, 1) is weights
    assert cells.reduced(-weights, 9).tolist() == [[30]]


@pytest.mark.parametrize(
    ("weights", "digits", "labels"),
    [
        ([[1, 0, -8]], 2, ["1", "0", "-8"]),
        ([[0.5, -0.25]], 2, ["0.50", "-0.25"]),
        ([[1 / 9, -1e-9]], 3, ["0.111", "0.000"]),
        ([[12.34, 0.5]], 3, ["12.3", "0.5"]),
        ([[1e-7, 2e-8]], 2, ["1.0e-07", "2.0e-08"]),
        ([[2.5e9, 1]], 2, ["2.5e+09", "1.0e+00"]),
        ([[0.0, -0.0]], 2, ["0", "0"]),
    ],
)
def test_labels(weights: list[list[float]], digits: int, labels: list[str]) -> None:
    assert cells.labels_of(np.array(weights), digits).tolist() == [labels]


@pytest.mark.parametrize(
    ("label", "value", "short"),
    [
        *[
            ("0.50", 0.5, ".5"),
            ("-0.25", -0.25, "-.25"),
            ("1.40", 1.4, "1.4"),
            ("-1.0", -1.0, "-1"),
        ],
        *[
            ("0.00", 0.0, "0"),
            ("0.00", 0.004, ""),
            ("10", 10.0, "10"),
            ("1.0e-07", 1e-7, "1.0e-07"),
        ],
        ("10.05", 10.05, "10.05"),
    ],
)
def test_short_labels(label: str, value: float, short: str) -> None:
    assert raster._short(label, value) == short


# PNG


def test_png_has_the_colours_of_the_weights() -> None:
    colours = corner_colours(picture.to_png(SOBEL), SOBEL.shape)
    assert tuple(colours[1, 0]) == RED
    assert tuple(colours[1, 2]) == BLUE
    assert (colours[:, 1] == 255).all()
    assert (colours[0, 0] == cells.colours_of(SOBEL.astype(float))[0, 0]).all()


@pytest.mark.parametrize("size", [3, 5, 7, 15, 31, 61, 121, 216, 217, 1000])
def test_png_has_a_readable_size(size: int) -> None:
    png = picture.to_png(kernels.gaussian(size / 6, radius=size // 2).weights)
    height, width, _ = decoded(png).shape
    assert height == width
    assert 140 <= width <= 290
    assert len(png) < 60_000


def test_png_of_a_row_has_square_cells() -> None:
    height, width, _ = decoded(picture.to_png(kernels.derivative_x(accuracy=4).weights)).shape
    assert width == 5 * (height - 1) + 1


@pytest.mark.parametrize(("scale", "grid"), [(1, False), (5, False), (6, True), (20, True)])
def test_png_scale_and_grid(scale: int, grid: bool) -> None:
    pixels = decoded(picture.to_png(np.ones((4, 3)), scale=scale))
    assert pixels.shape == (4 * scale + 1, 3 * scale + 1, 3)
    line = tuple(pixels[0, 0])
    assert line == tuple(pixels[-1, -1])
    assert (tuple(pixels[scale, scale]) == line) == grid
    assert tuple(pixels[scale // 2 or 1, scale // 2 or 1]) == RED


@pytest.mark.skipif(not features.check("freetype2"), reason="Pillow without FreeType")
def test_png_has_numbers_in_large_cells_only() -> None:
    numbered = decoded(picture.to_png([[1.0]], scale=60))
    assert {tuple(colour) for colour in numbered.reshape(-1, 3)} > {RED, (205, 205, 205)}
    bare = decoded(picture.to_png([[1.0]], scale=20))
    assert {tuple(colour) for colour in bare.reshape(-1, 3)} == {RED, (205, 205, 205)}
    # Seven characters do not fit.
    long = decoded(picture.to_png([[1e-9]], scale=30))
    assert {tuple(colour) for colour in long.reshape(-1, 3)} == {RED, (205, 205, 205)}


def test_png_without_freetype_has_no_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda feature: False)
    pixels = decoded(picture.to_png([[1.0]]))
    assert {tuple(colour) for colour in pixels.reshape(-1, 3)} == {RED, (205, 205, 205)}


def test_complex_weights_are_shown_by_their_magnitude() -> None:
    weights = kernels.gabor(0.2, angle=30, part="complex").weights
    assert picture.to_png(weights) == picture.to_png(np.abs(weights))
    assert picture.to_text(weights) == picture.to_text(np.abs(weights))


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float32", "float64"])
def test_dtypes_make_no_difference(dtype: str) -> None:
    weights = np.eye(3, dtype=dtype)
    assert picture.to_png(weights) == picture.to_png(np.eye(3))
    assert picture.to_text(weights) == picture.to_text(np.eye(3))


def test_a_kernel_shows_itself_by_these() -> None:
    kernel = kernels.gaussian(1)
    assert kernel._repr_png_() == picture.to_png(kernel.weights)


# Terminal


def test_text_of_a_small_kernel_has_its_numbers() -> None:
    text = picture.to_text(SOBEL)
    assert plain(text).split() == ["1", "0", "-1", "2", "0", "-2", "1", "0", "-1"]
    for colour in (RED, WHITE, BLUE):
        assert "\x1b[48;2;{};{};{}m".format(*colour) in text
    assert all(line.endswith("\x1b[0m") for line in text.split("\n"))
    assert len({len(plain(line)) for line in text.split("\n")}) == 1


def test_text_without_colour_is_ascii() -> None:
    for weights in (SOBEL, kernels.gaussian(1).weights, kernels.laplacian_of_gaussian(9).weights):
        text = picture.to_text(weights, color=False)
        assert text.isascii()
        assert "\x1b" not in text
    assert picture.to_text(SOBEL, color=False) == " 1  0 -1\n 2  0 -2\n 1  0 -1"


def test_text_of_a_large_kernel_is_drawn_by_half_blocks() -> None:
    weights = kernels.gabor(0.1, angle=30).weights
    assert weights.shape == (31, 31)
    lines = plain(picture.to_text(weights)).split("\n")
    assert lines == ["▀" * 31] * 16
    # Of the last row there is only the upper half.
    assert "\x1b[48;2" not in picture.to_text(weights).split("\n")[-1]
    first = picture.to_text(weights).split("▀")[0]
    top, bottom = cells.colours_of(weights)[:2, 0]
    expected = "\x1b[38;2;{};{};{}m".format(*top) + "\x1b[48;2;{};{};{}m".format(*bottom)
    assert first == expected


def test_text_of_a_large_kernel_without_colour() -> None:
    text = picture.to_text(kernels.laplacian_of_gaussian(2).weights, color=False)
    *rows, legend = text.split("\n")
    assert len(rows) == 17
    assert rows[8].split()[8] == "i"
    assert set("".join(rows)) <= set("abcdefghi.123456789 ")
    assert legend == "1 to 9: up to 0.0199; a to i: down to -0.0199"
    assert set(picture.to_text(np.zeros((99, 99)), color=False).split("\n")[0]) == {".", " "}


@pytest.mark.parametrize("width", [8, 20, 40, 80, 200])
@pytest.mark.parametrize("color", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (1, 61), (61, 1), (26, 2), (61, 61), (300, 50)])
def test_text_fits_the_terminal(shape: tuple[int, int], color: bool, width: int) -> None:
    weights = np.random.default_rng(5).normal(size=shape)
    *lines, last = plain(picture.to_text(weights, color=color, width=width)).split("\n")
    assert all(len(line) <= width for line in lines)
    assert len(last) <= max(width, 60)
    assert len(lines) <= max(25, width)


def test_the_numbers_are_dropped_where_they_do_not_fit() -> None:
    weights = kernels.gaussian(1).weights
    assert "0.159" in plain(picture.to_text(weights, width=63))
    assert "0.159" not in plain(picture.to_text(weights, width=62))
    assert "0.159" in picture.to_text(weights, color=False, width=54)


# Chart


def test_plot_draws_into_the_axes_it_is_given() -> None:
    figure, axes = pyplot.subplots()
    assert picture.plot(SOBEL, title="sobel_x", axes=axes) is axes
    assert axes.get_title() == "sobel_x"
    (image,) = axes.get_images()
    np.testing.assert_array_equal(image.get_array(), SOBEL)
    assert image.get_clim() == (-2, 2)
    bar = next(other for other in figure.axes if other is not axes)
    assert bar.get_ylim() == (-2, 2)
    pyplot.close(figure)


def test_plot_makes_its_own_axes() -> None:
    axes = picture.plot(kernels.gaussian(3).weights)
    assert len(axes.figure.axes) == 2
    low, high = axes.figure.axes[1].get_ylim()
    assert low == 0
    assert high == pytest.approx(kernels.gaussian(3).weights.max())
    axes.figure.canvas.draw()
    pyplot.close(axes.figure)


def test_kernel_plot() -> None:
    axes = kernels.sobel_x().plot()
    assert axes.get_title() == "sobel_x"
    pyplot.close(axes.figure)


def test_plot_of_nothing() -> None:
    axes = picture.plot(np.zeros((2, 2)))
    axes.figure.canvas.draw()
    assert axes.get_images()[0].get_clim() == (-1, 1)
    pyplot.close(axes.figure)


def test_plot_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    message = (
        "^Kernel.plot needs matplotlib, which is not installed: pip install 'gpuconv\\[plot\\]'$"
    )
    with pytest.raises(MissingExtraError, match=message):
        kernels.sobel_x().plot()


# Errors


@pytest.mark.parametrize("function", [picture.to_png, picture.to_text, picture.plot])
def test_what_is_no_weights_is_refused(function: object) -> None:
    allowed = "it must have two dimensions and at least one weight"
    for value, shape in [([1, 2], (2,)), (np.zeros((0, 3)), (0, 3)), (5, ())]:
        message = f"^weights has shape {re.escape(str(shape))}; {allowed}$"
        with pytest.raises(ArgumentError, match=message):
            function(value)  # type: ignore[operator]
    with pytest.raises(ArgumentTypeError, match=r"^weights has dtype <U1; it must hold numbers$"):
        function([["a"]])  # type: ignore[operator]


def test_scale_and_width_are_checked() -> None:
    with pytest.raises(ArgumentError, match=r"^scale=0 must be at least 1$"):
        picture.to_png(SOBEL, scale=0)
    with pytest.raises(ArgumentError, match=r"^width=7 must be at least 8$"):
        picture.to_text(SOBEL, width=7)

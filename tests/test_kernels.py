"""The kernel library as a whole: names, documentation, form and sums of every function."""

from __future__ import annotations

import importlib
import inspect
import math
import re
from collections.abc import Callable

import numpy as np
import pytest

from gpuconv import kernels
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.kernel import Kernel
from gpuconv.kernels import _angle, _check

FUNCTIONS = [getattr(kernels, name) for name in kernels.__all__]
MODULES = ("bandpass", "derivatives", "differences", "shapes", "sharpening", "smoothing")
PRIVATE = ("_angle", "_check", "_gauss")

# One call of each function, with what its required parameters need.
REQUIRED = {
    "difference_of_gaussians": {"low_sigma": 1.5},
    "disk": {"radius": 3.2},
    "gabor": {"frequency": 0.2},
    "gaussian": {"sigma": 1.5},
    "laplacian_of_gaussian": {"sigma": 1.5},
    "motion_blur": {"length": 7},
}
SUM_ONE = {
    *("identity", "box", "binomial", "gaussian", "gaussian_integer", "disk", "motion_blur"),
    *("sharpen", "unsharp", "emboss"),
}
INTEGER = set(kernels.__all__) - {
    *("gaussian", "unsharp", "laplacian_of_gaussian", "difference_of_gaussians", "gabor", "disk")
}
SEPARABLE = set(kernels.__all__) - {
    *("roberts_x", "roberts_y", "laplacian", "outline", "sharpen", "emboss", "disk")
}


def make(name: str, **more: object) -> Kernel:
    """Return a kernel of that name with as many defaults as possible."""
    kernel = getattr(kernels, name)(**REQUIRED.get(name, {}) | more)
    assert isinstance(kernel, Kernel)
    return kernel


def test_the_library_is_complete() -> None:
    assert set(kernels.__all__) == {
        *("binomial", "box", "derivative_x", "derivative_y", "difference_of_gaussians", "disk"),
        *("emboss", "gabor", "gaussian", "gaussian_integer", "horizontal_edge", "identity"),
        *("laplacian", "laplacian_of_gaussian", "motion_blur", "outline", "prewitt_x", "prewitt_y"),
        *("roberts_x", "roberts_y", "scharr_x", "scharr_y", "sharpen", "sobel_x", "sobel_y"),
        *("unsharp", "vertical_edge"),
    }


def test_all_is_sorted_and_is_the_sum_of_its_modules() -> None:
    parts = [importlib.import_module(f"gpuconv.kernels.{name}") for name in MODULES]
    assert kernels.__all__ == sorted(name for part in parts for name in part.__all__)
    for part in (*parts, *(importlib.import_module(f"gpuconv.kernels.{name}") for name in PRIVATE)):
        assert part.__all__ == sorted(part.__all__)
        assert all(hasattr(part, name) for name in part.__all__)


@pytest.mark.parametrize("function", FUNCTIONS, ids=kernels.__all__)
def test_every_parameter_is_documented_and_annotated(function: Callable[..., Kernel]) -> None:
    text = inspect.getdoc(function) or ""
    summary, _, rest = text.partition("\n\n")
    assert summary.endswith(".")
    assert "\n" not in summary
    assert "Returns\n-------\nKernel\n" in text
    assert "Examples\n--------\n>>> " in rest
    section = rest.partition("Parameters\n----------\n")[2].partition("\n\n")[0]
    documented = re.findall(r"^(\w+) : (.+)$", section, re.M)
    parameters = inspect.signature(function).parameters.values()
    assert [name for name, _ in documented] == [parameter.name for parameter in parameters]
    for (_, kind), parameter in zip(documented, parameters, strict=True):
        assert parameter.annotation is not inspect.Parameter.empty
        if parameter.default is None:
            assert kind.endswith(", optional")
        elif parameter.default is inspect.Parameter.empty:
            assert kind in ("int", "float")
        else:
            shown = repr(parameter.default).replace("'", '"')
            assert kind.endswith(f", default {shown}")


@pytest.mark.parametrize("name", kernels.__all__)
def test_only_the_required_parameters_have_no_default(name: str) -> None:
    parameters = inspect.signature(getattr(kernels, name)).parameters.values()
    needed = {p.name for p in parameters if p.default is inspect.Parameter.empty}
    assert needed == set(REQUIRED.get(name, {}))


@pytest.mark.parametrize("name", kernels.__all__)
def test_sum(name: str) -> None:
    if name != "gabor":  # whose sum is near 0 only
        assert make(name).weights.sum() == pytest.approx(int(name in SUM_ONE), abs=1e-13)


@pytest.mark.parametrize("name", kernels.__all__)
def test_form(name: str) -> None:
    kernel = make(name)
    assert kernel.integer == (name in INTEGER)
    assert bool(kernel.terms) == (name in SEPARABLE)
    assert kernel.name.startswith(name)
    if kernel.integer:
        assert kernel.numerators.dtype == np.int64
    if kernel.terms:
        assert len(kernel.terms) == kernel.rank()


@pytest.mark.parametrize("name", kernels.__all__)
def test_weights_are_the_same_each_time_and_cannot_be_changed(name: str) -> None:
    kernel = make(name)
    assert kernel == make(name)
    assert hash(kernel) == hash(make(name))
    with pytest.raises(ValueError, match="read-only"):
        kernel.numerators[0, 0] = 7
    for part in (part for term in kernel.terms for part in term):
        with pytest.raises(ValueError, match="read-only"):
            part[0] = 7


@pytest.mark.parametrize("name", [name for name in kernels.__all__ if name.endswith("_x")])
def test_y_is_x_with_rows_and_columns_exchanged(name: str) -> None:
    x, y = make(name).weights, make(name[:-1] + "y").weights
    if name == "roberts_x":  # the other diagonal, so turned by a quarter
        np.testing.assert_array_equal(np.rot90(x, -1), y)
    else:
        np.testing.assert_array_equal(x.T, y)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (-1, ArgumentError, "sigma=-1 must be at least 0"),
        (math.nan, ArgumentError, "sigma=nan must be finite"),
        (math.inf, ArgumentError, "sigma=inf must be finite"),
        ("2", ArgumentTypeError, "sigma='2' is of type str; it must be a number"),
        (True, ArgumentTypeError, "sigma=True is of type bool; it must be a number"),
        (None, ArgumentTypeError, "sigma=None is of type NoneType; it must be a number"),
        ((1, 2), ArgumentTypeError, "sigma=(1, 2) is of type tuple; it must be a number"),
        (2j, ArgumentTypeError, "sigma=2j is of type complex; it must be a number"),
    ],
)
def test_number_refuses(value: float, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        _check.number("sigma", value, at_least=0)


def test_number_above_is_open() -> None:
    with pytest.raises(ArgumentError, match=r"^radius=0 must be greater than 0$"):
        _check.number("radius", 0, above=0)
    assert _check.number("radius", np.float32(0.5), above=0) == 0.5
    assert type(_check.number("radius", np.int16(2))) is float


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (0, ArgumentError, "size=0 must be at least 1"),
        (10, ArgumentError, "size=10 must be at most 9"),
        (3.0, ArgumentTypeError, "size=3.0 is of type float; it must be an integer"),
        (True, ArgumentTypeError, "size=True is of type bool; it must be an integer"),
        ("3", ArgumentTypeError, "size='3' is of type str; it must be an integer"),
    ],
)
def test_count_refuses(value: int, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        _check.count("size", value, at_least=1, at_most=9)


def test_count_takes_numpy_integers() -> None:
    assert type(_check.count("size", np.uint8(3))) is int


@pytest.mark.parametrize(
    ("name", "arguments", "start"),
    [
        (
            "gaussian",
            {"sigma": 1e12},
            "sigma=1e+12 with truncate=4 makes a kernel of 8e+12 weights",
        ),
        ("gaussian", {"sigma": 1, "radius": 10**9}, "radius=1000000000 makes a kernel of 2e+09"),
        ("box", {"size": 10**12}, "a box of 1000000000000 rows and 1000000000000 columns makes"),
        ("disk", {"radius": 1e5}, "disk(100000) makes a kernel of 200001 × 200001 weights"),
        ("motion_blur", {"length": 1e9}, "motion_blur(1e+09, angle=0) makes a kernel of 1e+09"),
        ("motion_blur", {"length": 1e9, "angle": 1}, "motion_blur(1e+09, angle=1) makes a kernel"),
        ("gabor", {"frequency": 1e-5}, "gabor(1e-05, angle=0) makes a kernel of"),
    ],
)
def test_absurd_sizes_are_refused_at_once(
    name: str, arguments: dict[str, float], start: str
) -> None:
    with pytest.raises(ArgumentError, match=f"^{re.escape(start)}.*at most 67108864 are allowed$"):
        getattr(kernels, name)(**arguments)


@pytest.mark.parametrize("angle", [-720, -30, 0, 15, 45, 90, 135, 200, 270, 359, 1e6])
def test_direction_is_the_cosine_and_the_sine(angle: float) -> None:
    right, up = _angle.direction(angle)
    radians = math.radians(angle)
    assert (right, up) == pytest.approx((math.cos(radians), math.sin(radians)), abs=1e-9)
    assert math.copysign(1, right) * math.copysign(1, up) != 0
    if angle % 90 == 0:
        assert {abs(right), abs(up)} == {0, 1}

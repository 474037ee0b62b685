"""The catalog of filters, read from the kernel library, and filters by name."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpuconv as gc
from gpuconv import filters, kernels, operations
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.filters import Filter, catalog, lookup
from gpuconv.filters.catalog import entry_of

IMAGE = np.random.default_rng(6).integers(0, 256, (9, 14), np.uint8)


def required_values(name: str) -> dict[str, str]:
    """Return a value for each parameter of a filter that has no default, and for what it needs."""
    values = {"frequency": "0.2", "psf": "motion_blur(length=5, angle=30)"}
    more = {"bilateral": {"diameter": "5"}, "wiener": {"balance": "0.1"}, "nl_means": {"h": "9"}}
    needed = {p.name for p in lookup(name).parameters.values() if p.required}
    return {key: values.get(key, "2") for key in needed} | more.get(name, {})


# The catalog


def test_the_catalog_is_the_kernels_and_the_operations_that_make_pictures() -> None:
    assert list(catalog()) == sorted({*kernels.__all__, *operations.FILTERS})
    assert {"psnr", "ssim", "estimate_noise"}.isdisjoint(catalog())


def test_every_operation_that_makes_an_image_is_a_filter_or_has_a_kernel_of_its_name() -> None:
    #: laplace: the kernel is called laplacian.
    known = {*operations.FILTERS, *kernels.__all__, "laplace"}
    makers = {
        name
        for name in operations.__all__
        if callable(function := getattr(operations, name))
        and {"image", "out"} <= inspect.signature(function).parameters.keys()
    }
    assert makers <= known
    assert set(operations.FILTERS) <= makers


def test_a_kernel_goes_before_an_operation_of_its_name() -> None:
    both = set(kernels.__all__) & set(operations.__all__)
    assert both >= {"laplacian_of_gaussian", "difference_of_gaussians", "emboss"}
    assert all(Filter(name, **required_values(name)).linear for name in both)


@pytest.mark.parametrize("name", kernels.__all__)
def test_every_filter_is_documented_and_makes_a_kernel(name: str) -> None:
    entry = lookup(name)
    assert entry.summary.endswith(".")
    assert "`" not in entry.summary + entry.details
    assert all(p.help and p.kind for p in entry.parameters.values())
    values = required_values(name)
    assert Filter(name, **values).kernel == entry.function(
        **{key: float(value) for key, value in values.items()}
    )


@pytest.mark.parametrize("name", operations.FILTERS)
def test_every_operation_is_documented_and_filters(name: str) -> None:
    entry = lookup(name)
    assert entry.operation
    assert entry.summary.endswith(".")
    assert "`" not in entry.summary + entry.details
    assert all(p.help and p.kind for p in entry.parameters.values())
    assert {"image", "out", "border", "method"}.isdisjoint(entry.parameters)
    made = Filter(name, **required_values(name))
    assert not made.linear
    assert gc.Chain((made,))(IMAGE).shape == IMAGE.shape
    with pytest.raises(ArgumentError, match=f"filter '{name}' is no convolution"):
        made.kernel  # noqa: B018


@pytest.mark.parametrize("name", list(catalog()))
def test_every_filter_reads_back_the_defaults_that_it_prints(name: str) -> None:
    for parameter in lookup(name).parameters.values():
        if not parameter.required:
            assert parameter.read(filters.written(parameter.default)) == parameter.default


def example(
    size: int,
    sigma: float = 1.5,
    mode: Literal["near", "far"] = "near",
    taps: Literal[4, 8] = 4,
    radius: int | None = None,
    smooth: bool = True,
) -> Any:
    """Do *this* with :func:`gpuconv.kernels.box` and ``that``.

    More on it::

        a + b

    Parameters
    ----------
    size : int
        Side, in pixels,
        at least 1.
    sigma, radius : float
        Shared help.
    mode : {"near", "far"}, default "near"
        Where.

    References
    ----------
    A book.
    """
    return gc.Kernel([[size]])


def test_an_entry_is_read_from_signature_and_docstring() -> None:
    entry = entry_of(example)
    assert entry.summary == "Do this with box and that."
    assert entry.details == "More on it:\n\n    a + b\n\nSource: A book."
    assert entry.usage == "example:size=…,sigma=1.5,mode=near,taps=4,radius=none,smooth=yes"
    helps = [p.help for p in entry.parameters.values()]
    assert helps == [
        "Side, in pixels, at least 1.",
        "Shared help.",
        "Where.",
        "",
        "Shared help.",
        "",
    ]
    kinds = [p.kind for p in entry.parameters.values()]
    assert kinds == [
        "integer",
        "number",
        "one of near, far",
        "one of 4, 8",
        "integer or none",
        "yes or no",
    ]
    assert [p.required for p in entry.parameters.values()] == [True] + [False] * 5


def test_values_are_read_as_their_types() -> None:
    values = entry_of(example).complete(
        {"size": "3", "sigma": 2, "mode": "far", "taps": "8", "radius": "None", "smooth": "off"}
    )
    assert values == {
        "size": 3,
        "sigma": 2.0,
        "mode": "far",
        "taps": 8,
        "radius": None,
        "smooth": False,
    }
    assert type(values["sigma"]) is float


def test_a_new_function_of_the_library_is_a_filter_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "example", example, raising=False)
    monkeypatch.setattr(kernels, "__all__", [*kernels.__all__, "example"])
    catalog.cache_clear()
    try:
        assert Filter.parse("example:size=7").kernel.weights.tolist() == [[7]]
    finally:
        monkeypatch.undo()
        catalog.cache_clear()


# Specs


def test_a_spec_is_canonical() -> None:
    assert Filter.parse(" gaussian : sigma = 2 , order=0 ").spec == "gaussian:sigma=2.0"
    assert Filter("sobel_x").spec == "sobel_x"
    assert Filter("gaussian", sigma=2) == Filter.parse("gaussian:sigma=2.0")
    assert Filter.parse("difference_of_gaussians:low-sigma=2").kernel.shape[0] > 9


@pytest.mark.parametrize("name", list(catalog()))
def test_a_spec_parses_to_the_same_filter(name: str) -> None:
    made = Filter(name, **required_values(name))
    assert Filter.parse(made.spec) == made


@given(sigma=st.floats(0.1, 20), order=st.integers(0, 2))
@settings(max_examples=30, derandomize=True, deadline=None)
def test_any_values_survive_a_spec(sigma: float, order: int) -> None:
    made = Filter("gaussian", sigma=sigma, order=order)
    assert Filter.parse(made.spec).parameters == made.parameters


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("gausian", r"filter='gausian' is not a filter of the library; did you mean 'gaussian'\?"),
        ("gaussian", "filter 'gaussian' needs sigma: gaussian:sigma=…"),
        ("gaussian:sigma=wide", r"sigma='wide' is not allowed \(expected: number\)"),
        (
            "gaussian:sigma=2,radius=1.5",
            r"radius='1.5' is not allowed \(expected: integer or none\)",
        ),
        ("gaussian:sgima=2", "parameter='sgima' is not a parameter of filter 'gaussian'; did you"),
        ("gaussian:sigma=2,sigma=3", "filter='gaussian:sigma=2,sigma=3': sigma is given twice"),
        ("gaussian:2", "filter='gaussian:2' must be written name:key=value,key=value"),
        ("gaussian:", "filter='gaussian:' must be written name:key=value"),
        ("outline:size=3", "filter 'outline' has no parameters, not 'size'"),
        ("laplacian:neighbours=5", r"neighbours='5' is not an allowed value.*\(one of '4', '8'\)"),
        (
            "disk:radius=2,antialiased=maybe",
            r"antialiased='maybe' is not allowed \(expected: yes or no\)",
        ),
        ("gaussian:sigma=-1", "sigma"),
        ("median:size=5x", r"size='5x' is not allowed \(expected: integer or two integers such as"),
        ("median:size=-1", "size=-1 must be a positive integer"),
        ("median:size=3,5", "must be written name:key=value,key=value"),
        ("median:footprint=median(size=3)", "footprint=.*: filter 'median' has no kernel"),
        ("median:footprint=disc(radius=2)", r"did you mean 'disk'\?"),
        ("median:footprint=disk(radius=2", "has parentheses that do not match"),
        ("median:footprint=0 1; 1", "all rows must be equally long"),
        ("median:footprint=none.npy", "^footprint='none.npy': kernel='none.npy' holds no kernel"),
        ("median:footprint=a b", "^footprint='a b': kernel has the entry 'a'"),
        (
            "wiener:psf=mition_blur",
            r"^psf='mition_blur': .*; did you mean 'motion_blur'\? .one of 'binomial'",
        ),
        ("wiener:psf=box(sice=3)", r"^psf='box\(sice=3\)': parameter='sice' is .* mean 'size'"),
        ("rank", "filter 'rank' needs rank: rank:rank=…"),
        ("bilateral:sigma_color=9", "give diameter or sigma_space, or both"),
        ("bilateral:diameter=9", "filter 'bilateral' needs sigma_color"),
        ("sobel:output=direction", "parameter='output' is not a parameter of filter 'sobel'"),
    ],
)
def test_a_bad_spec_says_what_is_wrong(spec: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Filter.parse(spec)


# Parameters that are pairs, and parameters that are kernels


def test_pairs_are_written_with_an_x() -> None:
    made = Filter.parse("median:size=3x5,anchor=2×0")
    assert dict(made.parameters or ())["size"] == (3, 5)
    assert made.spec == "median:size=3x5,anchor=2x0"
    assert made == Filter("median", size=[3, 5], anchor=(2, 0))


def test_rows_of_numbers_may_be_text_an_array_a_kernel_or_a_file(tmp_path: Path) -> None:
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
    np.save(tmp_path / "cross.npy", cross)
    written = Filter.parse("median:footprint=0 1 0; 1 1 1; 0 1 0")
    assert written.spec == "median:footprint=0 1 0; 1 1 1; 0 1 0"
    given: list[Any] = [cross, cross.astype(bool), gc.Kernel(cross), str(tmp_path / "cross.npy")]
    for each in given:
        assert Filter("median", footprint=each) == written
    expected = gc.median(IMAGE, footprint=cross)
    np.testing.assert_array_equal(gc.Chain((written,))(IMAGE), expected)


def test_a_parameter_may_be_another_filter_with_its_own() -> None:
    made = Filter.parse("median:footprint=disk(radius=2, antialiased=no),anchor=0x0")
    assert made.spec == "median:footprint=disk(radius=2.0,antialiased=no),anchor=0x0"
    inner = dict(made.parameters or ())["footprint"]
    assert inner == Filter("disk", radius=2, antialiased=False)
    shape = gc.kernels.disk(2, antialiased=False).weights > 0
    expected = gc.median(IMAGE, footprint=shape, anchor=(0, 0))
    np.testing.assert_array_equal(gc.Chain((made,))(IMAGE), expected)
    assert Filter("median", footprint=inner, anchor=(0, 0)) == made


def test_a_kernel_may_be_given_as_any_function_takes_it() -> None:
    pair = [1, 2, 1], [1, 1]
    rows = np.outer(*pair).tolist()
    given: list[Any] = [rows, np.array(rows), pair, "1 1; 2 2; 1 1", gc.Kernel(rows)]
    weights = [
        inner.kernel.weights.tolist()
        for each in given
        for key, inner in Filter("richardson_lucy", psf=each).parameters or ()
        if key == "psf"
    ]
    assert weights == 5 * [rows]


def test_the_point_of_a_kernel_is_told_where_it_is_not_the_middle() -> None:
    middle, corner = (Filter("wiener", psf=gc.kernels.box(3).anchored(y, y)) for y in (1, 0))
    assert middle != corner
    assert corner.spec == f"{middle.spec}|anchor=0,0"


def test_what_is_no_kernel_is_told_of_by_the_name_of_the_parameter() -> None:
    with pytest.raises(ArgumentTypeError, match=r"^footprint: kernel has dtype <U1"):
        Filter("median", footprint=[["a"]])
    with pytest.raises(ArgumentError, match=r"^psf: kernel has weights that are not finite"):
        Filter("wiener", psf=[[np.nan]])


def test_filters_are_keys() -> None:
    twice = [Filter("median", size=5), Filter.parse("median:size=5"), Filter("box")]
    assert len(set(twice)) == 2


# Plans


def test_a_filter_tells_its_plans() -> None:
    options: dict[str, Any] = {"border": "wrap", "cval": 0, "device": "cpu"}
    [plan] = Filter("median", size=5).plans((40, 50), "uint8", **options)
    assert plan == gc.plan((40, 50), "uint8", gc.Rank.median(5), **options)
    [box] = Filter("box", size=9).plans((40, 50), "uint8", **options)
    assert box == gc.plan((40, 50), "uint8", gc.kernels.box(9), **options)
    slopes = Filter("sobel", scale=2).plans((40, 50), "uint8")
    assert [p.rows()[1][1].split(",")[0] for p in slopes] == ["3×3", "3×3"]


def test_canny_is_planned_with_the_border_and_the_dtype_that_it_has() -> None:
    blur, *slopes = Filter("canny").plans((40, 50), "uint8", border=None)
    assert blur == gc.plan(
        (40, 50), "uint8", gc.kernels.gaussian(1), border="constant", out_dtype="float64"
    )
    assert [each.dtype for each in slopes] == [np.float64, np.float64]
    [blur, *_] = Filter("canny").plans((40, 50), "float32", border="wrap")
    assert "wrap along y" in blur.explain()
    assert blur.out_dtype == np.float32


@pytest.mark.parametrize("spec", ["canny", "richardson_lucy:psf=box"])
def test_what_is_for_real_pixels_has_no_plan_for_others(spec: str) -> None:
    with pytest.raises(ArgumentTypeError, match="dtype=complex64: this filter is for real pixels"):
        Filter.parse(spec).plans((40, 50), "complex64")


def test_a_filter_that_has_but_one_way_has_no_plan() -> None:
    wiener = Filter("wiener", psf="disk(radius=2)", balance=0.1)
    with pytest.raises(ArgumentError, match="filter 'wiener' has no plan: it runs in one way"):
        wiener.plans((40, 50), "uint8")
    with pytest.raises(ArgumentError, match="'nl_means' has a plan for a given h"):
        Filter("nl_means").plans((40, 50), "uint8")


@pytest.mark.parametrize("name", sorted({*operations.FILTERS} - {"wiener"}))
def test_every_other_operation_has_plans(name: str) -> None:
    plans = Filter(name, **required_values(name)).plans((40, 50), "uint8", channel_axis=None)
    assert plans
    assert all("predicted" in plan.explain() for plan in plans)

"""The catalog of filters, read from the kernel library, and filters by name."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpuconv as gc
from gpuconv import filters, kernels
from gpuconv.errors import ArgumentError
from gpuconv.filters import Filter, catalog, lookup
from gpuconv.filters.catalog import entry_of


def required_values(name: str) -> dict[str, str]:
    """Return a value for each parameter of a filter that has no default."""
    return {
        p.name: "0.2" if p.name == "frequency" else "2"
        for p in lookup(name).parameters.values()
        if p.required
    }


# The catalog


def test_the_catalog_is_the_kernel_library() -> None:
    assert list(catalog()) == sorted(kernels.__all__)


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


@pytest.mark.parametrize("name", kernels.__all__)
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


@pytest.mark.parametrize("name", kernels.__all__)
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
    ],
)
def test_a_bad_spec_says_what_is_wrong(spec: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Filter.parse(spec)

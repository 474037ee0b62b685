"""The exception tree, and the suggestions that messages make."""

from __future__ import annotations

import pytest

import gpuconv as gc
from gpuconv import errors

BASES = {
    errors.ArgumentError: ValueError,
    errors.ArgumentTypeError: TypeError,
    errors.DeviceError: RuntimeError,
    errors.ImageFileError: OSError,
    errors.MissingExtraError: ImportError,
}


@pytest.mark.parametrize(("error", "builtin"), BASES.items())
def test_each_error_is_also_the_builtin_that_callers_expect(
    error: type[Exception], builtin: type[Exception]
) -> None:
    assert issubclass(error, (gc.GpuconvError,))
    assert issubclass(error, builtin)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    for error, builtin in BASES.items():
        assert f"{error.__name__}" in (errors.__doc__ or "")
        assert f"({builtin.__name__})" in (errors.__doc__ or "")
    defined = {v for v in vars(errors).values() if isinstance(v, type)}
    assert defined >= {*BASES, errors.GpuconvError}
    assert all(issubclass(v, gc.GpuconvError) for v in defined if v.__module__ == errors.__name__)


def test_a_missing_extra_says_how_to_install_it() -> None:
    error = errors.MissingExtraError("matplotlib", "plot", "Kernel.plot")
    assert str(error) == (
        "Kernel.plot needs matplotlib, which is not installed: pip install 'gpuconv[plot]'"
    )


def test_choose_returns_what_is_allowed() -> None:
    assert errors.choose("size", "full", ("same", "full"), "a size mode") == "full"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            "mirorr",
            "border='mirorr' is not a mode; did you mean 'mirror'? (one of 'wrap', 'mirror')",
        ),
        ("xyz", "border='xyz' is not a mode (one of 'wrap', 'mirror')"),
        ("", "border='' is not a mode (one of 'wrap', 'mirror')"),
        (3, "border=3 is not a mode (one of 'wrap', 'mirror')"),
        (None, "border=None is not a mode (one of 'wrap', 'mirror')"),
        (["wrap"], "border=['wrap'] is not a mode (one of 'wrap', 'mirror')"),
    ],
)
def test_choose_names_the_argument_the_value_and_what_is_allowed(value: object, said: str) -> None:
    with pytest.raises(errors.ArgumentError) as caught:
        errors.choose("border", value, iter(["wrap", "mirror"]), "a mode")
    assert str(caught.value) == said

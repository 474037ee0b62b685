"""The border table against np.pad and SciPy, and its names."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from gpuconv import border
from gpuconv.errors import ArgumentError, ArgumentTypeError

#: numpy.pad's names of our modes.
PAD = {"nearest": "edge", "reflect": "symmetric", "mirror": "reflect", "wrap": "wrap"}
SIZES = range(1, 8)


def padded(mode: str, n: int, before: int, after: int) -> NDArray[np.intp]:
    """Return what np.pad puts around the indices of an axis, FILL being its constant."""
    axis = np.arange(n)
    if mode == "constant":
        return np.pad(axis, (before, after), constant_values=border.FILL)
    return np.pad(axis, (before, after), mode=PAD[mode])  # type: ignore[call-overload]


@pytest.mark.parametrize("mode", border.MODES)
@pytest.mark.parametrize("n", SIZES)
def test_the_table_is_np_pad_for_radii_up_to_three_times_the_size(mode: str, n: int) -> None:
    for radius in range(3 * n + 1):
        found = border.source_index(mode, range(-radius, n + radius), n)
        np.testing.assert_array_equal(found, padded(mode, n, radius, radius))


@pytest.mark.parametrize("mode", border.MODES)
@pytest.mark.parametrize("n", SIZES)
def test_every_span_is_a_piece_of_the_table(mode: str, n: int) -> None:
    reach, axis = 3 * n, np.arange(n)
    whole = padded(mode, n, reach, reach)
    for start in range(-reach, n + reach):
        for stop in range(start, n + reach + 1):
            s = border.span(mode, start, stop, n)
            joined = np.concatenate([s.before, axis[s.inside], s.after])
            np.testing.assert_array_equal(joined, whole[start + reach : stop + reach])
            laid = np.full(stop - start, -99)
            for there, source in s.runs:
                laid[there] = border.FILL if source is None else axis[source]
            np.testing.assert_array_equal(laid, joined)


@pytest.mark.parametrize("mode", border.MODES)
def test_a_span_is_all_image_where_it_can_be(mode: str) -> None:
    inside = border.span(mode, 2, 6, 8)
    assert (len(inside.before), inside.inside, len(inside.after)) == (0, slice(2, 6), 0)


@pytest.mark.parametrize("mode", border.MODES)
def test_far_away_positions_have_sources_too(mode: str) -> None:
    far = np.array([-(10**12) - 1, 10**12])
    found = border.source_index(mode, far, 7)
    assert ((found == border.FILL) if mode == "constant" else (found >= 0) & (found < 7)).all()


def test_an_empty_axis_has_only_fill_in_mode_constant() -> None:
    assert border.source_index("constant", range(-2, 2), 0).tolist() == [border.FILL] * 4


@pytest.mark.parametrize("mode", border.MODES)
@pytest.mark.parametrize("other", border.MODES)
def test_pairs_of_modes_are_scipys_modes_per_axis(mode: str, other: str) -> None:
    image = np.arange(1.0, 13).reshape(3, 4)
    y = border.source_index(mode, range(-4, 7), 3)
    x = border.source_index(other, range(-5, 9), 4)
    found = np.where((y == border.FILL)[:, None] | (x == border.FILL), 0, image[y[:, None], x])
    modes = [f"grid-{m}" if m in ("wrap", "constant") else m for m in (mode, other)]
    for up, left in [(-4, -5), (-4, 4), (4, -5), (0, 3), (2, 0)]:  # shifts of the whole image
        expected = image
        for axis, by in enumerate((up, left)):
            tap = np.eye(11)[5 + by]
            expected = ndimage.correlate1d(expected, tap, axis=axis, mode=modes[axis])
        shifted = found[4 + up : 7 + up, 5 + left : 9 + left]
        np.testing.assert_array_equal(expected, shifted)


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        *((alias, name) for name, mode in border.MODES.items() for alias in (name, *mode.aliases)),
        ("edge", "nearest"),
        ("symmetric", "reflect"),
        ("replicate", "nearest"),
        ("reflect101", "mirror"),
        ("REFLECT_101", "mirror"),
        ("BORDER_REFLECT_101", "mirror"),
        ("BORDER_REFLECT", "reflect"),
        ("border replicate", "nearest"),
        ("grid-mirror", "reflect"),
        ("grid-constant", "constant"),
        ("grid-wrap", "wrap"),
        ("Zero", "constant"),
        ("Mirror", "mirror"),
    ],
)
def test_aliases(name: str, mode: str) -> None:
    assert border.canonical(name) == mode


def test_no_alias_stands_for_two_modes() -> None:
    names = [alias for name, mode in border.MODES.items() for alias in (name, *mode.aliases)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("mode", border.MODES)
def test_the_picture_of_a_mode_is_true(mode: str) -> None:
    fills = {border.FILL: "k", **dict(enumerate("abcd"))}
    drawn = [fills[i] for i in border.source_index(mode, range(-2, 6), 4).tolist()]
    assert border.MODES[mode].picture.replace("| ", "").split() == drawn


def test_pairs() -> None:
    assert border.pair("edge") == ("nearest", "nearest")
    assert border.pair(("wrap", "zero")) == ("wrap", "constant")
    assert border.pair(["mirror", "reflect"]) == ("mirror", "reflect")
    assert border.pair("constant", 7) == ("constant", "constant")


@pytest.mark.parametrize("name", ["zero", "zeros", "ZERO", "BORDER_ZERO", ("wrap", "zeros")])
def test_zero_fills_with_nothing_else(name: str) -> None:
    assert "constant" in border.pair(name, 0)
    with pytest.raises(ArgumentError, match=r"fills with 0, but cval=5; use 'constant'"):
        border.pair(name, 5)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "mirorr",
            r"border='mirorr' is not a border mode; did you mean 'mirror'\? \(one of 'c",
        ),
        ("reflct", r"did you mean 'reflect'\?"),
        ("qqq", r"border='qqq' is not a border mode \(one of 'constant', 'nearest', 'reflect', "),
        ("", r"border='' is not a border mode"),
        ("border", r"border='border' is not a border mode"),
        (
            ("wrap",),
            r"border=\('wrap',\) has 1 entries; give one name, or a pair \(rows, ",
        ),
        (("wrap", "wrap", "wrap"), "has 3 entries"),
        (("wrap", "wrp"), r"border='wrp' is not a border mode; did you mean 'wrap'\?"),
    ],
)
def test_errors_of_names(given: object, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        border.pair(given)


@pytest.mark.parametrize("given", [None, 3, b"wrap", ("wrap", None), {"y": "wrap"}])
def test_errors_of_kinds(given: object) -> None:
    with pytest.raises(ArgumentTypeError, match=r"must be the name of a border mode, or a pair"):
        border.pair(given)

from __future__ import annotations

import glob
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuconv.batch.patterns import Selection, has_magic, match_parts, natural_key, texts
from gpuconv.errors import ArgumentError, ArgumentTypeError


@pytest.mark.parametrize(
    ("text", "magic"), [("a.png", False), ("*.png", True), ("a?.png", True), ("a[12].png", True)]
)
def test_magic(text, magic):
    assert has_magic(text) is magic


def test_numbers_in_names_count():
    names = ["page10.png", "page9.png", "page1.png", "Page2.png", "page.png", "page01.png"]
    assert sorted(names, key=natural_key) == [
        "page.png",
        "page01.png",
        "page1.png",
        "Page2.png",
        "page9.png",
        "page10.png",
    ]


@given(st.lists(st.text("ab1029²٣.", max_size=6)))
@settings(derandomize=True, max_examples=50, deadline=None)
def test_any_names_can_be_ordered_in_one_way(names):
    turned = names[::-1]
    assert sorted(names, key=natural_key) == sorted(turned, key=natural_key)


TREE = ["a.png", "b.tif", "x/a.png", "x/y/a.png", "x/y/c.png", "z/d.jpg"]


@pytest.mark.parametrize(
    "pattern",
    [
        "*.png",
        "*",
        "**/*.png",
        "x/*.png",
        "x/**/*.png",
        "*/y/?.png",
        "x/y/[ab].png",
        "**/y/*",
        "q*",
    ],
)
def test_patterns_are_those_of_glob(tmp_path, pattern):
    for name in TREE:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    expected = {
        name
        for name in glob.glob(pattern, root_dir=tmp_path, recursive=True)
        if (tmp_path / name).is_file()
    }
    wanted = tuple(pattern.split("/"))
    assert {name for name in TREE if match_parts(wanted, Path(name).parts)} == expected


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        ((), (), TREE),
        (("*.png",), (), ["a.png", "x/a.png", "x/y/a.png", "x/y/c.png"]),
        (("x/*.png",), (), ["x/a.png"]),
        (("a.png", "*.jpg"), (), ["a.png", "x/a.png", "x/y/a.png", "z/d.jpg"]),
        ((), ("y",), ["a.png", "b.tif", "x/a.png", "z/d.jpg"]),
        ((), ("y/",), ["a.png", "b.tif", "x/a.png", "z/d.jpg"]),
        ((), ("x/y",), ["a.png", "b.tif", "x/a.png", "z/d.jpg"]),
        ((), ("*/a.png",), ["a.png", "b.tif", "x/y/a.png", "x/y/c.png", "z/d.jpg"]),
        (("*.png",), ("x/**",), ["a.png"]),
        (("*.PNG",), (), []),
    ],
)
def test_selection(include, exclude, expected):
    selection = Selection(include, exclude)
    assert [name for name in TREE if selection.takes(Path(name).parts)] == expected


def test_a_single_text_is_one_text():
    assert texts("include", "*.png") == ("*.png",)
    assert texts("inputs", Path("a/b")) == (str(Path("a/b")),)
    assert texts("inputs", [Path("a"), "b"]) == ("a", "b")


def test_texts_refuse_what_is_none():
    with pytest.raises(ArgumentTypeError, match=r"include=3 is neither a text nor a sequence"):
        texts("include", 3)
    with pytest.raises(ArgumentTypeError, match=r"inputs holds 3, which is neither"):
        texts("inputs", ["a", 3])
    with pytest.raises(ArgumentError, match=r"inputs holds '': a name is not empty"):
        texts("inputs", [""])
    with pytest.raises(ArgumentError, match=r"inputs holds 'a\\x00b'"):
        texts("inputs", ["a\0b"])

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from gpuconv.batch.patterns import Selection
from gpuconv.batch.scan import Finder, read_list
from gpuconv.errors import ArgumentError


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touch(*names):
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def find(*texts, **options):
    finder = Finder(**options)
    for text in texts:
        finder.add(text)
    return finder


def names(finder):
    return [item.path.as_posix() for item in finder.found]


def test_a_folder_gives_its_images_in_natural_order(here):
    touch(
        "s/p10.png", "s/p9.TIF", "s/P1.jpeg", "s/readme.txt", "s/noext", "s/.p0.png", "s/in/q.png"
    )
    finder = find("s")
    assert names(finder) == ["s/P1.jpeg", "s/p9.TIF", "s/p10.png"]
    assert finder.ignored == {"not an image": 2, "hidden": 1, "subfolder (not recursive)": 1}
    assert [str(item.below) for item in finder.found] == ["P1.jpeg", "p9.TIF", "p10.png"]


def test_recursion_keeps_the_folders(here):
    touch("s/b.png", "s/2/a.png", "s/10/a.png", "s/10/x/y.png", "s/.git/a.png")
    finder = find("s", recursive=True)
    assert [item.below.as_posix() for item in finder.found] == [
        "2/a.png",
        "10/a.png",
        "10/x/y.png",
        "b.png",
    ]
    assert finder.ignored == {"hidden": 1}


def test_a_named_file_is_taken_whatever_it_is_called(here):
    touch("notes.txt", ".hidden.png", "deep/in/cat.png")
    finder = find("notes.txt", ".hidden.png", "deep/in/cat.png")
    assert names(finder) == ["notes.txt", ".hidden.png", "deep/in/cat.png"]
    assert [item.below.as_posix() for item in finder.found] == [
        "notes.txt",
        ".hidden.png",
        "cat.png",
    ]
    assert not any(item.problem for item in finder.found)


def test_what_cannot_be_opened_is_taken_with_its_problem(here):
    os.mkfifo("pipe.png")
    finder = find("gone.png", "pipe.png")
    assert [item.problem for item in finder.found] == [
        "cannot be opened: No such file or directory",
        "not a regular file",
    ]


def test_a_scan_passes_by_what_is_no_regular_file(here):
    touch("s/a.png")
    os.mkfifo("s/pipe.png")
    finder = find("s")
    assert names(finder) == ["s/a.png"]
    assert finder.ignored == {"not a regular file": 1}


def test_symbolic_links_are_not_followed(here):
    touch("s/a.png", "other/b.png")
    os.symlink("a.png", "s/link.png")
    os.symlink("../other", "s/folder")
    os.symlink(".", "s/loop")
    os.symlink("nowhere", "s/dangling.png")
    finder = find("s", recursive=True)
    assert names(finder) == ["s/a.png"]
    assert finder.ignored == {"symbolic link": 4}
    named = find("s/link.png")
    assert named.found == []
    assert named.notices == ["s/link.png: a symbolic link is not followed"]


def test_a_folder_that_the_caller_names_may_be_a_link(here):
    touch("real/a.png")
    os.symlink("real", "link")
    assert names(find("link")) == ["link/a.png"]


def test_a_file_is_taken_once(here):
    touch("s/a.png", "s/b.png")
    os.symlink("s", "link")
    finder = find("s/b.png", "s", "./s/a.png", "link")
    assert names(finder) == ["s/b.png", "s/a.png"]
    assert finder.ignored == {"named twice": 4}


@pytest.mark.parametrize(
    ("pattern", "expected", "below"),
    [
        ("s/*.png", ["s/a.png", "s/b.png"], ["a.png", "b.png"]),
        ("s/[b-c].png", ["s/b.png"], ["b.png"]),
        ("*/*/c.png", ["s/x/c.png"], ["s/x/c.png"]),
        ("s/**/*.png", ["s/a.png", "s/b.png", "s/x/c.png"], ["a.png", "b.png", "x/c.png"]),
        ("s/*", ["s/a.png", "s/b.png"], ["a.png", "b.png"]),
        ("s/*.txt", ["s/n.txt"], ["n.txt"]),
        ("s/.h*.png", ["s/.h.png"], [".h.png"]),
    ],
)
def test_patterns(here, pattern, expected, below):
    touch("s/a.png", "s/b.png", "s/x/c.png", "s/n.txt", "s/.h.png")
    finder = find(pattern)
    assert names(finder) == expected
    assert [item.below.as_posix() for item in finder.found] == below


def test_an_absolute_pattern(here):
    touch("s/a.png")
    assert [item.path for item in find(f"{here}/s/*.png").found] == [here / "s" / "a.png"]


@pytest.mark.parametrize("pattern", ["s/*.gif", "nowhere/*.png"])
def test_a_pattern_without_files_is_said(here, pattern):
    touch("s/a.png")
    finder = find(pattern)
    assert finder.found == []
    assert finder.notices == [f"{pattern}: the pattern gave no file"]


def test_a_file_whose_name_looks_like_a_pattern(here):
    touch("a[1].png", "a1.png")
    assert names(find("a[1].png")) == ["a[1].png"]


def test_include_and_exclude(here):
    touch("s/a.png", "s/b.tif", "s/thumbs/a.png", "s/x/a.png", "s/x/b.png")
    selection = Selection(("*.png",), ("thumbs", "x/b.*"))
    finder = find("s", recursive=True, selection=selection)
    assert names(finder) == ["s/a.png", "s/x/a.png"]
    assert finder.ignored == {"excluded": 3}
    assert find("s/b.tif", selection=selection).ignored == {"excluded": 1}


def test_the_output_folder_is_not_scanned_from_above(here):
    touch("s/a.png", "s/out/a.png")
    for texts in (["s"], ["s/**/*.png"]):
        finder = find(*texts, recursive=True, output_dir=Path("s/x/../out"))
        (here / "s/x").mkdir(exist_ok=True)
        finder = find(*texts, recursive=True, output_dir=Path("s/x/../out"))
        assert names(finder) == ["s/a.png"]
        assert finder.ignored == {"the output folder": 1}
    assert names(find("s/out", output_dir=Path("s/out"))) == ["s/out/a.png"]


def test_what_earlier_runs_made_is_not_scanned(here):
    touch("s/a.png", "s/a_blur.png")
    made = [Path("s/a_blur.png"), Path("s/deleted.png")]
    finder = find("s", outputs=made)
    assert names(finder) == ["s/a.png"]
    assert finder.ignored == {"made by an earlier run": 1}
    assert names(find("s/a_blur.png", outputs=made)) == ["s/a_blur.png"]


def test_a_folder_that_cannot_be_read_is_a_problem(here, monkeypatch):
    touch("s/a.png", "s/locked/b.png")
    scandir = os.scandir

    def refusing(path):
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    finder = find("s", recursive=True)
    assert {item.path.as_posix(): item.problem for item in finder.found} == {
        "s/a.png": "",
        "s/locked": "the folder cannot be read: Permission denied",
    }


def test_a_list_keeps_relative_folders(here):
    touch("a/x.png", "b/x.png", "notes.txt")
    finder = Finder()
    for text in ("./a/x.png", "b/x.png", "a", "notes.txt", f"{here}/a/../b/x.png", "gone.png"):
        finder.add_listed(text)
    assert [(item.path.as_posix(), item.below.as_posix()) for item in finder.found] == [
        ("a/x.png", "a/x.png"),
        ("b/x.png", "b/x.png"),
        ("notes.txt", "notes.txt"),
        ("gone.png", "gone.png"),
    ]
    assert finder.ignored == {"folder in a list": 1, "named twice": 1}
    finder = Finder()
    finder.add_listed(f"{here}/a/x.png")
    finder.add_listed("a/../b/x.png")
    assert [item.below.as_posix() for item in finder.found] == ["x.png", "x.png"]


def test_lists_by_line_and_by_nul(here):
    Path("list").write_bytes(b"a.png\r\nb c.png\n\n#d.png\n\xff.png")
    assert read_list("list") == ["a.png", "b c.png", "#d.png", os.fsdecode(b"\xff.png")]
    Path("list0").write_bytes(b"a.png\0b\nc.png\0")
    assert read_list(Path("list0"), null=True) == ["a.png", "b\nc.png"]


def test_a_list_from_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a.png\0b.png")))
    assert read_list("-", null=True) == ["a.png", "b.png"]


def test_lists_that_are_refused(here):
    with pytest.raises(ArgumentError, match=r"files_from='gone' cannot be read: No such file"):
        read_list("gone")
    Path("list0").write_bytes(b"a.png\0b.png\0")
    with pytest.raises(ArgumentError, match=r"files_from='list0' holds NUL bytes: say null=True"):
        read_list("list0")

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from gpuconv.batch import NothingMatchedError, clashes, plan_jobs
from gpuconv.batch.clashes import Claims, Spots, ignores_case
from gpuconv.errors import ArgumentError, ArgumentTypeError, GpuconvError


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touch(*names):
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def outputs(plan):
    return [job.output.as_posix() for job in plan]


def test_the_tree_and_the_format_are_kept():
    touch("s/a.png", "s/x/b.JPG", "one.gif")
    plan = plan_jobs(["s", "one.gif"], "out", recursive=True)
    assert outputs(plan) == ["out/a.png", "out/x/b.JPG", "out/one.gif"]
    assert [job.input.as_posix() for job in plan] == ["s/a.png", "s/x/b.JPG", "one.gif"]
    assert len(plan) == 3
    assert all(job.root == Path("out") and job.keeps_format for job in plan)
    assert not Path("out").exists()


def test_a_template_names_the_outputs():
    touch("s/a.png", "s/x/b.jpg")
    template = "{dir}/{index:02d}_{stem}_{filter}.tif"
    plan = plan_jobs("s", "out", recursive=True, name_template=template, filter_name="sobel")
    assert outputs(plan) == ["out/01_a_sobel.tif", "out/x/02_b_sobel.tif"]
    assert not any(job.keeps_format for job in plan)


def test_inputs_of_every_kind_together():
    touch("s/a.png", "t/b.png", "u/v/c.png", "notes.txt")
    Path("list").write_text("u/v/c.png\n")
    plan = plan_jobs(["s", "t/*.png", "notes.txt"], "out", files_from="list")
    assert outputs(plan) == ["out/a.png", "out/b.png", "out/notes.txt", "out/u/v/c.png"]
    assert outputs(plan_jobs(files_from="list", output_dir=Path("out"))) == ["out/u/v/c.png"]


def test_two_inputs_with_one_output_are_refused_by_name():
    touch("s/a.png", "t/a.png", "t/b.jpg", "t/b.png")
    with pytest.raises(ArgumentError, match=r"two inputs have one output: s/a.png and t/a.png → "):
        plan_jobs(["s", "t"], "out")
    with pytest.raises(ArgumentError, match=r"t/b.jpg and t/b.png → out/b.png; name_template"):
        plan_jobs(["t"], "out", name_template="{stem}.png")
    assert len(plan_jobs(["t"], "out", name_template="{name}.png")) == 3


def test_many_clashes_are_not_all_listed():
    touch(*(f"{folder}/{n}.png" for folder in "st" for n in range(5)))
    with pytest.raises(ArgumentError, match=r"s/2.png and t/2.png → out/2.png \(and 2 more\); "):
        plan_jobs(["s", "t"], "out")


def test_one_place_under_two_spellings_is_a_clash():
    touch("s/a.png", "s/x/a.png", "s/y/a.png")
    Path("out/x").mkdir(parents=True)
    os.symlink("x", "out/y")
    with pytest.raises(ArgumentError, match=r"s/x/a.png and s/y/a.png → out/y/a.png"):
        plan_jobs("s", "out", recursive=True)


def test_names_that_differ_in_case_clash_where_the_file_system_ignores_it(monkeypatch):
    touch("s/Ä.png", "t/a\N{COMBINING DIAERESIS}.PNG")
    assert len(plan_jobs(["s", "t"], "out")) == 2
    monkeypatch.setattr(clashes, "ignores_case", lambda folder: True)
    with pytest.raises(ArgumentError, match="two inputs have one output"):
        plan_jobs(["s", "t"], "out")


def test_a_file_system_is_asked_whether_it_ignores_case(monkeypatch, here):
    assert not ignores_case(here / "not" / "there")
    assert not ignores_case(Path("/"))
    monkeypatch.setattr(clashes, "file_id", lambda path: (1, len(os.fspath(path))))
    assert ignores_case(here / "not" / "there")


def test_spots_of_one_file():
    touch("s/a.png")
    spots = Spots()
    assert spots.of(Path("s/a.png")) == spots.of(Path("s/../s/a.png")) != spots.of(Path("s/A.png"))


@pytest.mark.parametrize("target", ["s", "s/", "./s", "t/../s", "link"])
def test_an_output_that_is_its_input_is_refused(target):
    touch("s/a.png", "t/b.png")
    os.symlink("s", "link")
    with pytest.raises(ArgumentError, match=r"an output is an input: s/a.png → .*input s/a.png; "):
        plan_jobs("s", target)


def test_an_output_that_is_another_input_is_refused():
    touch("s/a.png", "s/a_blur.png")
    with pytest.raises(ArgumentError, match=r"s/a.png → s/a_blur.png, which is the input "):
        plan_jobs("s", "s", name_template="{stem}_{filter}{ext}", filter_name="blur")


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_an_output_that_is_an_input_by_a_link_is_refused(link, here):
    touch("s/a.png")
    Path("out").mkdir()
    link(here / "s/a.png", "out/a.png")
    with pytest.raises(ArgumentError, match=r"s/a.png → out/a.png, which is the input s/a.png"):
        plan_jobs("s", "out")


def test_an_output_folder_below_the_input_folder_is_no_input():
    touch("s/a.png", "s/x/b.png")
    first = plan_jobs("s", "s/out", recursive=True)
    touch(*outputs(first))
    second = plan_jobs("s", "s/out", recursive=True)
    assert second.jobs == first.jobs
    assert second.ignored == {"the output folder": 1}


def test_in_place_is_said_and_nothing_else():
    touch("s/a.png")
    plan = plan_jobs("s", in_place=True)
    assert outputs(plan) == ["s/a.png"]
    assert plan.output_dir is None
    assert plan.jobs[0].in_place
    assert plan.jobs[0].root == Path("s")
    with pytest.raises(ArgumentError, match=r"output_dir=None, in_place=False: give either"):
        plan_jobs("s")
    with pytest.raises(ArgumentError, match=r"output_dir='out', in_place=True: give either"):
        plan_jobs("s", "out", in_place=True)
    with pytest.raises(ArgumentError, match=r"name_template='x.png' has no meaning with in_place"):
        plan_jobs("s", in_place=True, name_template="x.png")


def test_nothing_matched_says_what_was_left_out():
    touch("s/readme.txt", "s/x/a.png")
    Path("empty").touch()
    with pytest.raises(NothingMatchedError) as caught:
        plan_jobs(["s", "*.tif"], "out")
    assert str(caught.value) == (
        "no image to work on; *.tif: the pattern gave no file;"
        " left out: 1 not an image, 1 subfolder (not recursive)"
    )
    assert isinstance(caught.value, GpuconvError)
    assert not isinstance(caught.value, ArgumentError)
    with pytest.raises(NothingMatchedError, match=r"^no image to work on$"):
        plan_jobs(files_from="empty", output_dir="out")


def test_arguments_that_are_refused():
    touch("a.png")
    with pytest.raises(ArgumentError, match=r"inputs is empty: give a file, a folder or a pattern"):
        plan_jobs([], "out")
    with pytest.raises(ArgumentTypeError, match=r"inputs=5 is neither"):
        plan_jobs(5, "out")
    with pytest.raises(ArgumentError, match=r"field='stm'"):
        plan_jobs("a.png", "out", name_template="{stm}.png")
    with pytest.raises(ArgumentError, match=r"name_template='' has no extension"):
        plan_jobs("a.png", "out", name_template="")


def test_problems_are_planned():
    plan = plan_jobs(["gone.png"], "out")
    assert plan.jobs[0].problem == "cannot be opened: No such file or directory"


def test_ten_thousand_names_are_planned_quickly(here):
    for folder in range(10):
        (here / f"s/{folder}").mkdir(parents=True)
        for n in range(1000):
            os.mknod(f"s/{folder}/{n}.png")
    started = time.process_time()
    plan = plan_jobs("s", "out", recursive=True)
    spent = time.process_time() - started
    assert [job.input.as_posix() for job in plan.jobs[8:12]] == [
        f"s/0/{n}.png" for n in range(8, 12)
    ]
    assert len({job.output for job in plan}) == 10_000
    assert spent < 5.0


def test_late_names_keep_off_inputs_and_planned_outputs(here):
    touch("s/a.psd", "s/a.psd.png", "s/b.psd")
    plan = plan_jobs(["s/a.psd", "s/a.psd.png", "s/b.psd"], "out")
    a, png, b = plan.jobs
    claims = Claims(plan)
    assert claims.objection(a, Path("out/a.psd.png")) == (
        "out/a.psd.png is the output of s/a.psd.png"
    )
    assert claims.objection(b, Path("out/b.psd.png")) == ""
    assert claims.objection(b, Path("out/b.psd.png")) == ""
    assert claims.objection(png, Path("out/b.psd.png")) == (
        "out/b.psd.png is the output of s/b.psd"
    )
    assert claims.objection(b, Path("s/a.psd.png")) == "s/a.psd.png is the input s/a.psd.png"

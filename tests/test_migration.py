"""``gpuconv migration``, and the page that it prints."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from gpuconv.cli import main
from gpuconv.cli.stand_ins import STAND_INS, StandIn

stand_ins = pytest.mark.parametrize("stand_in", STAND_INS, ids=lambda each: each.name)
with_tables = pytest.mark.parametrize(
    "stand_in", [each for each in STAND_INS if not each.like], ids=lambda each: each.name
)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["migration", *arguments]) == 0
    return capsys.readouterr().out


def test_the_page_in_the_repository_is_what_is_printed(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (root / "MIGRATION.md").read_text("utf-8")
    assert printed(capsys, "--markdown") == page, "gpuconv migration --markdown > MIGRATION.md"


@with_tables
def test_each_function_has_its_place_in_the_table(
    stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    page = printed(capsys, stand_in.name, "--markdown")
    rows = re.findall(r"^\| (`.*?`|all of them) \| (same|differs) \| (.*) \|$", page, re.M)
    listed = {"same": set[str](), "differs": set[str]()}
    for names, which, told in rows:
        listed[which] |= set(re.findall(r"`(\w+)`", names))
        assert (which == "same") == (told == "|")
    assert listed["same"] | listed["differs"] == set(stand_in.functions())
    assert listed["same"] & listed["differs"] == set()
    assert f"\n+ {stand_in.after}\n" in page


@pytest.mark.parametrize("how", [(), ("--markdown",)])
def test_functions_of_another_stand_in_are_told_of_there(
    how: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    told = " ".join(printed(capsys, "dask_image.ndfilters", *how).replace("`", "").split())
    assert "convolve, correlate, gaussian_filter," in told
    assert "uniform_filter: as in scipy.ndimage" in told


@stand_ins
def test_every_difference_is_that_of_a_function(stand_in: StandIn) -> None:
    listed = import_module(stand_in.listed).DIFFERENCES
    sharing = [each for each in STAND_INS if each.listed == stand_in.listed]
    names = {"*", *(name for each in sharing for name in each.functions())}
    assert {each.name for each in listed} - names == set()
    for each in listed:
        assert each.how.endswith("."), each
        assert each.why.endswith("."), each


@stand_ins
def test_the_line_that_is_told_works(stand_in: StandIn) -> None:
    import gpuconv
    import gpuconv.dask

    room: dict[str, object] = {"gpuconv": gpuconv}
    exec(stand_in.after, room)
    gpuconv.dask.unregister()
    module = room[stand_in.name.rpartition(".")[2]]
    for name in (*stand_in.functions(), *stand_in.constants()):
        assert hasattr(module, name)


@stand_ins
def test_all_that_is_there_has_a_name_of_the_library(stand_in: StandIn) -> None:
    theirs = pytest.importorskip(stand_in.name)
    for name in (*stand_in.functions(), *stand_in.constants()):
        assert hasattr(theirs, name), name


@stand_ins
def test_one_library_is_told_of_alone(
    stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    told = printed(capsys, stand_in.name)
    assert f"  + {stand_in.after}\n" in told
    assert all(each.before not in told for each in STAND_INS if each is not stand_in)
    for names in () if stand_in.like else stand_in.differences().values():
        assert f"\n  {names[0]}".replace("*", "all of them") in told


def test_a_library_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migration", "scipy.ndimag"]) == 2
    assert "did you mean 'scipy.ndimage'?" in capsys.readouterr().err

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from gpuconv.batch import BatchOptions, Job
from gpuconv.batch.clashes import Claims, file_id
from gpuconv.batch.existing import Verdict, judge, settle
from gpuconv.batch.journal import JOURNAL_NAME, Journal, Record, state_of

SPEC = "gaussian:sigma=2.0"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("out").mkdir()
    Path("a.png").write_bytes(b"input")
    return tmp_path


JOB = Job(Path("a.png"), Path("out/a.png"), Path("out"))
IN_PLACE = Job(Path("a.png"), Path("a.png"), Path())


def finish(job=JOB, output=None, spec=SPEC):
    """Do what a run does: write the output, and add it to the journal."""
    output = output or job.output
    before = state_of(job.input)
    output.write_bytes(b"output!")
    Journal(job.root).add(job, output, before, state_of(output), spec)


def verdict(job=JOB, spec=SPEC, **options):
    found = judge(job, BatchOptions(spec=spec, **options), Journal(job.root))
    return found.action, found.reason, found.outdated


def test_a_record_survives_its_line():
    record = Record("x/ä\udcff.png", "x/ä.tif", "/in/ä\n.png", (5, 123), None, SPEC)
    assert record.to_line().endswith(b"}\n")
    assert record.to_line().count(b"\n") == 1
    assert Record.from_line(record.to_line()) == record
    made = Record("a", "a", "b", (5, 123), (7, 456), "")
    assert Record.from_line(made.to_line()) == made


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"3", b"null", b"[]", b'{"output": 1}', b"\xff\xfe", b'{"read":[1],"made":null}'],
)
def test_lines_of_another_kind_are_passed_by(line):
    assert Record.from_line(line) is None


def test_the_last_line_counts_and_torn_ones_do_not():
    finish(spec="one")
    finish(spec="two")
    path = Path("out", JOURNAL_NAME)
    assert len(path.read_bytes().splitlines()) == 2
    with path.open("ab") as file:
        file.write(b'{"output":"a.png","wri')
    assert Journal(Path("out")).find(JOB).spec == "two"
    finish(spec="three")
    assert Journal(Path("out")).find(JOB).spec == "three"
    assert [json.loads(line)["spec"] for line in path.read_bytes().splitlines()[:2]] == [
        "one",
        "two",
    ]


def test_a_line_says_how_an_output_was_made(here):
    finish()
    line = json.loads(Path("out", JOURNAL_NAME).read_bytes())
    status = Path("a.png").stat()
    assert line["output"] == line["written"] == "a.png"
    assert line["input"] == str(here / "a.png")
    assert line["read"] == [5, status.st_mtime_ns]
    assert line["made"][0] == 7
    assert line["spec"] == SPEC


def test_many_threads_write_whole_lines():
    journal = Journal(Path("out"))
    jobs = [Job(Path(f"{n}.png"), Path(f"out/{n}.png"), Path("out")) for n in range(200)]

    def work(part):
        for job in part:
            journal.add(job, job.output, (1, 2), (3, 4), SPEC)

    threads = [threading.Thread(target=work, args=(jobs[k::8],)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    again = Journal(Path("out"))
    assert all(again.find(job) is not None for job in jobs)
    assert len(Path("out", JOURNAL_NAME).read_bytes().splitlines()) == 200


def test_a_journal_that_cannot_be_written_says_so():
    journal = Journal(Path("out/not/there"))
    journal.add(JOB, JOB.output, (1, 2), (3, 4), SPEC)
    assert "journal.jsonl cannot be written: No such file" in journal.problem


def test_outputs_are_those_made_elsewhere_than_in_place():
    finish()
    finish(IN_PLACE)
    assert Journal(Path("out")).outputs() == [Path("out/a.png")]
    assert Journal(Path()).outputs() == []


def test_a_name_that_this_locale_cannot_spell_is_that_of_no_file():
    assert file_id("another locale's \ud800.png") is None


def test_a_new_output_is_written():
    assert verdict() == ("write", "", False)


def test_an_output_without_a_record_is_left_alone():
    Path("out/a.png").write_bytes(b"made by another program")
    assert verdict() == ("skip", "the output exists", False)
    assert verdict(exists="overwrite") == ("overwrite", "", False)
    assert verdict(exists="error") == (
        "fail",
        "out/a.png: the output exists already (exists='error')",
        False,
    )


def test_a_dangling_link_counts_as_an_output():
    os.symlink("nowhere", "out/a.png")
    assert verdict()[0] == "skip"


@pytest.mark.parametrize("exists", ["skip", "error", "overwrite"])
def test_a_folder_at_the_output_is_a_failure(exists):
    Path("out/a.png").mkdir()
    reason = "out/a.png: a folder stands where the output goes"
    assert verdict(exists=exists) == ("fail", reason, False)


def test_an_output_made_in_the_same_way_is_left_alone_without_a_word():
    finish()
    assert verdict() == ("skip", "the output exists", False)


def test_other_parameters_are_noticed():
    finish(spec="gaussian:sigma=1.0")
    reason = "the output was made with other parameters (gaussian:sigma=1.0)"
    assert verdict() == ("skip", reason, True)
    assert verdict(exists="overwrite")[0] == "overwrite"


def test_options_that_change_the_output_are_parameters():
    finish()
    assert verdict(grey=True) == (
        "skip",
        f"the output was made with other parameters ({SPEC})",
        True,
    )
    assert verdict(jobs=3) == ("skip", "the output exists", False)


def test_another_input_is_noticed(here):
    finish()
    Path("a.png").write_bytes(b"another input")
    assert verdict() == ("skip", "the input has changed since the output was made", True)
    Path("b.png").write_bytes(b"a second file")
    other = Job(Path("b.png"), Path("out/a.png"), Path("out"))
    reason = f"the output was made from another file ({here / 'a.png'})"
    assert verdict(other) == ("skip", reason, True)


def test_the_journal_may_be_deleted():
    finish(spec="one")
    Path("out", JOURNAL_NAME).unlink()
    assert verdict() == ("skip", "the output exists", False)


def test_a_deleted_output_is_made_again():
    finish()
    Path("out/a.png").unlink()
    assert verdict() == ("write", "", False)


def test_an_output_under_another_name_is_found():
    finish(output=Path("out/a.png.tif"))
    found = judge(JOB, BatchOptions(spec=SPEC), Journal(Path("out")))
    assert (found.action, found.output) == ("skip", Path("out/a.png.tif"))
    Path("out/a.png.tif").unlink()
    assert verdict() == ("write", "", False)


def test_a_late_name():
    late = Path("out/a.png.tif")

    def settled(job=JOB, suffix=".tif", **options):
        return settle(job, suffix, BatchOptions(**options), Claims([job]))

    assert (settled().action, settled().output) == ("write", late)
    assert settled().reason == "written as a.png.tif: its kind cannot be kept under .png"
    assert settled(suffix=".PNG") == Verdict("write")
    assert settled(IN_PLACE).reason == "a.png: its kind cannot be kept under .png, in place"
    late.write_bytes(b"x")
    assert settled().action == "skip"
    assert settled(exists="error").action == "fail"
    assert settled(exists="overwrite").action == "overwrite"
    assert settled(exists="overwrite").output == late


def test_a_problem_fails_whatever_exists():
    job = Job(Path("gone.png"), Path("out/a.png"), Path("out"), problem="cannot be opened: reason")
    Path("out/a.png").touch()
    assert verdict(job) == ("fail", "gone.png: cannot be opened: reason", False)


def test_in_place_an_edit_is_done_once():
    assert verdict(IN_PLACE)[0] == "overwrite"
    finish(IN_PLACE)
    assert verdict(IN_PLACE) == ("skip", "replaced already by an earlier run", False)
    assert verdict(IN_PLACE, exists="error") == (
        "fail",
        "a.png: replaced already (exists='error')",
        False,
    )
    assert verdict(IN_PLACE, exists="overwrite")[0] == "overwrite"


def test_in_place_another_edit_is_another_edit():
    finish(IN_PLACE)
    assert verdict(IN_PLACE, spec="sharpen")[0] == "overwrite"


def test_in_place_a_file_that_was_put_back_is_edited_again():
    finish(IN_PLACE)
    Path("a.png").write_bytes(b"the original, restored")
    assert verdict(IN_PLACE)[0] == "overwrite"


def test_in_place_a_crash_is_survived_on_both_sides_of_the_replacement():
    journal = Journal(Path())
    journal.add(IN_PLACE, IN_PLACE.output, state_of(Path("a.png")), None, SPEC)
    assert verdict(IN_PLACE)[0] == "overwrite"
    Path("new").write_bytes(b"filtered")
    os.replace("new", "a.png")
    assert verdict(IN_PLACE) == ("skip", "replaced already by an earlier run", False)


# What is out of date, and done again


def test_update_leaves_alone_what_is_as_it_would_be_made():
    finish()
    assert verdict(exists="update") == ("skip", "the output exists", False)


def test_update_makes_anew_what_was_made_otherwise():
    finish(spec="gaussian:sigma=1.0")
    assert verdict(exists="update")[0] == "overwrite"


def test_update_makes_anew_what_was_made_from_another_content():
    finish()
    Path("a.png").write_bytes(b"another input")
    assert verdict(exists="update")[0] == "overwrite"


def test_an_output_that_has_changed_since_is_noticed():
    finish()
    Path("out/a.png").write_bytes(b"cut")
    assert verdict() == ("skip", "the output has changed since it was made", True)
    assert verdict(exists="update")[0] == "overwrite"


def test_an_output_without_a_record_goes_by_its_age():
    Path("out/a.png").write_bytes(b"made by another program")
    made = state_of(Path("out/a.png"))[1]
    os.utime("a.png", ns=(made - 5, made - 5))
    assert verdict(exists="update") == ("skip", "the output exists", False)
    os.utime("a.png", ns=(made + 5, made + 5))
    assert verdict() == ("skip", "the output is older than its input", True)
    assert verdict(exists="update")[0] == "overwrite"


def test_another_file_of_the_same_size_and_time_is_noticed(here):
    finish()
    Path("b.png").write_bytes(b"INPUT")
    moment = state_of(Path("a.png"))[1]
    os.utime("b.png", ns=(moment, moment))
    assert state_of(Path("b.png")) == state_of(Path("a.png"))
    other = Job(Path("b.png"), Path("out/a.png"), Path("out"))
    reason = f"the output was made from another file ({here / 'a.png'})"
    assert verdict(other) == ("skip", reason, True)


def test_a_file_that_was_moved_is_the_same(here):
    finish()
    (here / "elsewhere").mkdir()
    os.rename("a.png", "elsewhere/a.png")
    moved = Job(Path("elsewhere/a.png"), Path("out/a.png"), Path("out"))
    assert verdict(moved) == ("skip", "the output exists", False)
    os.symlink("elsewhere", "link")
    linked = Job(Path("link/a.png"), Path("out/a.png"), Path("out"))
    assert verdict(linked) == ("skip", "the output exists", False)


def test_update_in_place_edits_once():
    finish(IN_PLACE)
    assert verdict(IN_PLACE, exists="update") == (
        "skip",
        "replaced already by an earlier run",
        False,
    )
    assert verdict(IN_PLACE, spec="sharpen", exists="update")[0] == "overwrite"

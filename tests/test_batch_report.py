from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gpuconv.batch import STATUSES, BatchOptions, Result, Summary
from gpuconv.errors import ArgumentError

DONE = Result(Path("a.png"), Path("o/a.png"), "done", seconds={"read": 0.25}, pixels=2_000_000)
KEPT = Result(Path("b.png"), Path("o/b.png"), "skipped", warning="the output exists", outdated=True)
BAD = Result(Path("c.png"), Path("o/c.png"), "failed", error="cannot read c.png: it is truncated")
ODD = Result(Path("d.png"), None, "failed", error="not enough memory")
LEFT = Result(Path("e.png"), Path("o/e.png"), "not_run")


@pytest.mark.parametrize(
    ("results", "interrupted", "code"),
    [
        ((DONE,), False, 0),
        ((DONE, KEPT), False, 0),
        ((DONE, BAD), False, 1),
        ((Result(Path("a"), None, "would_fail", error="x"),), False, 1),
        ((Result(Path("a"), None, "would_write"),), False, 0),
        ((), False, 3),
        ((DONE, BAD, LEFT), True, 130),
        ((), True, 130),
    ],
)
def test_exit_codes(results, interrupted, code):
    assert Summary(results, stopped="interrupted" if interrupted else "").exit_code == code


def test_counts_have_every_status():
    counts = Summary((DONE, DONE, KEPT, BAD, LEFT)).counts
    assert counts == dict.fromkeys(STATUSES, 0) | {
        "done": 2,
        "skipped": 1,
        "failed": 1,
        "not_run": 1,
        "outdated": 1,
    }


def test_the_json_is_complete():
    summary = Summary((DONE, BAD), 1.5, ignored={"hidden": 2}, notices=("mind this",))
    read = json.loads(summary.to_json())
    assert read == summary.as_dict()
    assert list(read) == [
        "schema",
        "dry_run",
        "interrupted",
        "stopped",
        "seconds",
        "pixels",
        "stages",
        "counts",
        "ignored",
        "notices",
        "results",
    ]
    assert read["schema"] == "gpuconv.batch/2"
    assert (read["seconds"], read["pixels"]) == (1.5, 2_000_000)
    assert (read["dry_run"], read["interrupted"]) == (False, False)
    assert (read["ignored"], read["notices"]) == ({"hidden": 2}, ["mind this"])
    assert read["results"][0] == {
        "input": "a.png",
        "output": os.path.join("o", "a.png"),
        "status": "done",
        "error": None,
        "warning": None,
        "seconds": {"read": 0.25},
        "pixels": 2_000_000,
        "outdated": False,
    }
    assert read["results"][1]["error"] == "cannot read c.png: it is truncated"


def test_any_file_name_survives_the_json():
    name = Path(os.fsdecode(b"\xff\n\xc3\xa4.png"))
    text = Summary((Result(name, None, "failed", error="x"),)).to_json(indent=None)
    assert text.isascii()
    assert "\n" not in text
    result = json.loads(text)["results"][0]
    assert Path(result["input"]) == name
    assert result["output"] is None


def test_the_text_names_every_failure():
    summary = Summary(
        (DONE, KEPT, BAD, ODD), 0.5, ignored={"hidden": 2, "excluded": 1}, notices=("mind this",)
    )
    assert summary.lines() == [
        "1 done, 1 skipped, 2 failed in 0.5 s, 4.0 Mpx/s",
        "time by stage: read 100%",
        "left out: 2 hidden, 1 excluded",
        "note: mind this",
        "failed: cannot read c.png: it is truncated",
        "failed: d.png: not enough memory",
    ]
    assert summary.failures == (BAD, ODD)
    assert Summary(()).lines() == ["nothing to do in 0.0 s"]
    assert Summary((LEFT,)).lines() == ["1 not run in 0.0 s"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"exists": "skp"}, r"exists='skp' is not a way; did you mean 'skip'\?"),
        ({"frames": "one"}, r"frames='one' is not a way .*\('?.*'all', 'first'"),
        ({"orient": "up"}, r"orient='up' .*'apply', 'keep'"),
        ({"alpha": "pre"}, r"alpha='pre' .*'premultiply', 'straight'"),
        ({"jobs": 0}, r"jobs=0: an integer, 1 or more, or None"),
        ({"jobs": True}, r"jobs=True: an integer"),
        ({"max_errors": 2.5}, r"max_errors=2.5: an integer"),
        ({"max_pixels": -1}, r"max_pixels=-1: an integer"),
        ({"timeout": 0}, r"timeout=0: seconds above 0, or None for no limit"),
        ({"timeout": float("nan")}, r"timeout=nan: seconds above 0"),
    ],
)
def test_options_that_are_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        BatchOptions(**options)


def test_options_record_what_changes_an_output():
    assert BatchOptions().recorded == ""
    assert BatchOptions(spec="a:b=1", jobs=3, exists="error").recorded == "a:b=1"
    options = BatchOptions(spec="a", frames="first", linear=True, alpha="straight")
    assert options.recorded == "a frames=first alpha=straight linear=True"


def test_options_give_one_worker_per_processor():
    assert BatchOptions().workers == len(os.sched_getaffinity(0))
    assert BatchOptions(jobs=3).workers == 3
    assert BatchOptions(max_errors=4).error_limit == 4
    assert BatchOptions(max_errors=4, fail_fast=True).error_limit == 1
    assert BatchOptions().error_limit is None

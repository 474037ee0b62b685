"""The ledger of verifications: what is written, what is believed, and what is committed."""

from __future__ import annotations

import json
from math import inf
from pathlib import Path
from typing import Any

import pytest

from gpuconv.backends.cuda import source
from gpuconv.errors import ArgumentError
from gpuconv.verify import Outcome, Report, ledger
from gpuconv.verify.machine import Machine, file_safe

H200 = Machine("NVIDIA H200", "580.159.03", "14.2.0", "13.0")


def outcome(family: str, units: float = 0.5, problem: str = "") -> Outcome:
    return Outcome("a case", (family,), "float32", "wrap", units, 1e-6, problem)


def report(*outcomes: Outcome, total: int | None = None) -> Report:
    return Report("cuda:0", len(outcomes) if total is None else total, list(outcomes))


def written(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))["families"]


def test_all_sources_are_families() -> None:
    assert set(source.families()) >= {"dense", "deposit", "repair", "separable"}
    assert all((source.folder() / f"{family}.cu").is_file() for family in source.families())


def test_an_entry_says_what_was_verified_and_where(tmp_path: Path) -> None:
    path = ledger.record(tmp_path / "nvidia-h200", report(outcome("dense"), outcome("dense")), H200)
    assert path == tmp_path / "nvidia-h200" / "verify.json"
    assert ledger.faults(path) == []
    assert list(written(path)) == ["dense"]
    entry = written(path)["dense"]
    assert entry.pop("date").endswith("Z")
    assert entry == {
        "digest": source.digest("dense"),
        "device": "NVIDIA H200",
        "driver": "580.159.03",
        "cupy": "14.2.0",
        "nvrtc": "13.0",
        "cases": 2,
        "misses": 0,
        "largest_error": 0.5,
        "verdict": "right",
    }


@pytest.mark.parametrize(
    ("wrong", "largest"),
    [(outcome("dense", 7.0), 7.0), (outcome("dense", inf), "infinite"),
     (outcome("dense", 0.0, "DeviceError: lost"), "infinite")],
)  # fmt: skip
def test_a_miss_is_recorded_as_a_miss(tmp_path: Path, wrong: Outcome, largest: Any) -> None:
    path = ledger.record(tmp_path / "h200", report(outcome("dense"), wrong), H200)
    assert ledger.faults(path) == []
    entry = written(path)["dense"]
    assert (entry["verdict"], entry["misses"], entry["cases"]) == ("miss", 1, 2)
    assert entry["largest_error"] == largest
    assert ledger.status(tmp_path)["dense"] == "wrong on NVIDIA H200"


def test_families_that_were_not_run_keep_their_entries(tmp_path: Path) -> None:
    ledger.record(tmp_path, report(outcome("dense", 0.25), outcome("separable")), H200)
    path = ledger.record(tmp_path, report(outcome("separable", 2)), H200)
    assert written(path)["dense"]["largest_error"] == 0.25
    assert written(path)["separable"]["verdict"] == "miss"


def test_a_family_of_which_only_some_cases_were_run_is_not_recorded(tmp_path: Path) -> None:
    found = report(outcome("dense"), outcome("separable"))
    assert list(written(ledger.record(tmp_path, found, H200, only=["dense"]))) == ["dense"]


def test_a_run_that_ended_early_proves_families_wrong_but_not_right(tmp_path: Path) -> None:
    found = report(outcome("dense"), outcome("separable", inf), total=9)
    assert list(written(ledger.record(tmp_path, found, H200))) == ["separable"]


def test_nothing_is_verified_where_there_is_no_ledger(tmp_path: Path) -> None:
    status = ledger.status(tmp_path / "none")
    assert status == dict.fromkeys(source.families(), "unverified on a GPU")


def test_a_family_is_unverified_again_when_its_source_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.record(tmp_path / "a", report(outcome("dense"), outcome("separable")), H200)
    assert ledger.status(tmp_path)["dense"] == "verified on NVIDIA H200"
    before = source.digest
    changed = {"dense": "0" * 16}
    monkeypatch.setattr(source, "digest", lambda name: changed.get(name, before(name)))
    assert ledger.status(tmp_path)["dense"] == "unverified on a GPU since it changed"
    assert ledger.status(tmp_path)["separable"] == "verified on NVIDIA H200"


def test_a_verification_on_one_gpu_does_not_hide_a_miss_on_another(tmp_path: Path) -> None:
    ledger.record(tmp_path / "a", report(outcome("dense")), H200)
    other = Machine("NVIDIA T4", "CUDA 13.0", "14.2.0", "13.0")
    ledger.record(tmp_path / "b", report(outcome("dense", 3)), other)
    assert ledger.status(tmp_path)["dense"] == "wrong on NVIDIA T4"


GOOD = {
    "digest": "0123456789abcdef",
    "device": "NVIDIA H200",
    "driver": "CUDA 13.0",
    "cupy": "14.2.0",
    "nvrtc": "13.0",
    "date": "2020-01-02T03:04:05Z",
    "cases": 10,
    "misses": 0,
    "largest_error": 0.5,
    "verdict": "right",
}


def faults(path: Path, content: Any) -> str:
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return "; ".join(ledger.faults(path))


def test_a_well_formed_ledger_has_no_faults(tmp_path: Path) -> None:
    miss = {"misses": 2, "largest_error": "infinite", "verdict": "miss"}
    families = {"dense": GOOD, "gone": GOOD | {"largest_error": 1e-05}, "bad": GOOD | miss}
    assert faults(tmp_path / "verify.json", {"families": families}) == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"digest": "0123"}, "digest='0123' is not of the form"),
        ({"digest": "0123456789ABCDEF"}, "digest="),
        ({"device": ""}, "device=''"),
        ({"driver": "new"}, "driver='new'"),
        ({"date": "yesterday"}, "date='yesterday'"),
        ({"date": "9999-01-02T03:04:05Z"}, "is in the future"),
        ({"cases": 0}, "cases=0"),
        ({"cases": "10"}, "cases='10'"),
        ({"misses": -1}, "misses=-1"),
        ({"misses": 11, "verdict": "miss"}, "does not follow from its numbers"),
        ({"misses": 1}, "does not follow from its numbers"),
        ({"largest_error": 1.5}, "does not follow from its numbers"),
        ({"largest_error": "infinite"}, "does not follow from its numbers"),
        ({"verdict": "miss"}, "does not follow from its numbers"),
        ({"verdict": "fine"}, "verdict='fine'"),
        ({"more": 1}, "its fields are not digest, device"),
    ],
)
def test_a_malformed_entry_is_told_from_a_good_one(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    assert said in faults(tmp_path / "verify.json", {"families": {"dense": GOOD | change}})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "it cannot be read as JSON"),
        ('{"families": {"dense"', "it cannot be read as JSON"),
        ([], "it is not an object with families alone"),
        ({"families": []}, "it is not an object with families alone"),
        ({"families": {}, "more": 1}, "it is not an object with families alone"),
        ({"families": {"dense": 3}}, "dense: its fields are not"),
    ],
)
def test_what_is_no_ledger_is_told(tmp_path: Path, content: Any, said: str) -> None:
    path = tmp_path / "h200" / "verify.json"
    path.parent.mkdir()
    assert said in faults(path, content)
    assert ledger.status(tmp_path)["dense"] == "unverified on a GPU"
    before = path.read_bytes()
    with pytest.raises(ArgumentError, match="is no ledger"):
        ledger.record(path.parent, report(outcome("dense")), H200)
    assert path.read_bytes() == before


def test_the_committed_ledgers_are_well_formed_and_in_their_gpus_folder(root: Path) -> None:
    for path in (root / "benchmarks" / "results").glob("*/verify.json"):
        assert ledger.faults(path) == [], path
        devices = {file_safe(entry["device"]) for entry in written(path).values()}
        assert devices <= {path.parent.name}


def test_the_end_of_a_test_run_says_what_is_verified(root: Path, shell: Any) -> None:
    line = "python -m pytest -p no:cacheprovider -n 0 tests/test_errors.py"
    found = shell(line, root)
    assert found.returncode == 0, found.stdout
    for family, words in ledger.status(root / "benchmarks" / "results").items():
        assert f"{family}: {words}" in found.stdout.splitlines()

"""The streaming benchmark of ``make gpu``, on the CPU."""

from __future__ import annotations

import json
from pathlib import Path

import cuda_on_cpu
import numpy as np
import pytest
from cuda_on_cpu import ApartRuntime

from benchmarks.gpu import stream
from gpuconv.backends.cuda import runtime

HEAD = {"device": "cuda:0", "date": "", "gpuconv": "0", "command": "", "options": {}}

pytestmark = pytest.mark.skipif(bool(cuda_on_cpu.missing()), reason=cuda_on_cpu.missing())


def small(*words: str) -> int:
    with runtime.use(ApartRuntime("fast", orders=("forward",))):
        return stream.main(["--size", "200", "--rows", "64", "--seconds", "0", *words])


def test_a_stream_is_timed_beside_copies_and_leaves_a_timeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stream, "FILTERS", ("gaussian:sigma=1", "median:size=3"))
    numbers, timeline = tmp_path / "bench.json", tmp_path / "trace.json"
    table = {"machine": {"name": "a GPU"}, "rows": [], "complete": True, **HEAD}
    numbers.write_text(json.dumps({"schema": 1, "sections": {"table": table}}))
    assert small("--json", str(numbers), "--trace", str(timeline)) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed[-4::2]] == ["gaussian:sigma=1", "median:size=3"]
    assert printed[-1].startswith("  copies both ways")
    found = json.loads(numbers.read_text())["sections"]
    assert found["table"] == table
    throughput = found["throughput"]
    assert throughput["device"] == "cuda:0"
    assert throughput["machine"]["gpu"] == "ApartRuntime"
    assert throughput["complete"]
    rows = throughput["rows"]
    names = [(row["case"], row["peer"]) for row in rows]
    cases = [f"{words} u8 200×200 in tiles" for words in stream.FILTERS]
    peers = (stream.OURS, stream.COPIES)
    assert names == [(case, peer) for case in cases for peer in peers]
    for ours, copies in zip(rows[::2], rows[1::2], strict=True):
        assert ours["error"] <= 1
        assert ours["left_out"] == ""
        assert ours["of_copy"] == copies["seconds"]["median"] / ours["seconds"]["median"]
        assert ours["per_second"] == 1 / ours["seconds"]["median"]
    slices = [e for e in json.loads(timeline.read_text())["traceEvents"] if e["ph"] == "X"]
    assert len(slices) == 3 * stream._TURNS * 4
    assert {each["name"] for each in slices} == {"upload", "compute", "download"}


def test_a_stream_that_is_wrong_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stream, "FILTERS", ("gaussian:sigma=1",))
    monkeypatch.setattr(stream, "wrong", lambda *_: 7.0)
    assert small() == 1
    assert "WRONG" in capsys.readouterr().out


def test_results_are_held_to_the_definition_at_a_seam() -> None:
    image = np.random.default_rng(2).integers(0, 256, (200, 90), np.uint8)
    right = stream.Chain.parse(["gaussian:sigma=1"])(image)
    assert stream.wrong("gaussian:sigma=1", image, right, 64) == 0
    right[64] += 9
    assert stream.wrong("gaussian:sigma=1", image, right, 64) > 1

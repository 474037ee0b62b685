"""``make stream``, ``make photos`` and ``make cluster``, run small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from benchmarks.stream import album, check, cluster, large, photos
from benchmarks.stream.peers import PEERS, Peer
from benchmarks.stream.process import Measured, measured
from benchmarks.stream.scene import Scene

TOOK = Measured(2.0, 2.5, 100 * 2**20, 150 * 2**20, 3.0, 0, "")


def run(root: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks.stream", *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


def test_all_that_gpuconv_makes_of_a_large_image_is_right(root: Path, tmp_path: Path) -> None:
    where = ["--folder", str(tmp_path / "data"), "--results", str(tmp_path)]
    printed = run(root, "large", "--size", "640", "--only", "gpuconv, tif", "gpuconv, zarr", *where)
    assert printed.count("| gpuconv") == 2
    assert "; the bits of the first row |" in printed
    record = json.loads((tmp_path / "stream.json").read_text())
    assert [row["check"]["largest"] <= 1 for row in record["rows"]] == [True, True]
    assert record["rows"][1]["check"]["differing"] == 0
    assert all(row["measured"]["peak"] > 2**20 for row in record["rows"])
    assert (tmp_path / "stream.md").read_text().count("\n| gpuconv") == 2
    # Nothing but the data is left: they are made once, for all runs to come.
    assert {path.name for path in (tmp_path / "data").iterdir()} == {
        "scene-640.tif",
        "scene-640.zarr",
    }


def test_photographs_go_through_everybody(root: Path, tmp_path: Path) -> None:
    where = ["--folder", str(tmp_path / "data"), "--results", str(tmp_path)]
    printed = run(root, "photos", "--files", "6", "--only", "gpuconv", "Pillow", *where)
    assert "6 of 6 |" in printed
    page = (tmp_path / "photos.md").read_text()
    assert "Where the time of gpuconv batch goes" in page
    assert "encode" in page


def test_a_scene_is_the_same_whatever_region_is_asked_for() -> None:
    scene = Scene(2000)
    whole = scene[:, :]
    assert whole.shape == (2000, 2000)
    np.testing.assert_array_equal(scene[500:1100, 900:1999], whole[500:1100, 900:1999])
    assert whole.std() > 20
    corners = {whole[y : y + 512, x : x + 512].tobytes() for y in (0, 512) for x in (0, 512)}
    assert len(corners) == 4


def test_a_seam_is_seen() -> None:
    scene, size = Scene(1100)[:, :].astype(float), 1100
    apart = np.vstack([gaussian_filter(part, 5) for part in (scene[:1024], scene[1024:])])
    whole = gaussian_filter(scene, 5)
    found = [
        check.compared(np.rint(each).astype(np.uint8), size, "reflect") for each in (whole, apart)
    ]
    assert found[0]["largest"] <= 1 < found[1]["largest"]
    assert check.differing(apart, whole) > 0
    assert check.compared(whole, size, "reflect")["wrong"] == "it is (1100, 1100) of float64"


def test_peers_that_are_not_there_are_left_out_with_a_reason(tmp_path: Path) -> None:
    peer = Peer("nobody", "tif", "", program="no-such-program")
    found = large._one(peer, [], tmp_path, 8, 1, tmp_path / "kept")
    assert "there is no program no-such-program" in large.row(found, 8)


def test_what_failed_is_not_right(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no room')"]
    found = large._one(PEERS[0], command, tmp_path, 8, 60, tmp_path / "kept")
    assert "exit 1: no room" in large.row(found, 8)
    assert not found.right


def test_a_command_is_measured_with_all_that_it_starts() -> None:
    child = "x = bytearray(80 << 20); import time; time.sleep(0.5)"
    both = f"import subprocess as s, sys; s.run([sys.executable, '-c', {child!r}]); print('done')"
    found = measured([sys.executable, "-c", both], limit=60)
    assert found.code == 0
    assert found.output == "done\n"
    assert 0.5 < found.seconds <= found.flushed
    assert found.together >= found.peak > 80 * 2**20


def test_a_command_that_takes_too_long_is_stopped() -> None:
    found = measured([sys.executable, "-c", "import time; time.sleep(60)"], limit=0.2)
    assert found.code == -9
    assert found.seconds < 30


def test_albums_have_every_kind_of_photograph(tmp_path: Path) -> None:
    names = list(album.album(200))
    assert len(set(names)) == 200
    assert {Path(name).suffix for name in names} == {".jpg", ".png", ".tif", ".webp"}
    deep = next(i for i in range(200) if album._KINDS[album._kind(i)][1] == "I;16")
    album._save(tmp_path, deep, names[deep])
    with Image.open(tmp_path / names[deep]) as image:
        assert image.mode == "I;16"
        assert max(image.size) in album._SIDES
    assert album.kept(tmp_path / names[deep], tmp_path / names[deep])
    assert not album.kept(tmp_path / names[deep], tmp_path / "missing.tif")


@pytest.mark.parametrize("peer", photos.PEERS, ids=lambda peer: peer.name)
def test_pages_name_everybody(peer: photos.Peer) -> None:
    page = photos.markdown([photos.Run(peer, TOOK, "", 9, {})], 10, "a machine")
    assert f"| {peer.name} | 2.0 | 5.0 | 3.0 | 100 | 150 | 9 of 10 |" in page
    assert peer.how in page


def test_a_cluster_is_compared_with_the_plain_stream() -> None:
    runs: list[Any] = [cluster.Run(cluster.PLAIN, TOOK, 0), cluster.Run(cluster.CLUSTER, TOOK, 0)]
    page = cluster.markdown(runs, 16384, "a machine")
    assert "| plain stream | 2.0 | 1.00 | 0 |" in page

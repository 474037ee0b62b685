"""Outputs that grow beside their place: journal, lock, what is in the way, putting in place."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gpuconv.errors import ImageFileError
from gpuconv.io.partial import Partial


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out.npy"


def made(partial: Partial, text: str = "whole") -> Path:
    path = partial.folder / "pixels"
    path.write_text(text)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_same_key_goes_on_where_it_stopped(target: Path) -> None:
    first = Partial(target, "key")
    assert not first.resumed
    made(first)
    first.add(rows=(0, 4))
    first.close()
    again = Partial(target, "key")
    assert again.resumed
    assert again.records == [{"rows": [0, 4]}]
    assert (again.folder / "pixels").exists()
    assert again.warnings == ()
    again.close()


def test_another_key_starts_anew_and_says_so(target: Path) -> None:
    first = Partial(target, "key")
    made(first)
    (first.folder / "store").mkdir()
    first.add(rows=(0, 4))
    first.close()
    again = Partial(target, "other")
    assert not again.resumed
    assert again.records == []
    assert names(again.folder) == ["journal.jsonl"]
    assert "out.npy" in again.warnings[0]
    again.close()


def test_what_a_crash_has_torn_does_not_count(target: Path) -> None:
    first = Partial(target, "key")
    first.add(n=1)
    first.close()
    with open(first.folder / "journal.jsonl", "ab") as journal:
        journal.write(b'\n{"n":2')
    second = Partial(target, "key")
    second.add(n=3)
    second.close()
    third = Partial(target, "key")
    assert third.records == [{"n": 1}, {"n": 3}]
    third.close()


def test_a_journal_torn_in_its_first_line_starts_anew(target: Path) -> None:
    first = Partial(target, "key")
    first.close()
    (first.folder / "journal.jsonl").write_bytes(b'\n{"key":"k')
    again = Partial(target, "key")
    assert not again.resumed
    assert again.warnings == ()
    again.close()


def test_records_can_be_forgotten(target: Path) -> None:
    first = Partial(target, "key")
    first.add(n=1)
    first.close()
    second = Partial(target, "key")
    second.restart()
    assert second.records == []
    second.close()
    third = Partial(target, "key")
    assert third.records == []
    third.close()


def test_two_at_once_are_refused(target: Path) -> None:
    pytest.importorskip("fcntl")
    with_lock = Partial(target, "key")
    with pytest.raises(ImageFileError, match="another process"):
        Partial(target, "key")
    with_lock.close()
    Partial(target, "key").close()


def test_the_lock_goes_with_a_process_that_is_killed(target: Path) -> None:
    pytest.importorskip("fcntl")
    code = (
        "import os, sys; from pathlib import Path; from gpuconv.io.partial import Partial\n"
        "partial = Partial(Path(sys.argv[1]), 'key'); partial.add(n=1); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    again = Partial(target, "key")
    assert again.records == [{"n": 1}]
    again.close()


def test_what_exists_is_refused_at_the_start(target: Path) -> None:
    target.write_text("old")
    with pytest.raises(ImageFileError, match="exists already"):
        Partial(target, "key")
    assert names(target.parent) == ["out.npy"]


def test_what_appears_meanwhile_is_not_overwritten(target: Path) -> None:
    partial = Partial(target, "key")
    whole = made(partial)
    target.write_text("somebody else's")
    with pytest.raises(ImageFileError, match="exists already"):
        partial.finish(whole)
    assert target.read_text() == "somebody else's"
    assert whole.exists()
    partial.close()


def test_what_may_be_overwritten_stays_until_the_end(target: Path) -> None:
    target.write_text("old")
    target.chmod(0o640)
    partial = Partial(target, "key", overwrite=True)
    assert target.read_text() == "old"
    partial.finish(made(partial))
    assert target.read_text() == "whole"
    assert target.stat().st_mode & 0o777 == 0o640
    assert names(target.parent) == ["out.npy"]


def test_a_store_is_replaced_by_a_store(tmp_path: Path) -> None:
    target = tmp_path / "out.zarr"
    target.mkdir()
    (target / "zarr.json").write_text("old")
    partial = Partial(target, "key", overwrite=True)
    new = partial.folder / "store"
    new.mkdir()
    (new / "zarr.json").write_text("new")
    partial.finish(new)
    assert (target / "zarr.json").read_text() == "new"
    assert names(tmp_path) == ["out.zarr"]


def folder(path: Path) -> None:
    path.mkdir()
    (path / "precious").write_text("")


def read_only(path: Path) -> None:
    path.write_text("precious")
    path.chmod(0o444)


@pytest.mark.parametrize(
    ("make", "reason"),
    [(folder, "is a folder"), (read_only, "read-only"), (os.mkfifo, "not a regular file")],
)
def test_what_is_no_image_is_never_overwritten(target: Path, make: Any, reason: str) -> None:
    make(target)
    with pytest.raises(ImageFileError, match=reason):
        Partial(target, "key", overwrite=True)
    assert names(target.parent) == ["out.npy"]


def test_a_store_is_not_replaced_by_a_file(target: Path) -> None:
    target.mkdir()
    (target / "zarr.json").write_text("old")
    partial = Partial(target, "key", overwrite=True)
    with pytest.raises(ImageFileError, match="is a folder"):
        partial.finish(made(partial))
    assert (target / "zarr.json").read_text() == "old"
    assert (partial.folder / "pixels").exists()
    partial.close()


def test_a_link_is_replaced_and_what_it_points_to_is_not(target: Path) -> None:
    other = target.with_name("other.npy")
    other.write_text("other")
    target.symlink_to(other)
    partial = Partial(target, "key", overwrite=True)
    partial.finish(made(partial))
    assert not target.is_symlink()
    assert other.read_text() == "other"


def test_a_folder_of_that_name_that_is_not_ours_is_left_alone(target: Path) -> None:
    foreign = target.with_name(".gpuconv-out.npy.partial")
    folder(foreign)
    with pytest.raises(ImageFileError, match="not made by gpuconv"):
        Partial(target, "key")
    assert names(foreign) == ["precious"]


def test_a_link_in_place_of_the_folder_is_not_followed(target: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "journal.jsonl").write_text('{"key":"key"}\n')
    target.with_name(".gpuconv-out.npy.partial").symlink_to(elsewhere)
    with pytest.raises(ImageFileError, match="not made by gpuconv"):
        Partial(target, "key")
    assert names(elsewhere) == ["journal.jsonl"]


def test_links_in_the_folder_are_deleted_and_not_followed(target: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    folder(elsewhere)
    first = Partial(target, "key")
    (first.folder / "link").symlink_to(elsewhere)
    first.add(n=1)
    first.close()
    Partial(target, "other").discard()
    assert names(elsewhere) == ["precious"]


def test_a_store_that_was_being_replaced_when_its_process_died_is_put_back(tmp_path: Path) -> None:
    store = tmp_path / "out.zarr"
    folder(store)
    (store / "zarr.json").write_text("{}")
    first = Partial(store, "key", overwrite=True)
    first.add(n=1)
    first.close()
    # Between the two steps: the old one is aside, the new one not yet in its place.
    os.replace(store, first.folder / "replaced")
    Partial(store, "other", overwrite=True).discard()
    assert names(store) == ["precious", "zarr.json"]
    assert names(tmp_path) == ["out.zarr"]


def test_deleting_that_is_cut_short_can_be_gone_on_with(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Partial(target, "key")
    made(first)
    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", lambda *_, **__: None)
        first.discard()
    assert names(first.folder) == ["journal.jsonl"]
    Partial(target, "other").discard()
    assert names(target.parent) == []


def test_what_was_deleted_and_begun_anew_by_others_is_not_put_in_place(target: Path) -> None:
    first = Partial(target, "key")
    shutil.rmtree(first.folder)
    second = Partial(target, "other")
    with pytest.raises(ImageFileError, match="was deleted while"):
        first.finish(made(second))
    first.close()
    second.finish(made(second, "second"))
    assert target.read_text() == "second"


def test_discarding_leaves_nothing(target: Path) -> None:
    partial = Partial(target, "key")
    made(partial)
    partial.discard()
    partial.close()
    assert names(target.parent) == []


def test_a_place_that_cannot_be_written_is_named(target: Path) -> None:
    target.write_text("a file")
    with pytest.raises(ImageFileError, match="below"):
        Partial(target / "below.npy", "key")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_is_an_error(target: Path) -> None:
    partial = Partial(target, "key")
    partial._journal.close()
    partial._journal = open("/dev/full", "ab", buffering=0)  # noqa: SIM115 — closed below
    with pytest.raises(ImageFileError, match="No space left"):
        partial.add(n=1)
    partial.discard()


def test_the_journal_can_be_read_by_people(target: Path) -> None:
    partial = Partial(target, json.dumps(["gaussian", 5]))
    partial.add(rows=(0, 4), columns=(0, 8))
    lines = (partial.folder / "journal.jsonl").read_text().split()
    assert lines == [r'{"key":"[\"gaussian\",', r'5]"}', '{"rows":[0,4],"columns":[0,8]}']
    partial.discard()

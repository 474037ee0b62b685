"""How much memory a stream may take: sizes as people write them, and what a machine has left."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.streaming.memory import SHARE, budget, free_memory, parse_bytes

MIB = 2**20


@pytest.mark.parametrize(
    ("text", "bytes"),
    [
        ("512M", 512 * MIB),
        ("512m", 512 * MIB),
        ("512MB", 512 * MIB),
        ("512MiB", 512 * MIB),
        (" 1.5 G ", 1536 * MIB),
        ("2T", 2 * 2**40),
        ("4k", 4096),
        ("100", 100),
        ("100B", 100),
        (12345, 12345),
    ],
)
def test_sizes_are_read_as_people_write_them(text: str | int, bytes: int) -> None:
    assert parse_bytes("memory", text) == bytes


@pytest.mark.parametrize("text", ["", "M", "-1M", "1 2", "1e9", "0", 0, -5, "512X", "0.2"])
def test_what_is_no_size_is_refused_by_name(text: str | int) -> None:
    with pytest.raises(ArgumentError, match=r"gpu_memory=.*like '512M'"):
        parse_bytes("gpu_memory", text)


@pytest.mark.parametrize("value", [1.5, True, None, [1]])
def test_what_is_neither_number_nor_text_is_refused(value: object) -> None:
    with pytest.raises(ArgumentTypeError, match="memory="):
        parse_bytes("memory", value)  # type: ignore[arg-type]


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


MEMINFO = {"proc/meminfo": "MemTotal: 8388608 kB\nMemFree: 1 kB\nMemAvailable: 4194304 kB\n"}


def test_a_machine_without_groups_has_what_it_says_is_available(tmp_path: Path) -> None:
    assert free_memory(write(tmp_path, MEMINFO)) == 4 * 2**30


def test_a_group_of_version_2_limits_it_and_its_file_cache_is_free(tmp_path: Path) -> None:
    group = {
        "proc/self/cgroup": "0::/user/job\n",
        "sys/fs/cgroup/user/job/memory.max": f"{1000 * MIB}\n",
        "sys/fs/cgroup/user/job/memory.current": f"{700 * MIB}\n",
        "sys/fs/cgroup/user/job/memory.stat": f"anon 5\ninactive_file {200 * MIB}\n",
        "sys/fs/cgroup/user/memory.max": "max\n",
    }
    assert free_memory(write(tmp_path, MEMINFO | group)) == 500 * MIB


def test_a_parents_limit_counts_too(tmp_path: Path) -> None:
    group = {
        "proc/self/cgroup": "0::/user/job\n",
        "sys/fs/cgroup/user/job/memory.max": "max\n",
        "sys/fs/cgroup/user/job/memory.current": "5\n",
        "sys/fs/cgroup/user/memory.max": f"{300 * MIB}\n",
        "sys/fs/cgroup/user/memory.current": f"{100 * MIB}\n",
    }
    assert free_memory(write(tmp_path, MEMINFO | group)) == 200 * MIB


def test_a_group_of_version_1_limits_it(tmp_path: Path) -> None:
    group = {
        "proc/self/cgroup": "5:cpu:/x\n4:memory:/job\n0::/\n",
        "sys/fs/cgroup/memory/job/memory.limit_in_bytes": f"{800 * MIB}\n",
        "sys/fs/cgroup/memory/job/memory.usage_in_bytes": f"{500 * MIB}\n",
        "sys/fs/cgroup/memory/job/memory.stat": f"total_inactive_file {100 * MIB}\n",
    }
    assert free_memory(write(tmp_path, MEMINFO | group)) == 400 * MIB


def test_in_a_container_the_group_may_stand_at_the_root(tmp_path: Path) -> None:
    group = {
        "proc/self/cgroup": "0::/docker/abc\n",
        "sys/fs/cgroup/memory.max": f"{64 * MIB}\n",
        "sys/fs/cgroup/memory.current": f"{60 * MIB}\n",
    }
    assert free_memory(write(tmp_path, MEMINFO | group)) == 4 * MIB


def test_a_group_beyond_its_limit_has_nothing_left(tmp_path: Path) -> None:
    group = {
        "proc/self/cgroup": "0::/\n",
        "sys/fs/cgroup/memory.max": "100\n",
        "sys/fs/cgroup/memory.current": "200\n",
    }
    assert free_memory(write(tmp_path, MEMINFO | group)) == 0


def test_without_any_of_these_files_a_guess_is_made(tmp_path: Path) -> None:
    assert free_memory(tmp_path) > 0


def test_a_stream_takes_what_it_is_given_or_a_share_of_what_is_free() -> None:
    assert budget("256M") == 256 * MIB
    assert 0 < budget(None) <= SHARE * 2**60

"""Commands, each in a process of its own: how long they take, and the most memory they have.

Nothing heavy is imported here: what the system counts as a process's memory begins with that of the
one that starts it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Measured", "measured"]

#: Seconds between two looks at the processes that a command has started.
_EACH = 0.05


@dataclass(frozen=True)
class Measured:
    """What a command took."""

    #: Until it ended; and until all that was written was on disk.
    seconds: float
    flushed: float
    #: The most memory (bytes) that its largest process had, by the system's own count; and all its
    #: processes together, sampled, pages that they share counted once.
    peak: int
    together: int
    #: Seconds of processor time.
    processor: float
    code: int
    output: str


def measured(
    command: Sequence[str], limit: float, environment: Mapping[str, str] | None = None
) -> Measured:
    """Run a command, with what was written before it on disk already, and measure it."""
    os.sync()
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=os.environ | dict(environment or {}),
        start_new_session=True,
    )
    stop = threading.Timer(limit, os.killpg, (process.pid, signal.SIGKILL))
    sampler = _Sampler(process.pid)
    stop.start()
    sampler.start()
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    stop.cancel()
    sampler.ended.set()
    sampler.join()
    process.stdout.close()
    process.returncode = code = os.waitstatus_to_exitcode(status)
    os.sync()
    flushed = time.perf_counter() - start
    peak, processor = usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime
    return Measured(seconds, flushed, peak, max(sampler.most, peak), processor, code, output)


class _Sampler(threading.Thread):
    """Looks now and then at what a session of processes has."""

    def __init__(self, session: int) -> None:
        super().__init__(daemon=True)
        self.ended, self.most, self._session = threading.Event(), 0, session

    def run(self) -> None:
        """Look until the command has ended."""
        while not self.ended.wait(_EACH):
            members = _members(self._session)
            # One process has no page twice; what it has is counted exactly without us.
            if len(members) > 1:
                self.most = max(self.most, sum(map(_share, members)))


def _members(session: int) -> list[Path]:
    """Return the folders of a session's processes."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if int(fields[3]) == session:
            found.append(folder)
    return found


def _share(folder: Path) -> int:
    """Return the bytes of memory of a process, its share of those that several have: proc(5)."""
    try:
        lines = (folder / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))

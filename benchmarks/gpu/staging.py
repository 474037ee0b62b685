"""Stages: commands that run one after the other, each within its time, whatever became of others.

Nothing here knows of GPUs. What a stage prints goes into a file of its name, or into one that it
shares with others; its end is shown.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Ending", "Stage", "ends_well", "run_all", "run_command", "summary"]

#: Lines of a stage's output that are shown, when it ended well and when it did not.
_SHOWN, _SHOWN_OF_FAILED = 40, 60
#: Seconds that a stage has to end by itself when its time is up.
_GRACE = 5.0
#: Seconds under which a stage is not begun.
_LEAST = 5.0


@dataclass(frozen=True)
class Stage:
    """A command, or the reason why there is none."""

    name: str
    command: Sequence[str] = ()
    #: At most.
    seconds: float = 60.0
    #: Why it is not run; "" if it is.
    skipped: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    #: Name of the file for what it prints; "" for its own.
    log: str = ""


@dataclass(frozen=True)
class Ending:
    """How a stage ended."""

    stage: Stage
    #: Its exit status; None if its time was up, or if it was not run.
    status: int | None
    seconds: float
    #: In words.
    how: str

    @property
    def well(self) -> bool:
        """Whether nothing is wrong; a stage for which there is no tool is no fault."""
        return self.status == 0 or bool(self.stage.skipped)


#: Runs a stage within so many seconds, its output going to a file; returns its exit status, or None
#: if its time was up.
Runner = Callable[[Stage, float, Path], int | None]


def run_command(stage: Stage, seconds: float, log: Path) -> int | None:
    """Run a stage's command in a process group of its own, which ends with its time."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", **stage.environment}
    with log.open("ab") as file:
        try:
            process = subprocess.Popen(
                stage.command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            file.write(f"cannot be started: {error}\n".encode())
            return 127
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            # As Ctrl-C would: so that it can still write down what it has.
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)
            return None
        finally:
            # Ctrl-C does not reach another session; and a killed pytest leaves its workers.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def run_all(
    stages: Sequence[Stage],
    results: Path,
    deadline: float,
    *,
    run: Runner = run_command,
    clock: Callable[[], float] = time.monotonic,
    say: Callable[[str], None] = lambda line: print(line, flush=True),
) -> list[Ending]:
    """Run all stages in turn; go on after one that fails.

    Parameters
    ----------
    stages : sequence of Stage
        In the order in which they are run.
    results : Path
        Where logs are written: NAME.log, begun anew by the first that writes there.
    deadline : float
        When all must be over, by `clock`.
    run, clock, say : callable
        What runs a stage, tells the time, and shows a line.
    """
    endings = []
    for log in {_log(stage, results) for stage in stages}:
        log.unlink(missing_ok=True)
    for stage in stages:
        start, log = clock(), _log(stage, results)
        seconds = min(stage.seconds, deadline - start)
        if stage.skipped:
            _add(log, f"skipped: {stage.skipped}\n")
            endings.append(Ending(stage, None, 0.0, f"skipped: {stage.skipped}"))
        elif seconds < _LEAST:
            endings.append(Ending(stage, None, 0.0, "not begun: no time was left"))
        else:
            say(f"\n── {stage.name}, at most {seconds:.0f} s: {' '.join(stage.command)}")
            _add(log, "")
            status = run(stage, seconds, log)
            how = _how(status, seconds)
            endings.append(Ending(stage, status, clock() - start, how))
            say(_tail(log, _SHOWN if status == 0 else _SHOWN_OF_FAILED))
        say(f"── {stage.name}: {endings[-1].how}, {endings[-1].seconds:.0f} s")
    return endings


def _log(stage: Stage, results: Path) -> Path:
    return results / f"{stage.log or stage.name}.log"


def _add(log: Path, text: str) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write(text)


def _how(status: int | None, seconds: float) -> str:
    if status is None:
        return f"stopped after {seconds:.0f} s"
    return "well" if status == 0 else f"failed (exit {status})"


def _tail(log: Path, lines: int) -> str:
    """Return the last lines of a file, and how many there are before."""
    text = log.read_text("utf-8", "replace").splitlines()
    left_out = [f"… {len(text) - lines} lines before, in {log}"] if len(text) > lines else []
    return "\n".join([*left_out, *text[-lines:]])


def ends_well(endings: Sequence[Ending]) -> bool:
    """Return whether all stages ended well; none at all do not."""
    return bool(endings) and all(ending.well for ending in endings)


def summary(endings: Sequence[Ending]) -> str:
    """Return a line for each stage."""
    width = max((len(ending.stage.name) for ending in endings), default=0)
    lines = [f"  {e.stage.name:<{width}}  {e.seconds:>4.0f} s  {e.how}" for e in endings]
    return "\n".join(["", *lines, "all well" if ends_well(endings) else "NOT all well"])

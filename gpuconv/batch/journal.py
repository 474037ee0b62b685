"""The journal of an output folder: how each output was made.

One JSON object per line in ``.gpuconv-journal.jsonl``, appended when an output is finished; the
last line about an output counts. A line that a crash has torn is passed by. Without the journal
nothing is lost but the knowledge with which parameters the outputs were made: deleting it is safe.

Where inputs are replaced, a line goes before the work as well: an image that was replaced just
before a crash is then not filtered a second time.
"""

from __future__ import annotations

import errno
import json
import os
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from gpuconv.batch.jobs import Job

__all__ = ["JOURNAL_NAME", "Journal", "Record", "State", "state_of"]

JOURNAL_NAME = ".gpuconv-journal.jsonl"

#: Size in bytes and time of change in nanoseconds: another content almost surely differs in one.
State = tuple[int, int]


def state_of(path: Path) -> State | None:
    """Return size and time of change of a file; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


@dataclass(frozen=True)
class Record:
    """How an output was made.

    Attributes
    ----------
    output
        Planned path of the output, below the journal's folder, with slashes.
    written
        Path that it was written to: another one if the image needed another extension.
    input
        Absolute path of the input.
    read
        State of the input when it was read.
    made
        State of the output when it was finished; None in the line before the work.
    spec
        Filter and parameters.
    """

    output: str
    written: str
    input: str
    read: State
    made: State | None
    spec: str

    def to_line(self) -> bytes:
        """Return the record as one line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":")).encode("ascii") + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Record | None:
        """Return the record of a line, or None if it is torn or of another kind."""
        try:
            values = json.loads(line)
            read, made = _state(values["read"]), values["made"]
            words = {key: str(values[key]) for key in ("output", "written", "input", "spec")}
            return cls(read=read, made=None if made is None else _state(made), **words)
        except (ValueError, TypeError, KeyError):
            return None


def _state(pair: list[int]) -> State:
    size, changed = map(int, pair)
    return size, changed


class Journal:
    """The records of one folder, by planned output.

    Safe to use from several threads. Several processes may append to the same journal.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / JOURNAL_NAME
        #: Why the journal could not be written; empty while all is well.
        self.problem = ""
        self._lock = threading.Lock()
        self._torn = False
        self._records = {record.output: record for record in self._load()}

    def find(self, job: Job) -> Record | None:
        """Return the latest record about the output of a job."""
        return self._records.get(_below(job.output, job.root))

    def outputs(self) -> list[Path]:
        """Return the files that earlier runs made here, those made in place excepted."""
        folder = self.path.parent
        made = ((record.input, folder / record.written) for record in self._records.values())
        return [path for source, path in made if source != os.path.abspath(path)]

    def add(self, job: Job, written: Path, read: State, made: State | None, spec: str) -> None:
        """Append a record; a journal that cannot be written does not stop the work."""
        record = Record(
            output=_below(job.output, job.root),
            written=_below(written, job.root),
            input=os.path.abspath(job.input),
            read=read,
            made=made,
            spec=spec,
        )
        with self._lock:
            self._records[record.output] = record
            try:
                self._append(record.to_line())
            except OSError as error:
                self.problem = f"{self.path} cannot be written: {error.strerror}"

    def _load(self) -> list[Record]:
        try:
            data = self.path.read_bytes()
        except OSError:
            return []
        self._torn = not data.endswith(b"\n") and bool(data)
        return [record for record in map(Record.from_line, data.splitlines()) if record]

    def _append(self, line: bytes) -> None:
        # One write of a file opened for appending: lines of two processes do not mix, and a
        # process that is killed right after it has lost nothing.
        with open(self.path, "ab", buffering=0) as file:
            whole = b"\n" + line if self._torn else line
            # A disk that fills up takes part of a line, and does not call that an error.
            self._torn = file.write(whole) != len(whole)
            if self._torn:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _below(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()

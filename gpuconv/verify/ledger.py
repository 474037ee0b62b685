"""The ledger: which version of each kernel family was verified on which GPU.

``benchmarks/results/<gpu>/verify.json`` has an entry for each family that was run there, under the
digest of its source. A family whose source has changed since is unverified again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gpuconv.backends.cuda import source
from gpuconv.errors import ArgumentError
from gpuconv.io.replacing import write_whole
from gpuconv.verify.machine import Machine
from gpuconv.verify.report import Report, number

__all__ = ["NAME", "default_folder", "entries", "faults", "record", "status"]

NAME = "verify.json"

#: An entry of a family: its fields, and what each must look like. The error is in units of what is
#: allowed.
_FIELDS: dict[str, str] = {
    "digest": r"[0-9a-f]{16}",
    "device": r"\S.*",
    "driver": r"(CUDA )?\d+\.\d+(\.\d+)?",
    "cupy": r"\d+\.\d+\S*",
    "nvrtc": r"\d+\.\d+",
    "date": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "cases": r"[1-9]\d*",
    "misses": r"\d+",
    "largest_error": r"infinite|\d+(\.\d+)?(e-?\d+)?",
    "verdict": r"right|miss",
}

Entry = dict[str, Any]


def default_folder() -> Path:
    """Return where a checkout keeps its results.

    Raises
    ------
    ArgumentError
        This is an installed package, which has no such place.
    """
    folder = source.folder().parent / "benchmarks" / "results"
    if not folder.is_dir():
        raise ArgumentError("--record needs --results DIR: this is no checkout with its own place")
    return folder


def record(folder: Path, report: Report, machine: Machine, only: Collection[str] = ()) -> Path:
    """Write what was found about each family into the ledger in `folder`; keep other entries.

    Where not all cases were run, only families with a miss are recorded: one case proves them
    wrong, and only all cases prove them right.

    Parameters
    ----------
    folder : Path
        Of one GPU.
    report : Report
        Of all cases there are, or of all those of the families `only`.
    machine : Machine
        Where they were run.
    only : collection of str, optional
        The families whose cases were run; the default is all.

    Raises
    ------
    ArgumentError
        What is there is no ledger.
    ImageFileError
        The file cannot be written.
    """
    path = folder / NAME
    if path.exists() and (wrong := faults(path)):
        raise ArgumentError(f"{path} is no ledger ({wrong[0]}); move it away")
    kept = entries(path) if path.exists() else {}
    date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for family in report.families:
        row = report.of(family)
        if (only and family not in only) or not (report.complete or row.misses):
            continue
        kept[family] = {
            "digest": source.digest(family),
            **asdict(machine),
            "date": date,
            "cases": row.cases,
            "misses": row.misses,
            "largest_error": number(row.units),
            "verdict": "miss" if row.misses else "right",
        }
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"families": dict(sorted(kept.items()))}, indent=2, allow_nan=False)
    write_whole(path, f"{text}\n".encode())
    return path


def entries(path: Path) -> dict[str, Entry]:
    """Return the entry of each family in a ledger without faults."""
    found: dict[str, Entry] = json.loads(path.read_text("utf-8"))["families"]
    return found


def faults(path: Path) -> list[str]:
    """Return what is wrong with a ledger; nothing if it is well-formed.

    A digest of a source that is no longer there is none: sources may change between a run on a GPU
    and a commit. Such an entry says of the present source that it is unverified.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        return [f"it cannot be read as JSON: {error}"]
    found = content.get("families") if isinstance(content, dict) else None
    if not isinstance(found, dict) or set(content) != {"families"}:
        return ["it is not an object with families alone"]
    return [fault for name, entry in found.items() for fault in _faults(name, entry)]


def _faults(family: str, entry: object) -> Iterator[str]:
    if not isinstance(entry, dict) or set(entry) != set(_FIELDS):
        yield f"{family}: its fields are not {', '.join(_FIELDS)}"
        return
    for field, pattern in _FIELDS.items():
        kind = int if field in ("cases", "misses") else (str, int, float)
        value = entry[field]
        if not isinstance(value, kind) or not re.fullmatch(pattern, str(value)):
            yield f"{family}: {field}={value!r} is not of the form {pattern}"
            return
    if datetime.fromisoformat(entry["date"]) > datetime.now(UTC):
        yield f"{family}: date={entry['date']} is in the future"
    right = entry["misses"] == 0 and entry["largest_error"] != "infinite"
    right = right and entry["largest_error"] <= 1
    if entry["misses"] > entry["cases"] or (entry["verdict"] == "right") != right:
        yield f"{family}: the verdict {entry['verdict']!r} does not follow from its numbers"


def status(results: Path) -> dict[str, str]:
    """Return for each family, in words, whether its present source was verified on a GPU.

    Parameters
    ----------
    results : Path
        A folder with a folder for each GPU; it need not be there.
    """
    ledgers = [path for path in sorted(results.glob(f"*/{NAME}")) if not faults(path)]
    return {family: _status(family, ledgers) for family in source.families()}


def _status(family: str, ledgers: list[Path]) -> str:
    found = [entry for path in ledgers if (entry := entries(path).get(family))]
    now = [entry for entry in found if entry["digest"] == source.digest(family)]
    if missed := [entry["device"] for entry in now if entry["verdict"] == "miss"]:
        return f"wrong on {', '.join(missed)}"
    if now:
        return f"verified on {', '.join(entry['device'] for entry in now)}"
    return "unverified on a GPU since it changed" if found else "unverified on a GPU"

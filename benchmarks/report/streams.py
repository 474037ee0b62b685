"""What `make stream`, `make photos` and `make cluster` have measured, in short."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.report.record import Record
from benchmarks.report.words import brief, mebibytes, table

__all__ = ["lines"]

Kept = dict[str, Any]
_FORMATS = {"tif": "TIFF", "zarr": "Zarr"}


def lines(record: Record) -> Iterator[str]:
    """Yield a part for each of the records that a machine has."""
    for name, tell in (("stream", _stream), ("photos", _photos), ("dask", _dask)):
        kept = record.beside(name)
        if kept:
            yield from tell(kept, f"{record.folder.name}/{name}.md")


def _stream(kept: Kept, page: str) -> Iterator[str]:
    size = kept["size"]
    yield (
        f"A Gaussian blur, σ = 5, of {size}² bytes from file to file: `make stream`, "
        f"[all of it](results/{page})."
    )
    yield ""
    head = ["", "file", "s", "Mpixel/s", "peak, MiB", "levels off"]
    rows = (
        [
            _named(row["peer"]["name"]),
            _FORMATS[row["peer"]["kind"]],
            brief(row["measured"]["seconds"]),
            brief(size**2 / row["measured"]["seconds"] / 1e6),
            mebibytes(row["measured"]["peak"]),
            str(row["check"]["largest"]),
        ]
        for row in _measured(kept)
    )
    yield from table(head, rows)


def _photos(kept: Kept, page: str) -> Iterator[str]:
    files = kept["files"]
    yield (
        f"{files} photographs (JPEG, PNG, TIFF, WebP), blurred: `make photos`, "
        f"[all of it](results/{page}). *Kept* are results of the same size, format, channels and "
        "depth."
    )
    yield ""
    rows = (
        [
            _named(row["peer"]["name"]),
            brief(row["measured"]["seconds"]),
            brief(files / row["measured"]["seconds"]),
            mebibytes(row["measured"]["together"]),
            f"{row['kept']} of {files}",
        ]
        for row in _measured(kept)
    )
    yield from table(["", "s", "files/s", "peak, MiB", "kept"], rows)


def _dask(kept: Kept, page: str) -> Iterator[str]:
    size = kept["size"]
    yield (
        f"`gpuconv run` of {size}² bytes with and without Dask's workers: `make cluster`, "
        f"[all of it](results/{page})."
    )
    yield ""
    rows = (
        [row["name"], brief(row["measured"]["seconds"]), str(row["differing"])]
        for row in _measured(kept)
    )
    yield from table(["", "s", "numbers that differ"], rows)


def _measured(kept: Kept) -> Iterator[Kept]:
    yield from (row for row in kept["rows"] if row["measured"])


def _named(name: str) -> str:
    return f"**{name}**" if name.startswith("gpuconv") else name

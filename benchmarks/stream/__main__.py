"""What streaming takes, in time and memory, beside others."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.cpu.machine import described, folder
from benchmarks.stream import cluster, large, photos


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stream", description=__doc__)
    add = parser.add_argument
    add("what", choices=tuple(_MEASURED))
    add("--folder", type=Path, help="where data are made, and kept (default: a temporary one)")
    add("--size", type=int, help="rows and columns (default: 65536, 16384 for dask)")
    add("--files", type=int, default=2000, help="photographs (default: %(default)s)")
    add("--memory", default="512M", help="what gpuconv is allowed (default: %(default)s)")
    add("--limit", type=float, default=1800, help="seconds for each command (%(default)g)")
    add("--only", nargs="+", metavar="TEXT", help="only those whose names contain one of these")
    add("--results", type=Path, default=folder(), help="default: %(default)s")
    return parser.parse_args()


def main() -> int:
    """Measure, print as it goes, and write what was measured."""
    options = arguments()
    options.results.mkdir(parents=True, exist_ok=True)
    if options.folder is not None:
        options.folder.mkdir(parents=True, exist_ok=True)
        return _MEASURED[options.what](options, options.folder) or 0
    with tempfile.TemporaryDirectory(prefix="stream-") as folder:
        return _MEASURED[options.what](options, Path(folder)) or 0


def _large(options: argparse.Namespace, folder: Path) -> int:
    size, runs = options.size or 65536, list[large.Run]()
    wanted = partial(_wanted, options)
    for run in large.race(folder, size, options.memory, options.limit, wanted):
        runs.append(run)
        # After each: the run may be cut off before the last.
        page = large.markdown(runs, size, options.memory, described(_PACKAGES))
        print(large.row(run, size), flush=True)
        (options.results / "stream.md").write_text(page)
        rows = [asdict(run) for run in runs]
        _recorded(options, folder, "stream", {"size": size, "memory": options.memory, "rows": rows})
    return int(not all(run.right for run in runs))


def _photos(options: argparse.Namespace, folder: Path) -> int:
    files, runs = options.files, list[photos.Run]()
    for run in photos.race(folder, files, options.limit, partial(_wanted, options)):
        runs.append(run)
        print(photos.row(run, files), flush=True)
        (options.results / "photos.md").write_text(
            photos.markdown(runs, files, described(_PACKAGES))
        )
        _recorded(
            options, folder, "photos", {"files": files, "rows": [asdict(run) for run in runs]}
        )
    return int(any(run.measured is None and not run.why for run in runs))


def _dask(options: argparse.Namespace, folder: Path) -> int:
    size, runs = options.size or 16384, list[cluster.Run]()
    for run in cluster.race(folder, size, options.limit):
        runs.append(run)
        print(cluster.row(run, runs[0]), flush=True)
        (options.results / "dask.md").write_text(cluster.markdown(runs, size, described(_PACKAGES)))
        _recorded(options, folder, "dask", {"size": size, "rows": [asdict(run) for run in runs]})
    return int(any(run.differing for run in runs))


def _wanted(options: argparse.Namespace, peer: Any) -> bool:
    name = f"{peer.name}, {getattr(peer, 'kind', '')}"
    return not options.only or any(text in name for text in options.only)


def _recorded(options: argparse.Namespace, folder: Path, name: str, record: dict[str, Any]) -> None:
    text = json.dumps({"machine": described(_PACKAGES), **record}, indent=1, ensure_ascii=False)
    # What commands say names their files; where these lay is nobody's business.
    text = text.replace(f"{folder}{os.sep}", "")
    (options.results / f"{name}.json").write_text(text + "\n")


_PACKAGES = ("numpy", "scipy", "pillow", "tifffile", "zarr", "dask", "dask-image", "pyvips")


_MEASURED: dict[str, Any] = {"large": _large, "photos": _photos, "dask": _dask}

if __name__ == "__main__":
    sys.exit(main())

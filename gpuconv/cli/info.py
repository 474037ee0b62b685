"""``gpuconv info``: what runs here and what is missing, or what images hold."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Sequence
from dataclasses import asdict
from importlib import metadata
from typing import Any

import numpy as np

import gpuconv as gc
from gpuconv.backends.cuda import probe, reasons, runtime
from gpuconv.backends.cuda.cache import disk_cache
from gpuconv.backends.host.threads import usable_cores
from gpuconv.cli.parser import Parser
from gpuconv.cli.streams import plain
from gpuconv.cost import profile

__all__ = ["main"]

#: Extras for those who work on the package itself.
_DEVELOPMENT = {"bench", "dev", "kernels", "test"}


def main(arguments: Sequence[str]) -> int:
    """Print versions, devices and extras; or shape, chunks and levels of images."""
    parser = Parser(
        "gpuconv info",
        "Print versions, threads, devices and why one cannot be used, compiled CUDA kernels, and "
        "optional libraries; or, of images that are named, what they hold.",
    )
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="print shape, chunks and levels")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("-v", "--verbose", action="store_true", help="show where a bug happened")
    options = parser.read(arguments)
    if options.images:
        return _images(options.images, options.json)
    report = _report()
    print(json.dumps(report, indent=2, ensure_ascii=False) if options.json else _page(report))
    return 0


def _images(paths: Sequence[str], as_json: bool) -> int:
    from gpuconv.cli import describe

    found = describe.described(paths)
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    elif found:
        print(describe.page(found))
    return 0 if len(found) == len(paths) else 1


def _report() -> dict[str, Any]:
    probe.forget()  # who asks may have mended something, or doubt what was found before
    return {
        "gpuconv": gc.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": _blas(),
        "pillow": _version("pillow") or "not installed",
        "cupy": _cupy(),
        "system": platform.platform(),
        "threads": usable_cores(),
        "rates": profile.note(),
        "devices": [asdict(device) for device in gc.devices()],
        "kernels": {
            "compiled": [asdict(one) for one in runtime.compiled()],
            "cache": asdict(disk_cache()),
        },
        "extras": _extras(),
    }


def _blas() -> str:
    """Return the library that NumPy multiplies matrices with."""
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _cupy() -> str:
    """Return the version of CuPy as it is installed, without importing it."""
    installed = probe.packages()
    versions = ", ".join(f"{name} {_version(name)}" for name in installed)
    return reasons.conflict(installed) or versions or "not installed"


def _extras() -> dict[str, dict[str, str | None]]:
    """Return, for each extra of the package, its libraries and their versions, None if absent."""
    try:
        requirements = metadata.requires("gpuconv") or []
    except metadata.PackageNotFoundError:  # run from the source folder, without installing
        return {}
    extras: dict[str, dict[str, str | None]] = {}
    for requirement in requirements:
        found = re.match(r"([\w.-]+).*extra == ['\"]([\w-]+)['\"]", requirement)
        if found and found[2] not in _DEVELOPMENT:
            extras.setdefault(found[2], {})[found[1]] = _version(found[1])
    return extras


def _page(report: dict[str, Any]) -> str:
    rooms = ("devices", "kernels", "extras")
    lines = [f"{key:<9} {value}" for key, value in report.items() if key not in rooms]
    devices = [line for device in report["devices"] for line in _device(device)]
    extras = [_extra(name, libraries) for name, libraries in report["extras"].items()]
    unknown = ["  unknown: gpuconv is not installed as a package"]
    lines += ["", "devices", *devices, "", "kernels", *_kernels(report["kernels"])]
    return "\n".join([*lines, "", "extras", *(extras or unknown)])


def _device(device: dict[str, Any]) -> list[str]:
    """Return a device's lines: what it is, and below that what it has and why it cannot be used."""
    memory, capability = device["memory"], device["capability"]
    has = [
        memory and f"{memory / 2**30:.1f} GiB",
        capability and f"compute capability {capability}",
        device["driver"] and f"driver for {device['driver']}",
        device["library"],
    ]
    state = "available" if device["available"] else "not available"
    first = f"  {device['name']:<9} {device['description']}: {state}"
    below = filter(None, [", ".join(filter(None, has)), device["reason"]])
    return [plain(first), *(plain(f"{'':<11} {line}") for line in below)]


def _kernels(kernels: dict[str, Any]) -> list[str]:
    """Return a line per kernel compiled in this process, and one for CuPy's cache on disk."""
    compiled = [
        f"  cuda:{one['device']:<4} {one['label']} ({one['milliseconds']:.0f} ms)"
        for one in kernels["compiled"]
    ]
    cache = kernels["cache"]
    files = {0: "nothing", 1: "1 file"}.get(cache["files"], f"{cache['files']} files")
    size = f", {cache['bytes'] / 1e6:.1f} MB" if cache["files"] else ""
    kept = f"  {'on disk':<9} {files}{size} in {cache['folder']}, CuPy's cache"
    return [*(compiled or ["  none compiled yet"]), plain(kept)]


def _extra(name: str, libraries: dict[str, str | None]) -> str:
    absent = [library for library, version in libraries.items() if version is None]
    if absent:
        return f"  {name:<9} {', '.join(absent)} not installed: pip install 'gpuconv[{name}]'"
    return f"  {name:<9} " + ", ".join(f"{key} {version}" for key, version in libraries.items())

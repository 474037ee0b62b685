"""``gpuconv info``: what runs here, and what is missing."""

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
from gpuconv.backends.host.threads import usable_cores
from gpuconv.cli.parser import Parser

__all__ = ["main"]

#: Extras for those who work on the package itself.
_DEVELOPMENT = {"bench", "dev", "test"}


def main(arguments: Sequence[str]) -> int:
    """Print versions, devices and extras."""
    parser = Parser(
        "gpuconv info",
        "Print versions, threads, devices and why one cannot be used, and optional libraries.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("-v", "--verbose", action="store_true", help="show where a bug happened")
    options = parser.read(arguments)
    report = _report()
    print(json.dumps(report, indent=2, ensure_ascii=False) if options.json else _page(report))
    return 0


def _report() -> dict[str, Any]:
    return {
        "gpuconv": gc.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": _blas(),
        "pillow": _version("pillow") or "not installed",
        "system": platform.platform(),
        "threads": usable_cores(),
        "devices": [asdict(device) for device in gc.devices()],
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


def _extras() -> dict[str, dict[str, str | None]]:
    """Return, for each extra of the package, its libraries and their versions, None if absent."""
    try:
        requirements = metadata.requires("gpuconv") or []
    except metadata.PackageNotFoundError:  # run from the source folder, without installing
        return {}
    extras: dict[str, dict[str, str | None]] = {}
    for requirement in requirements:
        found = re.match(r"([\w.-]+).*extra == ['\"](\w+)['\"]", requirement)
        if found and found[2] not in _DEVELOPMENT:
            extras.setdefault(found[2], {})[found[1]] = _version(found[1])
    return extras


def _page(report: dict[str, Any]) -> str:
    plain = {key: value for key, value in report.items() if key not in ("devices", "extras")}
    lines = [f"{key:<9} {value}" for key, value in plain.items()]
    devices = [_device(device) for device in report["devices"]]
    extras = [_extra(name, libraries) for name, libraries in report["extras"].items()]
    unknown = ["  unknown: gpuconv is not installed as a package"]
    return "\n".join([*lines, "", "devices", *devices, "", "extras", *(extras or unknown)])


def _device(device: dict[str, Any]) -> str:
    state = "available" if device["available"] else f"not available: {device['reason']}"
    return f"  {device['name']:<9} {device['description']}: {state}"


def _extra(name: str, libraries: dict[str, str | None]) -> str:
    absent = [library for library, version in libraries.items() if version is None]
    if absent:
        return f"  {name:<9} {', '.join(absent)} not installed: pip install 'gpuconv[{name}]'"
    return f"  {name:<9} " + ", ".join(f"{key} {version}" for key, version in libraries.items())

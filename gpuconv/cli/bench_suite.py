"""Where the bench is: in the package (a wheel), or beside it (a checkout).

It is no part of what programs import, so the command finds it when it is called.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import gpuconv
from gpuconv.errors import GpuconvError

__all__ = ["suite"]

#: The folder of the package.
PACKAGE = Path(gpuconv.__file__).parent


def suite(name: str) -> ModuleType:
    """Return a module of the bench, such as ``suite("suite.record")``.

    Raises
    ------
    GpuconvError
        This installation has no bench.
    """
    return import_module(f"{_package(PACKAGE)}.{name}")


def _package(package: Path) -> str:
    """Return the name of the bench's package, which can be imported then."""
    if (package / "benchmarks" / "suite").is_dir():
        return "gpuconv.benchmarks"
    folder = package.parent / "benchmarks"
    if not (folder / "suite").is_dir():
        raise GpuconvError(
            f"the bench is neither in {package} nor beside it; install gpuconv again, "
            "or run the command in a checkout of its sources"
        )
    if "benchmarks" not in sys.modules:
        _enter("benchmarks", folder)
    return "benchmarks"


def _enter(name: str, folder: Path) -> None:
    """Import a package from its folder: another of its name may come first in the path."""
    spec = spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = module_from_spec(spec)
    spec.loader.exec_module(module)

"""The shape of the house: who may import whom, what is public, how light and how short it is."""

from __future__ import annotations

import ast
import graphlib
import importlib
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "gpuconv"

#: From the ground up. A room imports from its own floor and those below; the top-level package
#: shows everything, so only the command line, above it, may import that.
FLOORS = (
    {"errors"},
    {"border", "bounded", "dtypes", "epilogue", "picture", "separation", "weights"},
    {"algebra"},
    {"kernel"},
    {"kernels", "known"},
    {"masks", "reference", "tiling", "request", "window"},
    {"cost"},
    {"algorithms"},
    {"task"},
    {"plan", "arguments", "arrays", "bank", "neighbourhood"},
    {"backends"},
    {"call", "apply", "exchange"},
    {"api", "responses"},
    {"operations"},
    {"scipy"},
    {"cv2", "skimage", "torch"},
    {"io"},
    {"filters"},
    {"streaming"},
    {"batch", "dask", "tune", "verify"},
    {""},
    {"cli", "__main__"},
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

#: Libraries that would make the import slow, or that are not there on a user's machine.
HEAVY = (
    *("PIL", "cupy", "scipy", "dask", "cv2", "matplotlib", "tifffile", "skimage", "asyncio"),
    *("distributed", "imagecodecs", "torch", "zarr"),
)


def module_name(path: Path) -> str:
    """Return the dotted name of a source file."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in MODULES.items()}


def room(module: str) -> str:
    """Return the part of the package that a module belongs to; "" for the package itself."""
    return [*module.split("."), ""][1]


def imports(module: str) -> Iterator[tuple[str, str | None]]:
    """Yield (module, name or None) for each import of gpuconv's own, wherever it stands."""
    base = module.split(".")
    if MODULES[module].name != "__init__.py":
        base = base[:-1]
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            yield from (
                (alias.name, None) for alias in node.names if alias.name.startswith("gpuconv")
            )
        elif isinstance(node, ast.ImportFrom):
            parent = base[: len(base) - node.level + 1] if node.level else []
            source = ".".join([*parent, *filter(None, [node.module])])
            if source.split(".")[0] == "gpuconv":
                for alias in node.names:
                    inner = f"{source}.{alias.name}"
                    yield (inner, None) if inner in MODULES else (source, alias.name)


def test_every_room_has_a_floor() -> None:
    assert {room(module) for module in MODULES} <= set(FLOOR)
    assert len(MODULES) > 10


@pytest.mark.parametrize("module", MODULES)
def test_nothing_imports_from_a_floor_above(module: str) -> None:
    climbing = [
        target
        for target, _ in imports(module)
        if room(module) and FLOOR[room(target)] > FLOOR[room(module)]
    ]
    assert climbing == []


def test_no_module_imports_itself_through_others() -> None:
    graph = {
        module: {target for target, _ in imports(module) if room(target) and target != module}
        for module in MODULES
        if room(module)
    }
    # A package and its own files may know each other: Python imports the package first.
    graph = {
        module: {target for target in targets if not module.startswith(f"{target}.")}
        for module, targets in graph.items()
    }
    assert len(list(graphlib.TopologicalSorter(graph).static_order())) >= len(graph)


@pytest.mark.parametrize("module", MODULES)
def test_rooms_use_only_each_others_public_names(module: str) -> None:
    private = [
        f"{target}.{name}"
        for target, name in imports(module)
        if name and room(target) != room(module) and name not in public_names(target)
    ]
    assert private == []


def public_names(module: str) -> set[str]:
    imported = importlib.import_module(module)
    return set(imported.__all__) | {"__version__"}


def ruffs_order(name: str) -> tuple[bool, bool, list[tuple[int, str]]]:
    """CONSTANTS, then Classes, then functions, 8 before 16: the order of ruff's rule RUF022."""
    parts = [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]
    return not name.isupper(), not name[0].isupper(), parts


@pytest.mark.parametrize("module", [name for name in MODULES if not name.endswith("__main__")])
def test_all_is_sorted_and_complete(module: str) -> None:
    imported = importlib.import_module(module)
    names = list(imported.__all__)
    assert names == sorted(names, key=ruffs_order)
    assert [name for name in names if not hasattr(imported, name)] == []
    definitions = (ast.FunctionDef, ast.ClassDef)
    defined = {node.name for node in TREES[module].body if isinstance(node, definitions)}
    assert {name for name in defined if not name.startswith("_")} <= set(names)


def fresh(code: str) -> str:
    """Return what `code` prints in a Python of its own."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_import_brings_no_heavy_library() -> None:
    loaded = fresh("import sys, gpuconv; print(*{name.partition('.')[0] for name in sys.modules})")
    assert "numpy" in loaded.split()
    assert set(HEAVY).isdisjoint(loaded.split())


def test_import_is_light() -> None:
    clock = "time.thread_time()"
    code = f"import time, numpy; start = {clock}; import gpuconv; print({clock} - start)"
    # Processor time and the best of several, because tests share the machine with others.
    assert min(float(fresh(code)) for _ in range(5)) < 0.15


@pytest.mark.parametrize("module", MODULES)
def test_files_are_short(module: str) -> None:
    assert len(MODULES[module].read_text("utf-8").splitlines()) <= 320


def lines_of(function: ast.FunctionDef) -> int:
    """Return the lines of a function's body, without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0  # type: ignore[operator]


def test_functions_are_short() -> None:
    nodes = [node for tree in TREES.values() for node in ast.walk(tree)]
    lengths = [(lines_of(node), node.name) for node in nodes if isinstance(node, ast.FunctionDef)]
    assert statistics.median(length for length, _ in lengths) < 10
    assert [(length, name) for length, name in lengths if length > 50] == []

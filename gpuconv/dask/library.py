"""Dask itself, where it is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

from gpuconv.errors import MissingExtraError

__all__ = ["array_library", "cluster_library", "delayed", "graph_of", "token_of"]


def array_library() -> ModuleType:
    """Return ``dask.array``; raise MissingExtraError where it is not installed."""
    return _library("dask.array")


def cluster_library() -> ModuleType:
    """Return ``distributed``; raise MissingExtraError where it is not installed."""
    return _library("distributed")


def delayed(value: Any, name: str) -> Any:
    """Return something that goes into a graph as it is, and whose call is a task of it."""
    return _library("dask").delayed(value, name=name, traverse=False)


def graph_of(name: str, layer: Mapping[Any, Any], dependencies: Sequence[Any]) -> Any:
    """Return the graph of tasks that take chunks of arrays."""
    graphs: Any = _library("dask.highlevelgraph")
    return graphs.HighLevelGraph.from_collections(name, layer, dependencies=dependencies)


def token_of(*values: Any) -> str:
    """Return a name for values: the same in each process."""
    token: str = _library("dask.base").tokenize(*values)
    return token


def _library(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtraError(name.partition(".")[0], "dask", "gpuconv.dask") from error

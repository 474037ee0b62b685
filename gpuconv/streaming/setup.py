"""From what a caller says to what a stream needs: a source, a filter, devices, a plan."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any, TypeAlias

from gpuconv import backends
from gpuconv.errors import ArgumentError, ArgumentTypeError, choose
from gpuconv.filters.chain import Chain
from gpuconv.filters.filter import Filter
from gpuconv.io.source import Layout, Source
from gpuconv.kernel import Kernel
from gpuconv.streaming.colour import parts_of
from gpuconv.streaming.crew import Devices, engine_of, gpu_budget, hired, workers_of
from gpuconv.streaming.ends import SourceLike, key_of, opened, out_layout
from gpuconv.streaming.lane import Lane
from gpuconv.streaming.memory import budget
from gpuconv.streaming.parts import Making
from gpuconv.streaming.plan import StreamPlan, make_plan
from gpuconv.streaming.whole import Whole, is_local

__all__ = ["FilterLike", "Setup", "chain_of", "set_up"]

FilterLike: TypeAlias = str | Filter | Chain | Kernel | Sequence[str | Filter | Kernel]

#: What filters are planned for, by the name of the engine.
_PLANNED_FOR = {backends.host.NAME: "cpu", backends.cuda.NAME: "cuda"}


def chain_of(filter: FilterLike, **options: Any) -> Chain:
    """Return the chain of filters that a caller means.

    Raises
    ------
    ArgumentError
        Options beside a chain, which has its own.
    ArgumentTypeError
        It is no filter.

    Examples
    --------
    >>> chain_of(["median:size=3", "sharpen"], border="wrap").spec
    'median|sharpen border=wrap'
    """
    usual = {"border": None, "cval": 0, "negative": "clip", "gain": 1}
    if isinstance(filter, Chain):
        if told := {name: value for name, value in options.items() if value != usual[name]}:
            raise ArgumentError(f"{told} are not for a Chain, which has its own: give them to it")
        return filter
    several = list(filter) if isinstance(filter, Sequence) and not isinstance(filter, str) else None
    given = [filter] if several is None else several
    filters = [Filter.of_kernel(each) if isinstance(each, Kernel) else each for each in given]
    for each in filters:
        if not isinstance(each, str | Filter):
            raise ArgumentTypeError(
                f"filter={each!r} must be text like 'gaussian:sigma=5', a Filter, a Kernel, a "
                "Chain, or a list of filters"
            )
    return Chain.parse(filters, **options)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Setup:
    """What a stream works with."""

    source: Source
    chain: Chain
    parts: Making
    engine: ModuleType
    lanes: list[Lane]
    #: How alpha and light are treated.
    light: dict[str, Any]

    @property
    def layout(self) -> Layout:
        """Of the result."""
        parts = self.parts
        return out_layout(self.source.layout, parts.result, parts.channels, parts.written)

    def key(self, **told: Any) -> str:
        """Return what decides the result, as text."""
        engine = self.engine.NAME
        return key_of(
            self.source, {"filter": self.chain.spec, "engine": engine, **self.light, **told}
        )

    def plan(
        self,
        layout: Layout,
        memory: int | str | None,
        gpu_memory: int | str | None,
        tile: int | tuple[int, int] | None,
        ending: int = 0,
    ) -> StreamPlan:
        """Return the plan for a sink of a layout, which takes some bytes at its end."""
        whole = isinstance(self.parts, Whole)
        return make_plan(
            self.source.layout,
            layout,
            self.parts,
            workers_of(self.lanes, self.engine),
            budget(memory),
            gpu_budget(self.lanes, self.engine, gpu_memory),
            layout.size if whole else _pair(tile),
            self.source.cache_bytes,
            ending,
            self.chain.spec,
            ", ".join(lane.name for lane in self.lanes),
        )


def _pair(tile: Any) -> tuple[int, int] | None:
    if tile is None:
        return None
    pair = tile if isinstance(tile, tuple) else (tile, tile)
    if len(pair) != 2 or not all(type(n) is int and n > 0 for n in pair):
        raise ArgumentError(f"tile={tile!r} must be a number of pixels above 0, or (rows, columns)")
    return pair


def set_up(
    stack: ExitStack,
    source: SourceLike,
    chain: Chain,
    device: Devices,
    missing: str,
    alpha: str,
    linear: bool,
    grey: bool,
) -> Setup:
    """Return what a stream works with; the stack closes it."""
    choose("missing", missing, ("error", "fill"), "a way to treat what is missing")
    light: dict[str, Any] = {"alpha": alpha, "linear": linear, "grey": grey}
    given, ours = opened(source, missing)
    if ours:
        stack.callback(given.close)
    engine, names = engine_of(device)
    # What needs the whole image is a stream of one tile.
    kind = partial(parts_of, device=_PLANNED_FOR[engine.NAME]) if is_local(chain) else Whole
    parts: Making = kind(chain, given.layout, **light)
    return Setup(given, chain, parts, engine, hired(engine, names, stack), light)

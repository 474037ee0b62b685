"""All sections, in the order of their weight: a run that is cut short has the first."""

from __future__ import annotations

from ..section import Section
from . import first, growth, memory, small, table, throughput

__all__ = ["SECTIONS"]

SECTIONS: dict[str, Section] = {
    each.SECTION.name: each.SECTION for each in (table, small, growth, first, throughput, memory)
}

"""Small programs for the tests of the checker itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Sample", "element"]


@dataclass(frozen=True)
class Sample:
    """What `CpuRuntime.compile` asks of a program."""

    text: str
    entry: str

    @property
    def label(self) -> str:
        """What reports call it."""
        return self.entry


def element(value: Any, dtype: Any) -> Any:
    """Return an argument that travels by value."""
    return np.array([value], dtype)

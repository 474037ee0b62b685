"""A filter by name with its parameters, or a kernel of one's own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from gpuconv.errors import ArgumentError
from gpuconv.filters.catalog import lookup, written
from gpuconv.filters.matrix import normalized
from gpuconv.kernel import Kernel, KernelLike, as_kernel

__all__ = ["Filter"]

#: A kernel of at most this many weights is written out in a spec; a larger one by its SHA-256.
_WRITTEN_OUT = 81


@dataclass(frozen=True, init=False)
class Filter:
    """A filter of the library with its parameters, or a kernel of one's own.

    Parameters
    ----------
    name : str
        A name of :mod:`gpuconv.kernels`.
    **parameters
        Its parameters; strings are read as on the command line.

    Attributes
    ----------
    name : str
    parameters : tuple of (str, object), or None
        All of them, defaults included; None for a kernel of one's own.
    kernel : Kernel

    Raises
    ------
    ArgumentError
        The filter or a parameter is unknown, or a value is not allowed.

    Examples
    --------
    >>> Filter("gaussian", sigma=2).kernel.shape
    (17, 17)
    >>> Filter.parse("box:size=5").kernel == Filter("box", size=5).kernel
    True
    """

    name: str
    parameters: tuple[tuple[str, Any], ...] | None
    kernel: Kernel

    def __init__(self, name: str, /, **parameters: Any) -> None:
        entry = lookup(name)
        values = entry.complete(parameters)
        self._set(name, tuple(values.items()), entry.function(**values))

    def _set(
        self, name: str, parameters: tuple[tuple[str, Any], ...] | None, kernel: Kernel
    ) -> None:
        fields = {"name": name, "parameters": parameters, "kernel": kernel}
        for field, value in fields.items():
            object.__setattr__(self, field, value)

    @classmethod
    def parse(cls, spec: str, **parameters: Any) -> Filter:
        """Return the filter written as ``name`` or ``name:key=value,key=value``.

        Parameters
        ----------
        spec : str
        **parameters
            More of its parameters.

        Raises
        ------
        ArgumentError
            It is not written so, or names what does not exist.
        """
        name, colon, rest = spec.strip().partition(":")
        items = [item.partition("=") for item in rest.split(",")] if colon else []
        if not all(key.strip() and equals for key, equals, _ in items):
            raise ArgumentError(f"filter={spec!r} must be written name:key=value,key=value")
        keys = [key.strip().replace("-", "_") for key, _, _ in items]
        twice = {key for key in keys if keys.count(key) > 1 or key in parameters}
        if twice:
            raise ArgumentError(f"filter={spec!r}: {min(twice)} is given twice")
        values = {key: text.strip() for key, (_, _, text) in zip(keys, items, strict=True)}
        return cls(name.strip(), **values, **parameters)

    @classmethod
    def of_kernel(
        cls,
        kernel: KernelLike,
        *,
        name: str = "kernel",
        anchor: tuple[int, int] | None = None,
        normalize: bool = False,
        correlate: bool = False,
    ) -> Filter:
        """Return a kernel of one's own as a filter.

        Parameters
        ----------
        kernel : Kernel, array_like or (column, row)
        name : str
            What results are called after.
        anchor : (int, int), optional
            (y, x) of the weight that lies over the output pixel.
        normalize : bool
            Divide by the sum of the weights.
        correlate : bool
            Apply the weights as they are written, not turned by 180° as convolution does.

        Examples
        --------
        >>> Filter.of_kernel([[1, 2, 1]], normalize=True).spec
        'kernel:1 2 1|divisor=4|anchor=0,1'
        """
        made = as_kernel(kernel)
        made = made if anchor is None else made.anchored(*anchor)
        made = normalized(made) if normalize else made
        self = cls.__new__(cls)
        self._set(name, None, made.flip() if correlate else made)
        return self

    @property
    def spec(self) -> str:
        """Canonical text: equal for equal filters; parameters that are as usual are left out.

        Examples
        --------
        >>> Filter("gaussian", sigma=2, order=0).spec
        'gaussian:sigma=2.0'
        """
        if self.parameters is None:
            return self._kernel_spec
        usual = {name: p.default for name, p in lookup(self.name).parameters.items()}
        told = [f"{key}={written(v)}" for key, v in self.parameters if v != usual[key]]
        return self.name + ":" * bool(told) + ",".join(told)

    @property
    def _kernel_spec(self) -> str:
        weights, anchor = self.kernel.numerators, self.kernel.anchor
        if weights.size > _WRITTEN_OUT:
            text = f"{weights.shape}{hashlib.sha256(weights.tobytes()).hexdigest()}"
        else:
            text = "; ".join(" ".join(map(repr, row)) for row in weights.tolist())
        return f"kernel:{text}|divisor={self.kernel.divisor!r}|anchor={anchor[0]},{anchor[1]}"

"""A filter by name with its parameters, or a kernel of one's own."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gpuconv.errors import ArgumentError, ArgumentTypeError, choose
from gpuconv.filters.action import Convolution, Operation
from gpuconv.filters.catalog import Entry, catalog, lookup
from gpuconv.filters.matrix import KERNEL_SUFFIXES, kernel_of, normalized
from gpuconv.filters.parameter import KernelValue, Parameter, written
from gpuconv.kernel import Kernel, KernelLike, as_kernel
from gpuconv.task import Task

__all__ = ["Filter"]

#: A kernel of at most this many weights is written out in a spec; a larger one by its SHA-256.
_WRITTEN_OUT = 81

Values = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, init=False)
class Filter:
    """A filter of the library with its parameters, or a kernel of one's own.

    Parameters
    ----------
    name : str
        A name of :mod:`gpuconv.kernels`, or of a filter among :mod:`gpuconv.operations`.
    **parameters
        Its parameters; strings are read as on the command line. One that is a kernel (the `psf` of
        "wiener", the `footprint` of "median") may be a kernel, rows of numbers, a filter, or text:
        such rows, the name of a file of them, or a filter as ``motion_blur(length=15)``.

    Attributes
    ----------
    name : str
    parameters : tuple of (str, object), or None
        All of them, defaults included; None for a kernel of one's own.
    action : callable
        What it does.

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
    >>> Filter("median", size=5).spec
    'median:size=5'
    """

    name: str
    parameters: Values | None
    action: Convolution | Operation

    def __init__(self, name: str, /, **parameters: Any) -> None:
        entry = lookup(name)
        chosen = entry.complete(parameters)
        values = {key: _own(entry.parameter(key), value) for key, value in chosen.items()}
        self._set(name, tuple(values.items()), _action(entry, values))

    def _set(self, name: str, parameters: Values | None, action: Convolution | Operation) -> None:
        fields = {"name": name, "parameters": parameters, "action": action}
        for field, value in fields.items():
            object.__setattr__(self, field, value)

    @property
    def linear(self) -> bool:
        """Whether it is a convolution, and has a kernel."""
        return isinstance(self.action, Convolution)

    @property
    def border(self) -> str:
        """The border mode that it has where none is asked for."""
        if isinstance(self.action, Convolution):
            return "reflect"
        return str(self.action.entry.shared.get("border", "reflect"))

    @property
    def kernel(self) -> Kernel:
        """The kernel of a convolution.

        Raises
        ------
        ArgumentError
            It is another kind of filter.
        """
        if isinstance(self.action, Convolution):
            return self.action.kernel
        raise ArgumentError(f"filter {self.name!r} is no convolution, so it has no kernel")

    def plans(self, shape: tuple[int, ...], dtype: DTypeLike, **options: Any) -> tuple[Task, ...]:
        """Return the plans of what the filter does, one after the other.

        Parameters
        ----------
        shape, dtype
            Of the image, as for :func:`gpuconv.plan`.
        **options
            Those of :func:`gpuconv.plan` that are for every filter: border, cval, channel_axis,
            out_dtype, device, method, accuracy.

        Returns
        -------
        tuple of Plan, NeighbourhoodPlan or alike

        Examples
        --------
        >>> [plan] = Filter("box", size=9).plans((480, 640), "uint8")
        >>> plan.image_shape
        (480, 640)
        """
        return self.action.plans(shape, dtype, options)

    @classmethod
    def parse(cls, spec: str, **parameters: Any) -> Filter:
        """Return the filter written as ``name``, ``name:key=value,key=value`` or ``name(key=…)``.

        Parameters
        ----------
        spec : str
            A value may have commas of its own inside parentheses.
        **parameters
            More of its parameters.

        Raises
        ------
        ArgumentError
            It is not written so, or names what does not exist.

        Examples
        --------
        >>> Filter.parse("median:footprint=disk(radius=2, antialiased=no)").spec
        'median:footprint=disk(radius=2.0,antialiased=no)'
        """
        if spec.count("(") != spec.count(")"):
            raise ArgumentError(f"filter={spec!r} has parentheses that do not match")
        name, rest = _halves(spec)
        items = [item.partition("=") for item in _items(rest)] if rest is not None else []
        if not all(key.strip() and equals for key, equals, _ in items):
            raise ArgumentError(f"filter={spec!r} must be written name:key=value,key=value")
        keys = [key.strip().replace("-", "_") for key, _, _ in items]
        twice = {key for key in keys if keys.count(key) > 1 or key in parameters}
        if twice:
            raise ArgumentError(f"filter={spec!r}: {min(twice)} is given twice")
        values = {key: text.strip() for key, (_, _, text) in zip(keys, items, strict=True)}
        return cls(name, **values, **parameters)

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
        self._set(name, None, Convolution(made.flip() if correlate else made))
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
            weights, (y, x) = _listed(self.kernel.numerators), self.kernel.anchor
            return f"kernel:{weights}|divisor={self.kernel.divisor!r}|anchor={y},{x}"
        told = self._told
        return self.name + ":" * bool(told) + told

    @property
    def _told(self) -> str:
        """The parameters that are not as usual."""
        usual = {name: p.default for name, p in lookup(self.name).parameters.items()}
        given = [(key, value) for key, value in self.parameters or () if value != usual[key]]
        return ",".join(f"{key}={value}" for key, value in map(_pair, given))

    @property
    def argument(self) -> str:
        """The filter as a parameter of another one is written."""
        if self.parameters is not None:
            return f"{self.name}({self._told})" if self._told else self.name
        (rows, columns), (y, x) = self.kernel.shape, self.kernel.anchor
        moved = f"|anchor={y},{x}" if (y, x) != (rows // 2, columns // 2) else ""
        return _listed(self.kernel.weights) + moved


def _pair(item: tuple[str, Any]) -> tuple[str, str]:
    key, value = item
    return key, value.argument if isinstance(value, Filter) else written(value)


def _halves(spec: str) -> tuple[str, str | None]:
    """Return the name in a spec, and what follows it; None if nothing does."""
    text = spec.strip()
    if found := re.fullmatch(r"(\w+)\s*\((.*)\)", text, re.DOTALL):
        return found[1], found[2] if found[2].strip() else None
    name, colon, rest = text.partition(":")
    return name.strip(), rest if colon else None


def _items(text: str) -> list[str]:
    """Return the parts of `text` between commas that stand in no parentheses."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _listed(weights: NDArray[Any]) -> str:
    """Return weights row by row, or their digest where they are many."""
    if weights.size > _WRITTEN_OUT:
        return f"{weights.shape}{hashlib.sha256(weights.tobytes()).hexdigest()}"
    return "; ".join(" ".join(map(repr, row)) for row in weights.tolist())


def _own(parameter: Parameter, value: Any) -> Any:
    """Return a value as it is kept: one that is a kernel as a filter, a list as a tuple."""
    if not parameter.kernel or value is None or isinstance(value, (Filter, int, float)):
        return tuple(value) if isinstance(value, list) else value
    try:
        return _kernel_filter(parameter, value)
    except (ArgumentError, ArgumentTypeError) as error:
        told = f"{parameter.name}={value!r}" if isinstance(value, str) else parameter.name
        raise type(error)(f"{told}: {error}") from error


def _kernel_filter(parameter: Parameter, value: Any) -> Filter:
    """Return a value that is a kernel as a filter."""
    if isinstance(value, str):
        return _written_kernel(value)
    if isinstance(value, Kernel) or KernelValue in parameter.types:
        return Filter.of_kernel(value)
    # Truth values are no weights, but 0 and 1 are.
    rows = np.asarray(value)
    return Filter.of_kernel(rows.astype(int) if rows.dtype == bool else rows)


def _written_kernel(text: str) -> Filter:
    """Return the kernel written as `text`: a filter, rows of numbers, or a file of such."""
    named = re.match(r"\s*([A-Za-z_]\w*)\s*($|[(:])", text)
    if not named or text.lower().endswith(KERNEL_SUFFIXES):
        return Filter.of_kernel(kernel_of(text))
    if named[1] not in catalog():
        kernels = [name for name, entry in catalog().items() if not entry.operation]
        choose("kernel", named[1], kernels, "rows of numbers, a file, or a kernel of the library")
    made = Filter.parse(text)
    if not made.linear:
        raise ArgumentError(f"filter {made.name!r} has no kernel")
    return made


def _action(entry: Entry, values: dict[str, Any]) -> Convolution | Operation:
    """Return what a filter of the library does, its arguments checked."""
    if not entry.operation:
        return Convolution(entry.function(**values))
    made = Operation(
        entry.name,
        tuple((k, v.kernel if isinstance(v, Filter) else v) for k, v in values.items()),
    )
    made.check()
    return made

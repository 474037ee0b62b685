"""Where the bytes of an array lie, from the address of its first element on."""

from __future__ import annotations

__all__ = ["extent"]


def extent(shape: tuple[int, ...], strides: tuple[int, ...], size: int) -> tuple[int, int]:
    """Return the offsets of an array's lowest byte and of the one after its highest.

    `strides` are in bytes, as is the `size` of an element. An array without elements has no bytes.

    Examples
    --------
    >>> extent((3, 4), (16, 4), 4), extent((3, 4), (16, -4), 4), extent((0, 4), (16, 4), 4)
    ((0, 48), (-12, 36), (0, 0))
    """
    # Plain loops: this is asked in many calls, where generators would take most of its time.
    low = high = 0
    for n, stride in zip(shape, strides, strict=True):
        if n == 0:
            return 0, 0
        if stride > 0:
            high += (n - 1) * stride
        else:
            low += (n - 1) * stride
    return low, high + size

"""The conversions of SASS, between integers and floating-point numbers of any width."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from benchmarks.static.machine import Block, Step

__all__ = ["CONVERSIONS"]

_INTEGERS = {f"{sign}{bits}": (sign, bits) for sign in "US" for bits in (8, 16, 32, 64)}


def _integer(step: Step) -> tuple[str, int]:
    """Return the integer type that an instruction names; a plain one is a signed word."""
    return next((_INTEGERS[flag] for flag in step.flags if flag in _INTEGERS), ("S", 32))


def from_integer(block: Block, step: Step) -> None:
    """I2F, I2FP: an integer, or a byte of a register, as float32 or float64."""
    target, source = step.operands[:2]
    sign, bits = _integer(step)
    if bits == 64:
        value: Any = source.wide(block)
    else:
        value = np.asarray(source.integer(block), np.uint32)
        value = (value << np.uint32(32 - bits)) >> np.uint32(32 - bits)
    if sign == "S":
        lead = 64 - bits
        value = np.asarray(value).astype(np.uint64).view(np.int64) << lead >> lead
    if "F64" in step.flags:
        return target.put_double(block, value.astype(np.float64))
    single = value.astype(np.float64).astype(np.float32)
    # RP rounds up: compiled integer divisions rely on a reciprocal that is not too small.
    if "RP" in step.flags:
        low = single.astype(np.float64) < value.astype(np.float64)
        single = np.where(low, np.nextafter(single, np.float32(np.inf)), single)
    return target.put_single(block, single)


def to_integer(block: Block, step: Step) -> None:
    """F2I: the nearest integer, or the truncated one, saturated; NaN becomes 0."""
    target, source = step.operands[:2]
    sign, bits = _integer(step)
    value = source.double(block) if "F64" in step.flags else source.single(block)
    value = np.asarray(value).astype(np.float64)
    cut: dict[str, Callable[[Any], Any]] = {
        "TRUNC": np.trunc,
        "FLOOR": np.floor,
        "CEIL": np.ceil,
    }
    whole = next((cut[flag] for flag in step.flags if flag in cut), np.rint)(value)
    if bits == 64:
        raise NotImplementedError(step.instruction.opcode)
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if sign == "S" else (0, (1 << bits) - 1)
    kept = np.where(np.isnan(whole), 0, np.clip(whole, low, high))
    target.put(block, kept.astype(np.int64).astype(np.uint32))


def between_floats(block: Block, step: Step) -> None:
    """F2F: float32, float64 and float16 into one another; the first named is the result."""
    target, source = step.operands[:2]
    result, given = [f for f in step.instruction.opcode.split(".") if f in ("F16", "F32", "F64")]
    read = {"F16": source.half, "F32": source.single, "F64": source.double}[given]
    value = np.asarray(read(block))
    if result == "F64":
        target.put_double(block, value.astype(np.float64))
    elif result == "F32":
        target.put_single(block, value.astype(np.float32))
    else:
        target.put(block, value.astype(np.float16).view(np.uint16).astype(np.uint32))


def pack_halves(block: Block, step: Step) -> None:
    """F2FP.F16.F32.PACK_AB: two float32 as float16 in one register, the second one low."""
    target, high, low = step.operands[:3]
    words = [
        np.asarray(each.single(block)).astype(np.float16).view(np.uint16).astype(np.uint32)
        for each in (high, low)
    ]
    target.put(block, words[0] << np.uint32(16) | words[1])


def pack_integers(block: Block, step: Step) -> None:
    """F2IP, I2IP: two numbers as small integers, saturated; bytes push others up before them."""
    target, high, low, kept = step.operands[:4]
    sign, bits = _INTEGERS[step.instruction.opcode.split(".")[1]]
    least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if sign == "S" else (0, (1 << bits) - 1)
    parts = []
    for each in (high, low):
        if step.instruction.name == "I2IP":
            value = np.asarray(each.integer(block), np.uint32).view(np.int32).astype(np.float64)
        else:
            value = np.rint(np.asarray(each.single(block)).astype(np.float64))
        whole = np.where(np.isnan(value), 0, np.clip(value, least, most))
        parts.append(whole.astype(np.int64).astype(np.uint32) & np.uint32((1 << bits) - 1))
    packed = parts[0] << np.uint32(bits) | parts[1]
    if bits == 8:
        packed = packed | kept.raw(block) << np.uint32(16)
    target.put(block, packed)


CONVERSIONS: dict[str, Callable[[Block, Step], None]] = {
    "F2F": between_floats,
    "F2FP": pack_halves,
    "F2I": to_integer,
    "F2IP": pack_integers,
    "I2F": from_integer,
    "I2FP": from_integer,
    "I2IP": pack_integers,
}

"""The arithmetic of SASS: integers, comparisons, floating point, conversions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.static.operands import Operand, Predicate

if TYPE_CHECKING:
    from benchmarks.static.machine import Block, Step

__all__ = ["ARITHMETIC", "lut", "signed"]

Operation = Callable[["Block", "Step"], None]

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)


def _split(step: Step) -> tuple[Any, list[Predicate], list[Operand], list[Predicate]]:
    """Return the target, predicates written, operands, and predicates read, of an instruction."""
    target, *rest = step.operands
    written = []
    while rest and isinstance(rest[0], Predicate):
        written.append(rest.pop(0))
    read = []
    while rest and isinstance(rest[-1], Predicate):
        read.insert(0, rest.pop())
    return target, written, rest, read


def _carry_in(block: Block, step: Step, read: list[Predicate]) -> Any:
    if "X" not in step.flags:
        return np.uint64(0)
    return sum((each.bit(block).astype(np.uint64) for each in read), np.uint64(0))


def _carry_out(block: Block, written: list[Predicate], carries: Any) -> None:
    for i, each in enumerate(written):
        each.put(block, carries > i)


def add(block: Block, step: Step) -> None:
    """IADD3, VIADD: a sum of up to three, with carries out, and in where extended."""
    target, written, terms, read = _split(step)
    extended = "X" in step.flags
    total = sum(term.addend(block, extended) for term in terms) + _carry_in(block, step, read)
    _carry_out(block, written, total >> _32)
    target.put(block, (total & _LOW).astype(np.uint32))


def signed(bits: Any) -> Any:
    """Return the bits of registers as integers with a sign."""
    return np.asarray(bits, np.uint32).view(np.int32).astype(np.int64)


def multiply(block: Block, step: Step) -> None:
    """IMAD: a product and a sum, of 32 bits, of 64 (WIDE), or the upper half (HI)."""
    target, written, (a, b, c), read = _split(step)
    x, y = a.integer(block), b.integer(block)
    if "U32" in step.flags and ("WIDE" in step.flags or "HI" in step.flags):
        product = np.asarray(x).astype(np.uint64) * np.asarray(y).astype(np.uint64)
    else:
        product = (signed(x) * signed(y)).view(np.uint64)
    carry = _carry_in(block, step, read)
    if "WIDE" in step.flags:
        total = product + c.wide(block) + carry
        _carry_out(block, written, (total < product).astype(np.uint64))
        target.put_wide(block, total)
    elif "HI" in step.flags:
        # The upper half of the whole sum: what is added has 64 bits.
        target.put(block, ((product + c.wide(block)) >> _32).astype(np.uint32))
    else:
        total = (product & _LOW) + c.addend(block, "X" in step.flags) + carry
        _carry_out(block, written, total >> _32)
        target.put(block, (total & _LOW).astype(np.uint32))


def shifted_add(block: Block, step: Step) -> None:
    """LEA: a sum with a shifted number; HI: with what the shift pushes out of 32 bits."""
    target, written, terms, read = _split(step)
    a, b = terms[0], terms[1]
    shift = np.asarray(terms[-1].raw(block)).astype(np.uint64)
    low = np.asarray(a.raw(block)).astype(np.uint64)
    if "SX32" in step.flags:
        low = signed(a.raw(block)).view(np.uint64)
    elif "HI" in step.flags:
        low = low | np.asarray(terms[2].raw(block)).astype(np.uint64) << _32
    low = ~low + np.uint64(1) if a.negative else low
    moved = (low << shift) >> _32 if "HI" in step.flags else low << shift
    total = (moved & _LOW) + b.addend(block, "X" in step.flags) + _carry_in(block, step, read)
    _carry_out(block, written, total >> _32)
    target.put(block, (total & _LOW).astype(np.uint32))


def shift(block: Block, step: Step) -> None:
    """SHF: shift a pair of registers, and keep one of the two."""
    target, low, by, high = step.operands
    pair = np.asarray(low.raw(block)).astype(np.uint64)
    pair = pair | np.asarray(high.raw(block)).astype(np.uint64) << _32
    amount = np.asarray(by.raw(block)).astype(np.uint64)
    amount = amount % _32 if "W" in step.flags else np.minimum(amount, np.uint64(63))
    if "L" in step.flags:
        moved = pair << amount
    elif {"S32", "S64"} & step.flags:
        moved = (pair.view(np.int64) >> amount.astype(np.int64)).view(np.uint64)
    else:
        moved = pair >> amount
    kept = moved >> _32 if "HI" in step.flags else moved & _LOW
    target.put(block, kept.astype(np.uint32))


def lut(table: int, a: Any, b: Any, c: Any) -> Any:
    """Return the function of three bits whose values are the bits of `table`.

    Examples
    --------
    >>> lut(0xC0, np.array([True]), np.array([True]), np.array([False]))
    array([ True])
    """
    result = a & ~a
    for i in range(8):
        if table >> i & 1:
            result |= (a if i & 4 else ~a) & (b if i & 2 else ~b) & (c if i & 1 else ~c)
    return result


def logic(block: Block, step: Step) -> None:
    """LOP3: any function of three bits, on all bits of three registers."""
    operands = list(step.operands)
    tests = operands.pop(0) if isinstance(operands[0], Predicate) else None
    target, a, b, c, table = operands[:5]
    bits = lut(int(table.raw(block)), *(each.integer(block) for each in (a, b, c)))
    target.put(block, bits)
    if tests:
        tests.put(block, np.broadcast_to(bits != 0, block.threads))


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "LT": np.less,
    "LE": np.less_equal,
    "GT": np.greater,
    "GE": np.greater_equal,
    "EQ": np.equal,
    "NE": np.not_equal,
}


def _joined(block: Block, step: Step, held: Any, with_: Predicate) -> None:
    other = with_.bit(block)
    join = {"AND": np.logical_and, "OR": np.logical_or, "XOR": np.logical_xor}
    joined = next(join[flag] for flag in step.flags if flag in join)
    step.operands[0].put(block, joined(held, other))
    if isinstance(step.operands[1], Predicate):
        step.operands[1].put(block, joined(~np.asarray(held), other))


def compare(block: Block, step: Step) -> None:
    """ISETP: compare; EX: the upper halves, with the lower halves' result last."""
    a, b = step.operands[2].integer(block), step.operands[3].integer(block)
    if "U32" not in step.flags:
        a, b = signed(a), signed(b)
    name = next(flag for flag in step.flags if flag in _COMPARE)
    held = _COMPARE[name](a, b)
    if "EX" in step.flags:
        lower = step.operands[5].bit(block)
        strict = {"LE": "LT", "GE": "GT"}.get(name, name)
        held = (a != b) | lower if name == "NE" else (a == b) & lower
        if name not in ("EQ", "NE"):
            held = held | _COMPARE[strict](a, b)
    _joined(block, step, held, step.operands[4])


def compare_floats(block: Block, step: Step) -> None:
    """FSETP, DSETP: compare, into a predicate."""
    read = Operand.double if step.instruction.name == "DSETP" else Operand.single
    a, b = read_as(read, step.operands[2], block), read_as(read, step.operands[3], block)
    _joined(block, step, _held(step, a, b), step.operands[4])


def set_floats(block: Block, step: Step) -> None:
    """FSET.BF: compare, into a register: 1.0 or 0.0, as PTX's set.f32 does."""
    target, a, b, with_ = step.operands
    if not {"BF", "AND"} <= step.flags:
        raise NotImplementedError(step.instruction.opcode)
    held = _held(step, a.single(block), b.single(block)) & with_.bit(block)
    target.put_single(block, np.where(held, 1, 0))


def _held(step: Step, a: Any, b: Any) -> Any:
    """Return the comparison that a name means; one that ends with U holds for NaN as well.

    NUM and NAN, as in PTX, ask whether both are numbers, or one is none.
    """
    unordered = np.isnan(a) | np.isnan(b)
    names = {**_COMPARE, **{f"{name}U": test for name, test in _COMPARE.items()}}
    name = next((flag for flag in step.flags if flag in names), "")
    if name:
        plain = names[name](a, b)
        return plain | unordered if name.endswith("U") else plain & ~unordered
    return unordered if "NAN" in step.flags else ~unordered


def read_as(read: Callable[..., Any], source: Operand, block: Block) -> Any:
    """Return an operand read by a method of `Operand`, whichever class it has."""
    return getattr(source, read.__name__)(block)


def move(block: Block, step: Step) -> None:
    """MOV."""
    step.operands[0].put(block, step.operands[1].integer(block))


def select(block: Block, step: Step) -> None:
    """SEL, FSEL: one of two, by a predicate."""
    target, a, b, chosen = step.operands
    if step.instruction.name == "FSEL":
        target.put_single(block, np.where(chosen.bit(block), a.single(block), b.single(block)))
    else:
        target.put(block, np.where(chosen.bit(block), a.integer(block), b.integer(block)))


def absolute(block: Block, step: Step) -> None:
    """IABS."""
    step.operands[0].put(block, np.abs(signed(step.operands[1].integer(block))).astype(np.uint32))


def float_op(width: str, combine: Callable[..., Any]) -> Operation:
    """Return a floating-point operation: FADD, FMUL, FFMA and their float64 kin."""

    def perform(block: Block, step: Step) -> None:
        target, *sources = (o for o in step.operands if not isinstance(o, Predicate))
        with np.errstate(all="ignore"):  # threads that do not take part may hold anything
            compute(block, target, sources)

    def compute(block: Block, target: Any, sources: list[Any]) -> None:
        if width == "double":
            target.put_double(block, combine(*(each.double(block) for each in sources)))
        else:
            # The product of two float32 is exact in float64: one rounding, at the end.
            exact = (each.single(block).astype(np.float64) for each in sources)
            target.put_single(block, _flushed(np.asarray(combine(*exact)).astype(np.float32)))

    return perform


def _flushed(number: Any) -> Any:
    return np.where(np.abs(number) < np.finfo(np.float32).tiny, np.float32(0), number)


#: By the flag of MUFU.
_SPECIAL: dict[str, Callable[[Any], Any]] = {
    "EX2": np.exp2,
    "RCP": lambda number: 1 / number,
    "RSQ": lambda number: 1 / np.sqrt(number),
}


def special(block: Block, step: Step) -> None:
    """MUFU: a function of one number, approximately."""
    found = [name for name in _SPECIAL if name in step.flags]
    if not found:
        raise NotImplementedError(step.instruction.opcode)
    with np.errstate(all="ignore"):  # threads that do not take part may hold anything
        step.operands[0].put_single(block, _SPECIAL[found[0]](step.operands[1].single(block)))


def easy_division(block: Block, step: Step) -> None:
    """FCHK: whether a division needs more than the usual steps, which is as good as never."""
    step.operands[0].put(block, np.zeros(block.threads, bool))


def halves(block: Block, step: Step) -> None:
    """HADD2.F32: a float16 as float32; HFMA2 of zeros: two float16 written out."""
    target, *sources = step.operands
    if "F32" in step.flags and step.instruction.name == "HADD2":
        target.put_single(block, sources[-1].half(block).astype(np.float32))
    elif [word for word in step.words[1:3] if "RZ" in word]:
        high, low = (np.float16(each.value).view(np.uint16) for each in sources[-2:])
        target.put(block, np.uint32(int(high) << 16 | int(low)))
    else:
        raise NotImplementedError(step.instruction.opcode)


ARITHMETIC: dict[str, Operation] = {
    "DADD": float_op("double", lambda a, b: a + b),
    "DFMA": float_op("double", lambda a, b, c: a * b + c),
    "DMUL": float_op("double", lambda a, b: a * b),
    "DSETP": compare_floats,
    "FADD": float_op("single", lambda a, b: a + b),
    "FCHK": easy_division,
    "FFMA": float_op("single", lambda a, b, c: a * b + c),
    "FMUL": float_op("single", lambda a, b: a * b),
    "FSEL": select,
    "FSET": set_floats,
    "FSETP": compare_floats,
    "HADD2": halves,
    "HFMA2": halves,
    "IABS": absolute,
    "IADD3": add,
    "IMAD": multiply,
    "ISETP": compare,
    "LEA": shifted_add,
    "LOP3": logic,
    "MOV": move,
    "MUFU": special,
    "SEL": select,
    "SHF": shift,
    "VIADD": add,
}

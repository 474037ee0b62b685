"""``gpuconv migration``: how code that was written for another library runs on gpuconv."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from gpuconv.cli.parser import Parser
from gpuconv.cli.stand_ins import STAND_INS, StandIn, named

__all__ = ["main"]

_EXAMPLES = """\
examples:
  gpuconv migration
  gpuconv migration scipy.ndimage
  gpuconv migration --markdown > MIGRATION.md"""

_ABOUT = """\
Code that was written for one of these libraries runs on gpuconv with one line changed: names,
parameters, defaults, results and errors stay. What is named "same" behaves as it did before; what
"differs" does, too, but for what is said beside it, and why. Arrays stay where they are, on the CPU
or on their GPU, dask arrays are filtered chunk by chunk when they are computed, and the result is
an array of the same kind. A name that is not listed is the library's own, where that is installed,
and behaves as ever."""

_MARGIN = 100


def main(arguments: Sequence[str]) -> int:
    """Print the page of all libraries, or of one."""
    parser = Parser(
        "gpuconv migration",
        "Tell which line to change in code for SciPy, scikit-image, OpenCV or dask-image, which "
        "functions are there, and what each does otherwise.",
        _EXAMPLES,
    )
    parser.add_argument("library", nargs="?", metavar="LIBRARY", help="only this one")
    parser.add_argument("--markdown", action="store_true", help="print Markdown, with tables")
    parser.add_argument("-v", "--verbose", action="store_true", help="show where a bug happened")
    options = parser.read(arguments)
    stand_ins = (named(options.library),) if options.library else STAND_INS
    print("\n".join((_markdown if options.markdown else _text)(stand_ins)))
    return 0


def _text(stand_ins: Sequence[StandIn]) -> Iterator[str]:
    yield textwrap.fill(_ABOUT, _MARGIN)
    for each in stand_ins:
        yield from ("", each.name, f"  - {each.before}", f"  + {each.after}")
        if each.note:
            yield _wrapped("  ", each.note.replace("`", ""))
        if each.like:
            yield _wrapped("  ", f"{', '.join(each.functions())}: as in {each.like}")
            continue
        if names := each.same():
            yield _wrapped("  same: ", ", ".join(names))
        for (how, why), names in each.differences().items():
            yield _wrapped(f"  {', '.join(map(_label, names))}: ", f"{how} {why}")
        if names := each.constants():
            yield f"  and {len(names)} constants and types"


def _wrapped(head: str, text: str) -> str:
    return textwrap.fill(f"{head}{text}", _MARGIN, subsequent_indent="    ")


def _markdown(stand_ins: Sequence[StandIn]) -> Iterator[str]:
    yield from ("# Moving to gpuconv", "", _ABOUT)
    yield from ("", "This page is printed by `gpuconv migration --markdown`.")
    for each in stand_ins:
        yield from ("", f"## {each.name}", "")
        yield from ("```diff", f"- {each.before}", f"+ {each.after}", "```", "")
        if each.note:
            yield from (each.note, "")
        if each.like:
            yield f"{_names(each.functions())}: as in {each.like}."
            continue
        yield from ("| name | | how | why |", "|---|---|---|---|")
        if names := each.same():
            yield f"| {_names(names)} | same | | |"
        for (how, why), names in each.differences().items():
            yield f"| {_names(names)} | differs | {_cell(how)} | {_cell(why)} |"
        if names := each.constants():
            yield f"| and {len(names)} constants and types | same | | |"


def _names(names: Sequence[str]) -> str:
    return ", ".join(_label(name) if name == "*" else f"`{name}`" for name in names)


def _label(name: str) -> str:
    return "all of them" if name == "*" else name


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

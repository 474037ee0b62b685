"""``gpuconv filters``: the library, listed or explained."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

from gpuconv.cli.filter_options import flag_of, help_of, metavar_of
from gpuconv.cli.parser import Parser
from gpuconv.filters import Entry, Parameter, catalog, lookup, written

__all__ = ["main"]

_EXAMPLES = """\
examples:
  gpuconv filters
  gpuconv filters gaussian
  gpuconv filters median
  gpuconv filters --json | jq '.[].name'"""


def main(arguments: Sequence[str]) -> int:
    """List the filters, or explain one."""
    parser = Parser(
        "gpuconv filters", "List the filters of the library, or explain one.", _EXAMPLES
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="the filter to explain")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("-v", "--verbose", action="store_true", help="show where a bug happened")
    options = parser.read(arguments)
    if options.json:
        entries = [lookup(options.name)] if options.name else list(catalog().values())
        print(json.dumps([_record(entry) for entry in entries], indent=2, ensure_ascii=False))
    else:
        print(_page(lookup(options.name)) if options.name else _table(list(catalog().values())))
    return 0


def _record(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "kind": "operation" if entry.operation else "convolution",
        "summary": entry.summary,
        "details": entry.details,
        "usage": entry.usage,
        "parameters": [_parameter(p) for p in entry.parameters.values()],
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "kind": parameter.kind,
        "choices": list(parameter.choices),
        "required": parameter.required,
        "default": None if parameter.required else parameter.default,
        "help": parameter.help,
    }


def _width() -> int:
    """Return the columns to fill: those of the terminal, up to a readable line."""
    return min(shutil.get_terminal_size().columns, 100) if sys.stdout.isatty() else 100


def _hang(head: str, body: str, indent: int) -> str:
    """Return `head` in a column of its own and `body` wrapped beside it, or below a long head."""
    lines = textwrap.wrap(body, max(_width() - indent, 30)) or [""]
    if len(head) > indent - 2:
        lines.insert(0, head)
    else:
        lines[0] = f"{head:<{indent}}{lines[0]}"
    return ("\n" + " " * indent).join(lines).rstrip()


def _table(entries: list[Entry]) -> str:
    indent = max(len(entry.name) for entry in entries) + 4
    kinds = {
        "convolutions ('gpuconv show NAME' draws the kernel):": False,
        "filters of other kinds:": True,
    }
    rows = [
        [title, *(_row(entry, indent) for entry in entries if entry.operation == operation)]
        for title, operation in kinds.items()
    ]
    return "\n\n".join([*map("\n".join, rows), "'gpuconv filters NAME' explains one."])


def _row(entry: Entry, indent: int) -> str:
    return _hang(f"  {entry.name}", entry.summary, indent)


def _page(entry: Entry) -> str:
    flags = [
        _hang(f"  {flag_of(p.name)} {metavar_of(p)}", help_of(p), 22)
        for p in entry.parameters.values()
    ]
    required = "".join(
        f" {flag_of(p.name)} {metavar_of(p)}" for p in entry.parameters.values() if p.required
    )
    parts = [
        f"{entry.name}: {entry.summary}",
        _wrapped(entry.details),
        "\n".join(["parameters:", *flags]) if flags else "It has no parameters.",
        f"alone:       --filter {entry.name}{required}",
        f"in a chain:  --filter {_brief(entry)}",
    ]
    return "\n\n".join(part for part in parts[:-1] if part) + "\n" + parts[-1]


def _brief(entry: Entry) -> str:
    """Return the filter as in a chain, with what it needs, else with one parameter."""
    parameters = list(entry.parameters.values())
    shown = [p for p in parameters if p.required] or parameters[:1]
    values = (f"{p.name}={metavar_of(p) if p.required else written(p.default)}" for p in shown)
    return entry.name + ":" * bool(shown) + ",".join(values)


def _wrapped(text: str) -> str:
    """Return paragraphs wrapped to the width; indented ones, formulas, as they are."""
    return "\n\n".join(
        part if part.startswith(" ") else textwrap.fill(part, _width())
        for part in text.split("\n\n")
    )

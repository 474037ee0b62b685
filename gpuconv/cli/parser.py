"""The first word of the command line, and what all commands share in reading the rest."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

__all__ = ["COMMANDS", "Command", "Parser", "command_of"]


@dataclass(frozen=True)
class Command:
    """A command: the module of this package that runs it, and what it is for."""

    module: str
    help: str


COMMANDS: dict[str, Command] = {
    "batch": Command("batch", "filter many image files into a folder"),
    "run": Command("run", "filter an image that may be larger than memory"),
    "filters": Command("filters", "list the filters, or explain one"),
    "show": Command("show", "draw the kernel of a filter"),
    "plan": Command("plan", "explain how a filter would be run, and how long it takes"),
    "tune": Command("tune", "measure this machine once, for the choice of algorithms"),
    "warmup": Command("warmup", "compile kernels for a GPU before they are needed"),
    "verify": Command("verify", "compute a table of cases on a GPU and check the results"),
    "bench": Command("bench", "time filters beside other libraries and beside a copy"),
    "migration": Command("migration", "tell how code for SciPy, OpenCV … runs on gpuconv"),
    "info": Command("info", "print versions and devices, or what image files hold"),
}

_EXAMPLES = """\
examples:
  gpuconv batch photos/ -o out/ --filter gaussian --sigma 3
  gpuconv batch scans/ -o out/ --filter median --size 5
  gpuconv run slide.tif blurred.tif --filter gaussian --sigma 8
  gpuconv filters gaussian
  gpuconv show sobel_x

'gpuconv COMMAND --help' explains a command."""


class Parser(argparse.ArgumentParser):
    """An argument parser that takes no abbreviations and keeps its epilog as it is written."""

    def __init__(self, prog: str, description: str, epilog: str = "", **options: object) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            allow_abbrev=False,
            formatter_class=_Formatter,
            **options,  # type: ignore[arg-type]
        )

    def error(self, message: str) -> NoReturn:
        """Exit with one line; the usage of a command with forty options would bury it."""
        self.exit(2, f"{self.prog}: error: {message}\n")

    def read(
        self, arguments: Sequence[str], hint: Callable[[], str] = lambda: ""
    ) -> argparse.Namespace:
        """Return the options of `arguments`; positional ones may stand between flags.

        What follows ``--`` is positional: argparse forgets this where it allows the former, so
        a file name that begins with a minus is turned into one that does not.
        """
        end = list(arguments).index("--") if "--" in arguments else len(arguments)
        files = [f"./{name}" if name.startswith("-") else name for name in arguments[end + 1 :]]
        options, unknown = self.parse_known_intermixed_args([*arguments[:end], *files])
        if unknown:
            self.error(
                f"unrecognized arguments: {' '.join(unknown)}{self._near(unknown) or hint()}"
            )
        return options

    def _near(self, unknown: Sequence[str]) -> str:
        """Return the flag that the first unknown one may be meant to be, as advice."""
        flag = next((word.partition("=")[0] for word in unknown if word.startswith("--")), "")
        near = difflib.get_close_matches(flag, self._option_string_actions, n=1, cutoff=0.8)
        return f"; did you mean {near[0]}?" if near else ""


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30)


def _top() -> Parser:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {c.help}" for name, c in COMMANDS.items())
    parser = Parser(
        "gpuconv",
        "Filter images: blur, sharpen, find edges, take noise away, undo a blur, or apply a\n"
        "kernel of your own.\n\n"
        f"commands:\n{commands}",
        _EXAMPLES,
        usage="gpuconv COMMAND …",
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    return parser


def command_of(arguments: Sequence[str]) -> str:
    """Return the command that `arguments` begin with; without one, say what there is and exit."""
    if arguments and arguments[0] in COMMANDS:
        return arguments[0]
    parser = _top()
    if not arguments:
        parser.print_help(sys.stderr)
        parser.exit(2)
    if not arguments[0].startswith("-"):
        near = difflib.get_close_matches(arguments[0], COMMANDS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        parser.error(f"{arguments[0]!r} is not a command{hint} (one of {', '.join(COMMANDS)})")
    if parser.parse_args(arguments).version:
        from gpuconv import __version__

        print(f"gpuconv {__version__}")
        parser.exit(0)
    parser.error("no command given")

"""The command line: ``gpuconv COMMAND …``, also as ``python -m gpuconv``.

Each command is a module with ``main(arguments) -> exit code``, imported only when it is called, so
that ``gpuconv --help`` is instant.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

from gpuconv.cli.parser import COMMANDS, command_of
from gpuconv.cli.streams import complete, mute
from gpuconv.errors import DeviceError, GpuconvError, ImageFileError

__all__ = ["EXIT_DEVICE", "EXIT_DISK_FULL", "EXIT_FAILED", "EXIT_USAGE", "main"]

#: Some of the work failed.
EXIT_FAILED = 1
#: The command line is wrong.
EXIT_USAGE = 2
#: The device asked for is not available.
EXIT_DEVICE = 4
#: A disk is full.
EXIT_DISK_FULL = 5


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; the default is those of the process.

    Returns
    -------
    int
        The exit code: 0 all done, 1 some failed, 2 usage, 3 nothing matched, 4 device unavailable,
        5 the disk is full, 130 interrupted.

    Examples
    --------
    >>> main(["batch", "--filter", "gauss"])
    2
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    complete()
    if not sys.warnoptions:
        # They name no file, and stand across the progress bar.
        warnings.filterwarnings("ignore", module=r"PIL\.")
    if isinstance(sys.stdout, TextIOWrapper):
        # Where it cannot show a letter, a formula with a question mark is better than none.
        sys.stdout.reconfigure(errors="replace")
    try:
        return _run(arguments)
    except SystemExit as end:  # from argparse: its message is printed already
        return end.code if isinstance(end.code, int) else EXIT_USAGE
    except BrokenPipeError:
        mute(sys.stdout)
        return 0
    except KeyboardInterrupt:
        return 130
    except GpuconvError as error:
        return _fail(arguments, str(error), _code_of(error))
    except Exception as error:
        if "-v" in arguments or "--verbose" in arguments:
            raise
        bug = f"unexpected {type(error).__name__}: {error} (add -v to see where)"
        return _fail(arguments, bug, EXIT_USAGE)


def _run(arguments: list[str]) -> int:
    command = command_of(arguments)
    module = import_module(f"gpuconv.cli.{COMMANDS[command].module}")
    code: int = module.main(arguments[1:])
    sys.stdout.flush()
    return code


def _code_of(error: GpuconvError) -> int:
    if isinstance(error, DeviceError):
        return EXIT_DEVICE
    if not isinstance(error, ImageFileError):
        return EXIT_USAGE
    from gpuconv.streaming.retry import disk_full

    return EXIT_DISK_FULL if disk_full(error) else EXIT_FAILED


def _fail(arguments: list[str], message: str, code: int) -> int:
    command = arguments[0] if arguments and arguments[0] in COMMANDS else ""
    print(f"gpuconv {command}".strip() + f": error: {message}", file=sys.stderr)
    return code

"""Where the command line begins and ends: start early, call one command, turn errors into exit codes.

This module imports nothing that takes time. `doctored scan` starts its first worker before anything else
is loaded, so that numpy, Pillow and onnxruntime are read on one core while this process does the rest on
another; and a scan that names only paths and flags goes without Typer.
"""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from doctored.errors import DoctoredError

if TYPE_CHECKING:
    from doctored.workers import Child

USAGE_ERROR, COULD_NOT_RUN, INTERRUPTED = 2, 4, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is that of docs/scan.md. One line on stderr tells of an error."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    is_debug = "--debug" in given
    given = [argument for argument in given if argument != "--debug"]
    warm = None
    try:
        warm = _start_early(given)
        return _scan_plainly(given, warm) if warm is not None else _call(given, warm)
    except KeyboardInterrupt:
        return _tell("interrupted", INTERRUPTED, is_debug)
    except DoctoredError as error:
        return _tell(str(error), error.exit_code, is_debug)
    except BrokenPipeError:  # the reader of our output has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        reason = error.strerror or str(error)
        where = f"{error.filename}: " if error.filename else ""
        advice = "check the path, its permissions and the space left"
        return _tell(f"{where}{reason}; {advice}", COULD_NOT_RUN, is_debug)
    finally:
        if warm is not None:
            warm.kill()


def _start_early(arguments: list[str]) -> "Child | None":
    if arguments[:1] != ["scan"] or len(arguments) == 1 or not {"--help", "-h"}.isdisjoint(arguments):
        return None
    from doctored.scan.start import start_worker

    return start_worker()


def _scan_plainly(arguments: list[str], warm: "Child | None") -> int:
    from doctored.cli.scanning import read_plain, run_scan

    options = read_plain(arguments[1:])
    return _call(arguments, warm) if options is None else run_scan(options, warm)


def _call(arguments: list[str], warm: "Child | None") -> int:
    from typer import Abort, Exit

    from doctored.cli.commands import make_group

    group = make_group()
    try:
        code = group.main(arguments or ["--help"], prog_name="doctored", standalone_mode=False, obj=warm)
    except Abort:
        raise KeyboardInterrupt from None
    except Exit as done:
        return int(done.exit_code)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            raise end.__context__ from None
        raise
    except Exception as error:
        # Typer's usage errors have had more than one base; all can tell what was wrong.
        if not hasattr(error, "format_message"):
            raise
        return _tell_usage(error)
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    return code if isinstance(code, int) else 0


def _tell_usage(error: Any) -> int:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "doctored"
    message = " ".join(error.format_message().split()).rstrip(".")
    return _tell(f"{message}; see '{command} --help'", USAGE_ERROR, False)


def _tell(message: str, code: int, is_debug: bool) -> int:
    if is_debug:
        import traceback

        traceback.print_exc()
    print(f"doctored: {_printable(message)}", file=sys.stderr)
    return code


def _printable(message: str) -> str:
    """A message may name a file, whose name must not become an order to the terminal."""
    if message.isprintable():
        return message
    from doctored.scan.sinks import printable

    return "\n".join(printable(line) for line in message.split("\n"))


if __name__ == "__main__":
    sys.exit(main())

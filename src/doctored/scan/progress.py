"""What a scan tells on stderr while it runs, and at its end; the results themselves go elsewhere."""

import sys
import time

from doctored.scan.sinks import printable
from doctored.scan.summary import Summary

EVERY_S = 0.1


class Progress:
    """Notes, a sum, and a counter where stderr is a terminal and no rows go to it (`is_page_free`)."""

    def __init__(self, *, is_quiet: bool, is_page_free: bool) -> None:
        self._is_quiet = is_quiet
        self._has_counter = is_page_free and not is_quiet and sys.stderr.isatty()
        self._began = self._shown = time.monotonic()

    def note(self, text: str) -> None:
        if not self._is_quiet:
            self._wipe()
            print(f"doctored: {printable(text)}", file=sys.stderr)

    def show(self, summary: Summary) -> None:
        now = time.monotonic()
        if self._has_counter and now - self._shown > EVERY_S:
            self._shown = now
            rate = summary.total / (now - self._began)
            print(f"\r\x1b[K{summary} ({rate:,.0f} a second)", end="", file=sys.stderr, flush=True)

    def finish(self, summary: Summary) -> None:
        """The sum of it all; one picture speaks for itself."""
        self._wipe()
        if not self._is_quiet and summary.total != 1:
            print(f"doctored: {summary}", file=sys.stderr)

    def _wipe(self) -> None:
        if self._has_counter:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

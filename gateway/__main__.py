"""Entry of the command line: `bulkrail`, and `python -m gateway`."""

from __future__ import annotations

import atexit
import gc
from typing import Final

_NEW_OBJECTS: Final = 200_000
"""More than any start makes: nearly all of them are modules and classes, which stay."""


def collect_seldom() -> None:
    """Look for unreachable cycles seldom while the process works, and not at all when it ends.

    Frames are columns, not objects, and free themselves. To go through what was loaded again and again takes a tenth of a
    start, to go through it once more before the process is gone as much again.
    """
    gc.set_threshold(_NEW_OBJECTS)
    atexit.register(gc.freeze)


def main() -> None:
    """Load the command line and run it."""
    collect_seldom()
    from gateway.cli.app import app

    app()


if __name__ == "__main__":
    main()

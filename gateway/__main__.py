"""Entry of the command line: `bulkrail`, and `python -m gateway`."""

from __future__ import annotations

import gc


def main() -> None:
    """Load the command line and run it."""
    # What is loaded stays: to look for garbage in it meanwhile takes a tenth of a start.
    gc.disable()
    from gateway.cli import app

    gc.freeze()
    gc.enable()
    app()


if __name__ == "__main__":
    main()

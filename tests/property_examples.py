"""How many examples a property test takes: few in a usual run, many in `make properties`."""

from __future__ import annotations

import os

EXAMPLES = int(os.environ.get("BULKRAIL_EXAMPLES", "20"))
"""Of a property that costs little. Twenty find what a change broke; `make properties` takes many more, for a night."""
_USUAL = 40
_LEAST = 5


def examples(weight: int) -> int:
    """Examples of a property that costs more than most: `weight` is what it takes where others take forty."""
    return max(min(weight, _LEAST), weight * EXAMPLES // _USUAL)

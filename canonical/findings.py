"""What FINDINGS mean, as expressions that several parts of the house ask of them."""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Level, Severity

_TOTALS_REASONS: Final = frozenset({"AM10", "AM19", "AM20"})
"""What a file or batch declares of itself is not what it holds."""

WARNS: Final = pl.col("severity") == Severity.WARNING.value
"""It is told, and refuses nothing."""
REFUSES: Final = pl.col("severity") != Severity.WARNING.value
"""It refuses what it stands on."""
OF_PAYMENT: Final = pl.col("level") == Level.PAYMENT.value
OF_BATCH: Final = pl.col("level") == Level.BATCH.value
OF_FILE: Final = pl.col("level") == Level.FILE.value
BATCH_IN_DOUBT: Final = OF_BATCH & REFUSES & pl.col("reason").is_in(_TOTALS_REASONS)
"""It refuses a batch for its totals: something may be missing in it."""

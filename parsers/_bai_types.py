"""Type codes of BAI2: what each means, which side it is on, and what its range says of a code that no table has.

Source: BAI, Cash management balance reporting specifications, version 2, Appendix A (type codes), and codes added since.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import polars as pl

_RANGES: Final = (
    (r"^[123][0-9]{2}$|^9[2-5][0-9]$", "CRDT"), (r"^[456][0-9]{2}$|^9[6-9][0-9]$", "DBIT"),
)  # fmt: skip
"""The standard keeps 100-399 and, for agreements, 920-959 to credits; 400-699 and 960-999 to debits."""
RETURNS: Final = ("255", "257", "266", "555", "557", "566")
"""Details of what comes back; the reason stands in their text, if anywhere."""
REVERSALS: Final = ("252", "258", "395", "552", "558", "694")
FEES: Final = ("564", "567", "661", "698")
OPENING, CLOSING, TOTAL_CREDITS, TOTAL_DEBITS = "010", "015", "100", "400"


@cache
def types() -> pl.DataFrame:
    """code, kind (balance, summary, detail, item of a detail, none), credit_debit (null for balances), meaning.

    Read when it is first asked for: an import must start no threads of Polars, since a fork after it would hang.
    """
    return pl.read_csv(Path(__file__).with_name("_bai_type_codes.csv"), infer_schema=False)


def typed(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with `kind`, `credit_debit` and `meaning` of its column `code`. Codes of no table: kind null, side by range."""
    joined = frame.join(types(), on="code", how="left", maintain_order="left")
    by_range = pl.coalesce(
        pl.when(pl.col("code").str.contains(pattern)).then(pl.lit(side)) for pattern, side in _RANGES
    )
    unknown = pl.col("kind").is_null()
    return joined.with_columns(pl.when(unknown).then(by_range).otherwise("credit_debit").alias("credit_debit"))

"""Which statement entries are the bank's own charges.

Source: ISO 20022 external bank transaction codes (BkTxCd): sub-family CHRG (charges), FEES (fees), COMM, COME, COMI and
COMT (commissions) of any domain; proprietary codes by the SWIFT type codes NCHG and NCOM or by the word itself.
"""

from __future__ import annotations

from typing import Final

import polars as pl

_SUB_FAMILIES: Final = ("CHRG", "FEES", "COMM", "COME", "COMI", "COMT")
_PROPRIETARY: Final = r"(?i)FEE|CHRG|CHARGE|NCHG|NCOM"


def is_fee() -> pl.Expr:
    """Boolean on ENTRIES: the entry is a charge, not a payment. Charges told inside another entry (Chrgs) are not."""
    by_code = pl.col("sub_family").is_in(_SUB_FAMILIES).fill_null(value=False)
    by_name = pl.col("proprietary").str.contains(_PROPRIETARY).fill_null(value=False)
    return by_code | by_name

"""Which statement entries bring money back.

Source: ISO 20022 BkTxCd sub-families RRTN, PRRT (reversal due to return), UPDD, UPCT, PRDD, PRCT (reversal of a direct debit
or credit transfer), RPCR; SWIFT type code NRTI (returned item); RtrInf and RvslInd of camt.053.
"""

from __future__ import annotations

from typing import Final

import polars as pl

_SUB_FAMILIES: Final = ("RRTN", "PRRT", "UPDD", "UPCT", "PRDD", "PRCT", "RPCR")
_PROPRIETARY: Final = r"^NRTI"


def is_back() -> pl.Expr:
    """Boolean on ENTRIES: a return or a reversal of something booked before."""
    by_code = pl.col("sub_family").is_in(_SUB_FAMILIES).fill_null(value=False)
    by_name = pl.col("proprietary").str.contains(_PROPRIETARY).fill_null(value=False)
    return pl.col("return_reason").is_not_null() | pl.col("reversal") | by_code | by_name

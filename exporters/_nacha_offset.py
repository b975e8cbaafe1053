"""Balanced files: entries on an account of ours that make debits and credits of each day equal.

They stand in a batch of their own (CCD, OFFSET) at the end of the file, so that batches of a class that only debits or
only credits stay what they are.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.contracts import Order
from canonical.errors import FrameBroken
from exporters._nacha_records import NachaOptions, Offset, ascii_text

DESCRIPTION: Final = "OFFSET"
SEQUENCE_FIRST: Final = 9_000_001
"""Trace numbers of offsets: above those that are reserved for payments."""
_SEQUENCE_LAST: Final = 9_999_999
_ENTRY_AMOUNT_MAX: Final = 10**10 - 1
_CREDIT: Final = {"CACC": "22", "SVGS": "32", "GLAC": "42"}
_DEBIT: Final = {"CACC": "27", "SVGS": "37", "GLAC": "47"}


def offsets(
    sums: dict[str, tuple[int, int]], offset: Offset, order: Order, options: NachaOptions, dfi: str
) -> pl.DataFrame:
    """Rows as `prepared` gives them. `sums`: effective entry date → cents of debits and of credits."""
    rows = []
    for day, (debit, credit) in sorted(sums.items()):
        for total, is_debit in ((debit, False), (credit, True)):
            left = total
            while left:
                amount = min(left, _ENTRY_AMOUNT_MAX)
                left -= amount
                rows.append((day, amount, is_debit))
    if len(rows) > _SEQUENCE_LAST - SEQUENCE_FIRST:
        raise FrameBroken(
            "more offset entries than there are trace numbers for them", submission_id=order.submission_id
        )
    name = ascii_text(options.company_name or order.initiating_party)
    codes = {True: _DEBIT[offset.account_type], False: _CREDIT[offset.account_type]}
    records = [
        {
            "sec": "CCD", "company_name": name[:16], "company_id": options.company_id or options.immediate_origin,
            "description": DESCRIPTION, "day": day, "country": "", "records": 1, "rdfi": int(offset.agent[:8]),
            "is_debit": is_debit, "debit": amount if is_debit else 0, "credit": 0 if is_debit else amount,
            "text": f"6{codes[is_debit]}{offset.agent}{offset.account:<17}{amount:010d}{'OFFSET':<15}{name:<22.22}  0{dfi}"
                    f"{SEQUENCE_FIRST + ordinal:07d}\n",
        }
        for ordinal, (day, amount, is_debit) in enumerate(rows)
    ]  # fmt: skip
    return pl.DataFrame(records)


def is_offset(trace: pl.Expr, account: pl.Expr, offset: Offset) -> pl.Expr:
    """Boolean: an entry that was read back is an offset."""
    return (trace.str.slice(8).cast(pl.Int64) >= SEQUENCE_FIRST) & (account == offset.account)

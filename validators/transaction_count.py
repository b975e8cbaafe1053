"""Declared numbers of payments are those of the file and of each batch. Rows that could not be read count for the file."""

from __future__ import annotations

from validators._totals import TotalsRule

RULE = TotalsRule(
    id="transaction_count",
    reason="AM19",
    batch_reason="AM20",
    measures=("count",),
    remedy="Compare your own list with the file: something was added or lost after the total was made. Send it whole.",
    sources=(
        "ISO 20022 GrpHdr/NbOfTxs and PmtInf/NbOfTxs",
        "Nacha Operating Rules, Appendix Three: entry/addenda count",
    ),
)

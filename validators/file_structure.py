"""Declared figures about the file's own make-up agree with it: entry hash, number of batches, number of blocks."""

from __future__ import annotations

from validators._totals import TotalsRule

RULE = TotalsRule(
    id="file_structure",
    reason="FF01",
    batch_reason="FF01",
    measures=("entry_hash", "batches", "blocks"),
    remedy="Have the program that writes the file make its control records again, after the last change.",
    sources=("Nacha Operating Rules, Appendix Three: batch control and file control records",),
)

"""Declared sums are the sums of the payments: of the file and of each batch.

ISO 20022 control sums run over all currencies as plain numbers; NACHA declares debits and credits apart. A sum over amounts
that could not be read is told as one that could not be checked, as a warning: those amounts have findings of their own.
"""

from __future__ import annotations

from validators._totals import TotalsRule

RULE = TotalsRule(
    id="control_sum",
    reason="AM10",
    batch_reason="AM10",
    measures=("sum", "debit_sum", "credit_sum"),
    remedy="Compare your own list with the file: something was added, lost or changed after the total was made. Send it whole.",
    sources=(
        "ISO 20022 GrpHdr/CtrlSum and PmtInf/CtrlSum",
        "Nacha Operating Rules, Appendix Three: total debit and credit entry dollar amount",
    ),
)

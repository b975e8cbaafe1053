"""What a payment cannot do without is there: who is paid, where, how much, and the references its format demands.

| field | pain.001 | nacha | csv |
|---|---|---|---|
| creditor name, creditor account, amount, currency | yes | yes | yes |
| end-to-end id | yes | | yes |
| debtor name, debtor account | yes | name only | |
| creditor agent | | yes | |

A format that is not in the table is held to its first line.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._row import Check, ChecksRule, blank

_ALWAYS: Final = ("creditor_name", "creditor_account", "amount_text", "currency")
_BY_FORMAT: Final = {
    "pain.001": (*_ALWAYS, "end_to_end_id", "debtor_name", "debtor_account"),
    "nacha": (*_ALWAYS, "debtor_name", "creditor_agent"),
    "csv": (*_ALWAYS, "end_to_end_id"),
}
_FIELDS: Final = {
    "creditor_name": ("BE22", "Creditor name", "Give the name of who is paid."),
    "creditor_account": ("AC03", "Creditor account", "Give the account that is to be paid."),
    "amount_text": ("AM12", "Amount", "Give the amount."),
    "currency": ("AM11", "Currency", "Give the three-letter code of the currency."),
    "end_to_end_id": ("CH21", "End-to-end id", "Give each payment a reference of its own, of at most 35 characters."),
    "debtor_name": ("RR02", "Debtor name", "Give the name of who pays."),
    "debtor_account": ("AC02", "Debtor account", "Give the account that pays."),
    "creditor_agent": ("RC04", "Creditor bank", "Give the nine-digit routing number of the receiver's bank."),
}


def _checks(context: Context) -> tuple[Check, ...]:
    return tuple(
        Check(
            field, blank(field), pl.lit(f"{_FIELDS[field][1]} is missing"), _FIELDS[field][0], remedy=_FIELDS[field][2]
        )
        for field in _BY_FORMAT.get(context.format, _ALWAYS)
    )


RULE = ChecksRule(
    id="required",
    reason="CH21",
    severity=Severity.ERROR,
    remedy="Fill the field in.",
    sources=(
        "ISO 20022 CustomerCreditTransferInitiation: CdtTrfTxInf, Dbtr, DbtrAcct, PmtId/EndToEndId",
        "Nacha Operating Rules, Appendix Three: entry detail record, mandatory and required fields",
    ),
    checks=_checks,
)

"""What a payment says beyond the canonical columns is told, where its money moves by it or authorities want it.

Intermediary banks, an exchange rate or deal, instructions to banks, regulatory reporting (ISO 20022); foreign exchange and
banks of international entries, the card of shared network entries (NACHA). An ISO export carries the elements of an ISO file on, where
the client's profile has it held to its schema (`xsd`); any other way out would drop them, so that no such rail takes the payment
and it waits. What came in another format is carried by no way out at all: an error.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._row import Check, ChecksRule

_SAID: Final = pl.col("uncarried").is_not_null()


def _suspects(payments: pl.DataFrame, _: Context) -> pl.DataFrame:
    return payments.clear() if payments["uncarried"].null_count() == payments.height else payments.filter(_SAID)


def _checks(context: Context) -> tuple[Check, ...]:
    if context.facts.iso:
        message = pl.format(
            "What the payment says of {} is carried on only by a bank that takes ISO 20022 files; without one it waits",
            pl.col("uncarried"),
        )
        return (Check("uncarried", _SAID, message, severity=Severity.WARNING, remedy=_REMEDY_ISO),)
    return (Check("uncarried", _SAID, pl.format("What the payment says of {} cannot be carried on", "uncarried")),)


_REMEDY_ISO: Final = "Nothing, where such a bank and a check against the schema are agreed; else leave it out."

RULE = ChecksRule(
    id="uncarried",
    reason="NARR",
    severity=Severity.ERROR,
    remedy="Leave it out, or order the payment at your bank.",
    sources=(
        "ISO 20022 pain.001: IntrmyAgt1 to 3, XchgRateInf, InstrForCdtrAgt, InstrForDbtrAgt, RgltryRptg",
        "Nacha Operating Rules, Appendix Three: IAT addenda 10, 13, 14, 18; SHR entries",
    ),
    checks=_checks,
    suspects=_suspects,
)

"""UK sort codes have six digits and the accounts at them eight.

In a format of UK accounts (Bacs) both are looked at, on both sides. In other formats an account in GBP is looked at where
its bank is named by six digits, that is by a sort code; a number that is none is told where the other side banks in the
United Kingdom.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._rails import odd_sort_code
from validators._row import Check, ChecksRule, claims_iban, ever, name_of, quoted

SORT_CODE_PATTERN: Final = r"^[0-9]{6}$"
ACCOUNT_PATTERN: Final = r"^[0-9]{8}$"
_ZEROS: Final = r"^0+$"
_SIDES: Final = (("debtor", "RC03", "AC02"), ("creditor", "RC04", "AC01"))


def _checks(context: Context) -> tuple[Check, ...]:
    pounds = pl.col("currency") == "GBP"
    checks = []
    for side, agent_reason, account_reason in _SIDES:
        agent, account = f"{side}_agent", f"{side}_account"
        is_sort_code = pl.col(agent).str.contains(SORT_CODE_PATTERN)
        concerned, meant = pounds, pl.lit(value=True)
        if not context.facts.domestic:
            plain = pounds & ~claims_iban(account)
            meant = odd_sort_code(side, context)
            concerned = plain & is_sort_code
        message = pl.lit("Sort code ") + quoted(agent) + pl.lit(" is not six digits")
        checks.append(Check(agent, pounds & meant & ~is_sort_code, message, agent_reason))
        nobody = concerned & is_sort_code & pl.col(agent).str.contains(_ZEROS)
        message = pl.lit("Sort code ") + quoted(agent) + pl.lit(" is nothing but zeros: no bank has it")
        checks.append(Check(agent, nobody, message, agent_reason))
        malformed = concerned & ~pl.col(account).str.contains(ACCOUNT_PATTERN)
        message = pl.format(f"{name_of(side)} account {{}} is not eight digits", quoted(account))
        checks.append(Check(account, malformed, message, account_reason))
    return tuple(checks)


def _pounds(payments: pl.DataFrame, context: Context) -> pl.DataFrame:  # noqa: ARG001 - the same for every client
    return payments if ever(payments, pl.col("currency") == "GBP") else payments.clear()


RULE = ChecksRule(
    id="sort_code",
    reason="RC04",
    severity=Severity.ERROR,
    remedy="Ask the account holder for the sort code of six digits and the account number of eight, with leading zeros.",
    sources=("Bacs Standard 18, data record fields 1, 2, 5 and 6",),
    checks=_checks,
    suspects=_pounds,
)

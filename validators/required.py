"""What a payment cannot do without is there: who is paid, where, how much, and what its format demands besides.

Each format says in its facts which canonical columns it demands of a credit transfer and of a direct debit.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from canonical.identifying import NOT_PROVIDED
from validators._row import CLAD, ROUNDED, Check, ChecksRule, blank, claims_iban, maybe_blank, quoted

_FIELDS: Final = {
    "creditor_name": ("BE22", "Creditor name", "Give the name of who is paid."),
    "creditor_account": ("AC03", "Creditor account", "Give the account that is to be paid."),
    "amount_text": ("AM12", "Amount", "Give the amount."),
    "currency": ("AM11", "Currency", "Give the three-letter code of the currency."),
    "end_to_end_id": ("CH21", "End-to-end id", "Give each payment a reference of its own, of at most 35 characters."),
    "debtor_name": ("RR02", "Debtor name", "Give the name of who pays."),
    "debtor_account": ("AC02", "Debtor account", "Give the account that pays."),
    "creditor_agent": ("RC04", "Creditor bank", "Give the number of the bank that is paid."),
    "debtor_agent": ("RC03", "Debtor bank", "Give the number of the bank that pays."),
    "mandate_id": ("MD01", "Mandate id", "Give the reference under which the debtor signed the mandate."),
    "mandate_date_text": ("MD02", "Date of signature", "Give the day on which the mandate was signed."),
    "creditor_scheme_id": ("CH11", "Creditor identifier", "Give the identifier under which you collect."),
}
_ACCOUNTS: Final = ("creditor_account", "debtor_account")
_NONE: Final = (NOT_PROVIDED, NOT_PROVIDED.lower())
_ZEROS: Final = r"^[ .-]*0[0 .-]*$"


_NOWHERE: Final = (
    ~claims_iban("creditor_account")
    & ~pl.col("creditor_account").str.contains(ROUNDED)
    & ~pl.col("creditor_account").str.contains(CLAD)
    & ~pl.col("creditor_account").str.contains(_ZEROS)
    & ~pl.col("creditor_account").is_in(_NONE)
    & (pl.col("credit_debit") == "CRDT")
    & pl.col("service_level").ne_missing("SEPA")
)
"""A credit transfer whose account does not say itself at which bank it is kept; of a rounded one or zeros nobody knows, and `iban` tells of others.

Where SEPA is declared the account has to be an IBAN: rule `iban` tells what is wrong, and no bank would mend it.
"""


def _placed(context: Context) -> tuple[Check, ...]:
    """Where the format asks for no bank, an account that is no IBAN still needs one: only a bank's own customers have none."""
    if context.facts.domestic or "creditor_agent" in context.facts.required:
        return ()
    message = pl.format(
        "Creditor bank is missing, and account {} is no IBAN that names one", quoted("creditor_account")
    )
    missing = blank("creditor_agent") & ~blank("creditor_account") & _NOWHERE
    return (
        Check(
            "creditor_agent",
            missing,
            message,
            "RC04",
            Severity.WARNING,
            "Give the BIC or the clearing number of the creditor's bank.",
        ),
    )


def _checks(context: Context) -> tuple[Check, ...]:
    return (*_demanded(context), *_nobodys(), *_placed(context))


def _nobodys() -> tuple[Check, ...]:
    """An account of zeros fills a field that a program had nothing for: nobody's."""
    checks = []
    for field in _ACCOUNTS:
        reason, name, remedy = _FIELDS[field]
        zeros = pl.lit(f"{name} ") + quoted(field) + pl.lit(" is nothing but zeros: nobody has it")
        none = f"{name} says {NOT_PROVIDED}: there is none"
        checks.append(Check(field, pl.col(field).str.contains(_ZEROS), zeros, reason, remedy=remedy))
        checks.append(Check(field, pl.col(field).is_in(_NONE), none, reason, remedy=remedy))
    return tuple(checks)


def _demanded(context: Context) -> tuple[Check, ...]:
    facts = context.facts
    of_credits, of_debits = set(facts.required), set(facts.required_debit)
    return tuple(
        Check(
            field,
            blank(field) & _of(field in of_credits, field in of_debits),
            f"{name} is missing",
            reason,
            remedy=remedy,
        )
        for field, (reason, name, remedy) in _FIELDS.items()
        if field in of_credits | of_debits
    )


def _suspects(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    fields = set(context.facts.required) | set(context.facts.required_debit)
    lacking = [maybe_blank(field) for field in _FIELDS if field in fields]
    # Comparing is cheap, and true of every text that begins with a zero.
    lacking += [
        pl.any_horizontal(pl.col(field) < "1", *(pl.col(field) == none for none in _NONE)) for field in _ACCOUNTS
    ]
    if not context.facts.domestic and payments["creditor_agent"].null_count():
        lacking.append(maybe_blank("creditor_agent") & _NOWHERE)
    return payments.filter(pl.any_horizontal(lacking))


def _of(crdt: bool, dbit: bool) -> pl.Expr:
    if crdt and dbit:
        return pl.lit(value=True)
    return pl.col("credit_debit") == ("CRDT" if crdt else "DBIT")


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
    suspects=_suspects,
)

"""What is wrong with statements, reports and notifications: what is missing, and where figures contradict each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from canonical.codes import CreditDebit, Level, Severity
from canonical.counts import count_of
from canonical.limits import BALANCE_MINOR_MAX
from canonical.money import format_minor, parse_minor
from parsers._feedback_amounts import said_why
from parsers._feedback_camt_paths import AccountMessage
from parsers._feedback_shapes import Record
from parsers._feedback_statements import Statement, day_of, signed_minor
from parsers._iso_faults import Fault

_AGAIN: Final = "The provider must send the statement again; nothing of this file is booked."
_TELL: Final = "Tell the provider; what could be read was read."
_ASK: Final = "Ask the provider for a correct statement; until then the difference stands in the reconciliation."


def faults_of(statement: Statement) -> Iterator[Fault]:
    """What is missing in a statement, and where its figures contradict each other."""
    yield from _missing(statement)
    if statement.currency is not None:
        yield from _currency_faults(statement)
        yield from _unread_balances(statement)
        yield from _date_faults(statement)
        yield from _balance_faults(statement)
        summed = list(_summary_faults(statement))
        yield from summed or _net_faults(statement)


def file_faults(of: AccountMessage, statements: list[Statement]) -> Iterator[Fault]:
    """A file without a statement, and statements that stand twice: what they book must not be booked twice."""
    if not statements:
        what = f"The message holds no {of.origin} ({of.element})."
        yield Fault("camt-statement", "CH21", what, _AGAIN, severity=Severity.FATAL, field=of.element)
    seen: set[tuple[str | None, str | None]] = set()
    for statement in statements:
        key = (statement.account, statement.statement_id)
        if key in seen:
            message = (
                f"{of.origin.capitalize()} {statement.statement_id} of this account stands more than once in the file."
            )
            yield _fault(statement, "camt-repeated", "DU01", message, "Id", Severity.FATAL)
        seen.add(key)


def _fault(
    statement: Statement, rule: str, reason: str, message: str, field: str, severity: Severity = Severity.ERROR
) -> Fault:  # fmt: skip
    return Fault(
        rule, reason, message, _AGAIN if severity is Severity.FATAL else _ASK, severity=severity, level=Level.BATCH,
        line=statement.line, batch=statement.ordinal, batch_id=statement.statement_id, field=f"{statement.of.element}/{field}",
    )  # fmt: skip


def _missing(statement: Statement) -> Iterator[Fault]:
    if statement.says_nothing:
        message = f"The {statement.of.origin} has neither a balance nor an entry: it says nothing."
        yield _fault(statement, "camt-statement", "CH21", message, "Ntry", Severity.WARNING)
        return
    for value, name, field in (
        (statement.statement_id, "identification", "Id"),
        (statement.account, "account", "Acct/Id"),
        (statement.currency, "currency (of the account, a balance or an entry)", "Acct/Ccy"),
    ):
        if value is None:
            yield _fault(
                statement, "camt-statement", "CH21", f"The {statement.of.origin} has no {name}.", field, Severity.FATAL
            )
    if not statement.of.final:
        return
    unread = {balance.values.get("type") for balance in _unread(statement)}
    for minor, name, kinds in (
        (statement.opening_minor, "opening (OPBD or PRCD)", {"OPBD", "PRCD"}),
        (statement.closing_minor, "closing (CLBD)", {"CLBD"}),
    ):
        # One that stands there and cannot be read is told as that.
        if minor is None and not kinds & unread:
            message = f"The statement has no {name} balance in {statement.currency} that can be read; its balances are not checked."
            yield _fault(statement, "camt-balance-missing", "CH21", message, "Bal", Severity.WARNING)


def _currency_faults(statement: Statement) -> Iterator[Fault]:
    if statement.strange:
        message = f"Not in {statement.currency}, the currency of the account: {count_of(statement.strange, 'entry')}; no sum holds them."
        yield _fault(statement, "camt-currency", "AM11", message, "Ntry/Amt")


def _unread(statement: Statement) -> list[Record]:
    """Balances whose amount or direction cannot be read."""
    balances = statement.record.children.get("Bal", [])
    return [balance for balance in balances if signed_minor(balance, balance.values.get("amount_currency")) is None]


def _unread_balances(statement: Statement) -> Iterator[Fault]:
    for balance in _unread(statement):
        said = balance.values
        kind, amount = said.get("type") or said.get("proprietary") or "?", said.get("amount", "none")[:60]
        shown = f"{amount} {said.get('amount_currency', '')}, {said.get('direction', 'no direction')}"
        directed = replace(balance, values={**said, "direction": CreditDebit.CRDT.value})
        plain = signed_minor(directed, said.get("amount_currency")) is not None
        why = f"the amount {said_why(said.get('amount', ''), said.get('amount_currency'), BALANCE_MINOR_MAX)}"
        cause = "it says neither CRDT nor DBIT" if plain else why
        message = f"The balance {kind} ({shown}) cannot be read: {cause}."
        yield _fault(statement, "camt-balance-amount", "AM12", message, "Bal/Amt", Severity.WARNING)


def _date_faults(statement: Statement) -> Iterator[Fault]:
    said = statement.record.values
    dates = [
        ("the start of its time", "FrToDt/FrDtTm", said.get("from")),
        ("the end of its time", "FrToDt/ToDtTm", said.get("to")),
    ]
    for balance in statement.record.children.get("Bal", []):
        kind = balance.values.get("type") or balance.values.get("proprietary") or "?"
        dates.append((f"the date of the balance {kind}", "Bal/Dt", balance.values.get("date")))
    for which, field, text in dates:
        if text is not None and day_of(text) is None:
            message = f"The {statement.of.origin} says {text[:30]} for {which}: that is no date."
            yield replace(
                _fault(statement, "camt-date", "DT01", message, field, Severity.WARNING), remedy=_TELL, value=text[:60]
            )


def _balance_faults(statement: Statement) -> Iterator[Fault]:
    opening, closing = statement.opening_minor, statement.closing_minor
    if opening is None or closing is None or statement.unread:
        return
    booked = statement.booked
    expected = opening + booked.credits_minor - booked.debits_minor
    if expected != closing:
        shown = [format_minor(minor, statement.currency or "") for minor in (
            opening, booked.credits_minor, booked.debits_minor, expected, closing, closing - expected
        )]  # fmt: skip
        message = (
            "Opening {} + credits {} − debits {} = {} {}, but the closing balance is {}: a difference of {}.".format(
                *shown[:4], statement.currency, *shown[4:]
            )
        )
        severity = Severity.ERROR if statement.of.final else Severity.WARNING
        yield _fault(statement, "camt-balance", "AM10", message, "Bal", severity)


def _net_faults(statement: Statement) -> Iterator[Fault]:
    """TtlNetNtry, credits less debits with a direction of its own, where it can be read."""
    said, currency = statement.record.values, statement.currency or ""
    declared = parse_minor(said.get("net", ""), currency, BALANCE_MINOR_MAX)
    side = said.get("net_direction")
    if declared is None or side not in {item.value for item in CreditDebit} or statement.unread:
        return
    net = -declared if side == CreditDebit.DBIT else declared
    nets = [of.credits_minor - of.debits_minor for of in (statement.told, statement.booked)]
    if net not in nets:
        shown = [format_minor(minor, currency) for minor in (net, *nets)]
        message = "TtlNetNtry declares {} {}; credits less debits of the entries are {}, of the booked ones {}.".format(
            shown[0], currency, *shown[1:]
        )
        yield _fault(statement, "camt-sum", "AM10", message, "TxsSummry/TtlNtries/TtlNetNtry")


def _summary_faults(statement: Statement) -> Iterator[Fault]:
    measures = [("all", "TtlNtries"), ("credit", "TtlCdtNtries"), ("debit", "TtlDbtNtries")]
    currency, said = statement.currency or "", statement.record.values
    if statement.unread:
        measures = measures[:1]
    for key, element in measures:
        of_booked, of_all = statement.booked.of(key), statement.told.of(key)
        field = f"TxsSummry/{element}"
        count, total = said.get(f"{key}_count"), said.get(f"{key}_sum")
        # Banks count booked entries or all of them; either way of counting is right if it fits.
        if count is not None and count.lstrip("0") not in {str(n or "") for n, _ in (of_booked, of_all)}:
            message = f"{element} declares {count}; the {statement.of.origin} holds {count_of(of_all[0] or 0, 'entry')}, {of_booked[0]} of them booked."
            yield _fault(statement, "camt-count", "AM19", message, f"{field}/NbOfNtries")
        if (
            total is not None
            and not statement.unread
            and parse_minor(total, currency, BALANCE_MINOR_MAX) not in {of_booked[1], of_all[1]}
        ):
            sums = [format_minor(minor, currency) for minor in (of_all[1], of_booked[1])]
            message = f"{element} declares a sum of {total} {currency}; the entries sum to {sums[0]}, the booked ones to {sums[1]}."
            yield _fault(statement, "camt-sum", "AM10", message, f"{field}/Sum")

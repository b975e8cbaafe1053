"""Which entries are money that a client pays in: by its rules, and never by a guess."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from pydantic import ValidationError
from reconciliation_world import ACCOUNT, DAY, claimed, entries, entry

from canonical.frames import MATCHES, empty
from canonical.profiles import Funding, PaidIn
from reconciliation._claims import AMBIGUOUS_DTYPES
from reconciliation.fundings import TOLD_UNTIL, client_fundings

CLEAR = pl.DataFrame(schema=AMBIGUOUS_DTYPES)
ACME = PaidIn(fields=("remittance", "counterparty_account"), pattern=r"^(TOP-UP ACME|FR76.*)$")


def money(number: int, **given) -> dict:
    return entry(number, **{"credit_debit": "CRDT", "remittance": "TOP-UP ACME", **given})


def test_golden() -> None:
    bank = entries(
        money(1),
        money(2, remittance="an invoice"),
        money(3, remittance=None, counterparty_account="FR7630006000011234567890189"),
        money(4, credit_debit="DBIT"),
        money(5, booked=False),
        money(6, sub_family="CHRG"),
        money(7, return_reason="AC04"),
        money(8),
        money(9),
        money(10, account="GB33BUKB20201555555555"),
    )
    ambiguous = pl.DataFrame({"entry_id": ["N0009"], "note": ["two payments"]})
    found = client_fundings(bank, claimed(("N0008", "file-0001", "settlement", 800)), ambiguous, {"acme": [ACME]})
    assert found.select("entry_id", "client", "amount_minor").rows() == [
        ("N0001", "acme", 100), ("N0003", "acme", 300), ("N0010", "acme", 1000),
    ]  # fmt: skip
    own = ACME.model_copy(update={"account": ACCOUNT})
    found = client_fundings(bank, empty(MATCHES), CLEAR, {"acme": [own]})
    assert found["entry_id"].to_list() == ["N0001", "N0003", "N0008", "N0009"]


def test_what_two_clients_claim_is_nobodys_and_two_rules_of_one_are_no_doubt() -> None:
    bank = entries(money(1))
    assert client_fundings(bank, empty(MATCHES), CLEAR, {"acme": [ACME, ACME], "other": [ACME]}).is_empty()
    again = PaidIn(fields=("remittance",), pattern="TOP-UP")
    assert client_fundings(bank, empty(MATCHES), CLEAR, {"acme": [ACME, again]})["entry_id"].to_list() == ["N0001"]
    assert client_fundings(bank, empty(MATCHES), CLEAR, {}).is_empty()


def test_what_persons_may_have_told_of_is_left_alone() -> None:
    days = [DAY - dt.timedelta(days=1), DAY, DAY + dt.timedelta(days=1)]
    bank = entries(*(money(n, booking_date=day) for n, day in enumerate(days, start=1)))

    def taken(*told: tuple[str, str, dt.date]) -> list[str]:
        until = pl.DataFrame(list(told), schema=TOLD_UNTIL, orient="row")
        return client_fundings(bank, empty(MATCHES), CLEAR, {"acme": [ACME]}, None, until)["entry_id"].to_list()

    assert taken(("acme", "EUR", DAY)) == ["N0003"]
    assert taken(("acme", "USD", DAY), ("other", "EUR", DAY)) == taken() == ["N0001", "N0002", "N0003"]


def test_faults_of_a_rule_are_told() -> None:
    for pattern in ("(", "(?=x)", ""):
        with pytest.raises(ValidationError):
            PaidIn(fields=("remittance",), pattern=pattern)
    with pytest.raises(ValidationError, match="prefunded"):
        Funding(kind="balance", paid_in=(ACME,))

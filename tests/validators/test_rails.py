"""Which scheme a payment belongs to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validators import _rails as rails
from validators import engine
from validators.bank_country import RULE as BANK_COUNTRY

DE, FR, GB, CH, US = (
    "DE89370400440532013000", "FR1420041010050500013M02606", "GB29NWBK60161331926819", "CH9300762011623852957", "123456789",
)  # fmt: skip


def held_by(payments, context):
    """Names of the tests that hold for a frame's one payment."""
    tests = {
        "sepa_credit": rails.sepa_credit(context), "sepa_debit": rails.sepa_debit(context),
        "cross_border": rails.cross_border(context), "british": rails.british(), "american": rails.american(),
    }  # fmt: skip
    held = payments.select(test.alias(name) for name, test in tests.items()).row(0, named=True)
    assert None not in held.values()
    return {name for name, holds in held.items() if holds}


@pytest.mark.parametrize(
    ("payment", "expected"),
    [
        ({}, {"sepa_credit"}),
        ({"service_level": "SEPA", "creditor_account": US}, {"sepa_credit"}),
        ({"service_level": "URGP"}, {"cross_border"}),
        ({"charge_bearer": "DEBT"}, {"cross_border"}),
        ({"charge_bearer": "SHA"}, {"sepa_credit"}),
        ({"currency": "eur"}, set()),
        ({"creditor_account": FR.lower()}, {"sepa_credit"}),
        ({"creditor_account": DE, "service_level": "URGP"}, set()),
        ({"currency": "USD"}, {"cross_border"}),
        ({"currency": "USD", "creditor_account": US, "creditor_agent": "021000021"}, {"american", "cross_border"}),
        ({"currency": "USD", "debtor_account": US, "debtor_agent": "021000021", "creditor_account": US,
          "creditor_agent": "021000021"}, {"american"}),
        ({"currency": "GBP", "debtor_account": GB, "creditor_account": GB}, {"british"}),
        ({"currency": "GBP", "debtor_account": GB, "creditor_account": "31926819", "creditor_agent": "601613"}, {"british"}),
        ({"currency": "GBP", "creditor_account": GB}, {"british", "cross_border"}),
        ({"creditor_account": GB}, {"sepa_credit"}),
        ({"creditor_account": "TR330006100519786457841326"}, {"cross_border"}),
        ({"credit_debit": "DBIT"}, {"sepa_debit"}),
        ({"credit_debit": "DBIT", "local_instrument": "B2B", "debtor_account": None}, {"sepa_debit"}),
        ({"credit_debit": "DBIT", "currency": "USD", "debtor_account": US, "debtor_agent": "021000021"}, {"american"}),
        ({"creditor_account": None, "currency": None}, set()),
    ],
)  # fmt: skip
def test_rails(payment, expected, payments, context):
    assert held_by(payments(payment), context()) == expected


COLLECTS = {"credit_debit": "DBIT", "debtor_account": DE, "creditor_account": None}
UNNAMED = {"debtor_account": None}


@pytest.mark.parametrize(
    ("accounts", "payment", "expected"),
    [
        (("NL91 ABNA 0417 1643 00",), UNNAMED, {"sepa_credit"}),
        ((DE, FR), UNNAMED, {"sepa_credit"}),
        ((DE, CH), UNNAMED, {"sepa_credit"}),
        ((DE,), COLLECTS, {"sepa_debit"}),
        ((DE,), {**UNNAMED, "currency": "USD"}, {"cross_border"}),
        ((DE,), {**UNNAMED, "currency": "USD", "creditor_account": DE}, set()),
        ((DE,), {**UNNAMED, "debtor_agent": "CHASUS33"}, {"cross_border"}),
        (("TR330006100519786457841326",), UNNAMED, {"cross_border"}),
        ((DE, "TR330006100519786457841326"), UNNAMED, set()),
        ((DE, US), UNNAMED, set()),
        ((), UNNAMED, {"sepa_credit"}),
        ((), COLLECTS, {"sepa_debit"}),
        ((), {**UNNAMED, "currency": "USD"}, set()),
        ((), {**UNNAMED, "creditor_account": "TR330006100519786457841326"}, set()),
        ((), {**UNNAMED, "debtor_agent": "CHASUS33"}, {"cross_border"}),
        ((), {**UNNAMED, "charge_bearer": "DEBT"}, set()),
        ((DE,), {"debtor_account": US}, set()),
    ],
)  # fmt: skip
def test_a_file_without_the_clients_account_is_paid_from_an_agreed_one(accounts, payment, expected, payments, context):
    assert held_by(payments(payment), context("csv", accounts=accounts)) == expected


def test_what_sepa_does_not_carry_is_told_of_a_table_too(payments, context):
    long = payments({**UNNAMED, "remittance": "x" * 141, "end_to_end_id": "INV_1"})
    told = engine.check_window(long, context("csv", accounts=(DE,)))
    assert told.select("rule", "field").rows() == [
        ("character_set", "end_to_end_id"), ("text_length", "remittance"),
    ]  # fmt: skip
    assert engine.check_window(long, context("csv", accounts=(US,)))["rule"].to_list() == ["text_length"]


ACCOUNTS = st.sampled_from([None, "", DE, FR, GB, CH, US])


@given(row=st.fixed_dictionaries({
    "debtor_account": ACCOUNTS, "creditor_account": ACCOUNTS, "currency": st.sampled_from([None, "EUR", "USD", "GBP"]),
    "service_level": st.sampled_from([None, "SEPA", "URGP"]), "credit_debit": st.sampled_from(["CRDT", "DBIT"]),
}), accounts=st.sampled_from([(), (DE,), (US,), (FR, CH)]))  # fmt: skip
def test_no_payment_is_within_sepa_and_across_borders(row, accounts, payments, context):
    held = held_by(payments(row), context("csv", accounts=accounts))
    assert len(held & {"cross_border", "sepa_credit", "sepa_debit"}) <= 1


def test_territories_bank_with_the_ibans_of_their_country(payments, context):
    banks = [
        {"creditor_account": FR, "creditor_agent": f"EXAM{bank_in}PP"} for bank_in in ("BE", "GF", "PF", "MC", "FR")
    ]
    assert BANK_COUNTRY.findings(payments(*banks), context())["row"].to_list() == [1]


def test_a_bank_that_is_not_provided_is_in_no_country(payments, context):
    frame = payments({"creditor_account": None, "creditor_agent": "NOTPROVIDED"})
    assert frame.select(rails.bank_country("creditor", context())).item() is None


def test_a_sort_code_with_hyphens_is_one_finding(payments, context):
    pounds = {"currency": "GBP", "creditor_account": "31926819", "creditor_agent": "60-16-13"}
    told = engine.check_window(payments({**pounds, "debtor_account": GB}), context("pain.001"))
    assert [rule for rule in told["rule"] if rule in {"bic", "sort_code"}] == ["sort_code"]
    told = engine.check_window(payments({**pounds, "debtor_account": DE}), context("pain.001"))
    assert [rule for rule in told["rule"] if rule in {"bic", "sort_code"}] == ["bic"]


def test_a_plain_account_where_sepa_wants_an_iban_is_one_finding(payments, context):
    plain = {"creditor_account": "12345678", "creditor_agent": None}
    told = engine.check_window(payments({**plain, "service_level": "SEPA"}), context("csv"))
    assert told.select("rule", "field").rows() == [("iban", "creditor_account")]
    told = engine.check_window(payments(plain), context("csv"))
    assert told.select("rule", "field").rows() == [("required", "creditor_agent")]

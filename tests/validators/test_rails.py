"""Which scheme a payment belongs to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validators import _rails as rails
from validators import engine

DE, FR, GB, CH, US = (
    "DE89370400440532013000", "FR1420041010050500013M02606", "GB29NWBK60161331926819", "CH9300762011623852957", "123456789",
)  # fmt: skip
TESTS = {
    "sepa_credit": rails.sepa_credit(),
    "sepa_debit": rails.sepa_debit(),
    "cross_border": rails.cross_border(),
    "british": rails.british(),
    "american": rails.american(),
}


@pytest.mark.parametrize(
    ("payment", "expected"),
    [
        ({}, {"sepa_credit"}),
        ({"service_level": "SEPA", "creditor_account": US}, {"sepa_credit"}),
        ({"service_level": "URGP"}, {"cross_border"}),
        ({"charge_bearer": "DEBT"}, {"cross_border"}),
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
def test_rails(payment, expected, payments):
    frame = payments(payment)
    assert {name for name, test in TESTS.items() if frame.select(test).item()} == expected


ACCOUNTS = st.sampled_from([None, "", DE, FR, GB, CH, US])


@given(row=st.fixed_dictionaries({
    "debtor_account": ACCOUNTS, "creditor_account": ACCOUNTS, "currency": st.sampled_from([None, "EUR", "USD", "GBP"]),
    "service_level": st.sampled_from([None, "SEPA", "URGP"]), "credit_debit": st.sampled_from(["CRDT", "DBIT"]),
}))  # fmt: skip
def test_no_payment_is_within_sepa_and_across_borders(row, payments):
    held = payments(row).select(test.alias(name) for name, test in TESTS.items()).row(0, named=True)
    assert None not in held.values()
    assert not (held["cross_border"] and (held["sepa_credit"] or held["sepa_debit"]))
    assert not (held["sepa_credit"] and held["sepa_debit"])


def test_a_plain_account_where_sepa_wants_an_iban_is_one_finding(payments, context):
    plain = {"creditor_account": "12345678", "creditor_agent": None}
    told = engine.check_window(payments({**plain, "service_level": "SEPA"}), context("csv"))
    assert told.select("rule", "field").rows() == [("iban", "creditor_account")]
    told = engine.check_window(payments(plain), context("csv"))
    assert told.select("rule", "field").rows() == [("required", "creditor_agent")]

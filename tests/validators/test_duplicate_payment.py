"""Keys for the history, hits against it, and what makes two payments the same."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from canonical.codes import Severity
from canonical.contracts import Context, Fallen, FormatFacts, Window
from canonical.frames import FINDINGS, KEYS, TOTALS, checked, dtypes, empty
from canonical.profiles import ClientProfile
from validators import engine
from validators.duplicate_payment import RULE

DAY = dt.date(2026, 11, 20)


def keys_of(frame, client_id="example"):
    profile = ClientProfile(client_id=client_id, name="Example", formats=("*",))
    window = Window(None, frame, empty(TOTALS), empty(FINDINGS))
    return RULE.keys(RULE.update((), window, Context(DAY, profile, FormatFacts())))


def key_of(payments, **changed):
    return keys_of(payments(changed)).row(0)[:2]


def test_keys_are_whole(payments):
    keys = keys_of(payments(*[{"end_to_end_id": str(n)} for n in range(50)]))
    stored = dtypes(KEYS)
    assert {name: dtype for name, dtype in keys.schema.items() if name != "row"} == {
        name: stored[name] for name in ("key", "check", "offset")
    }
    assert keys["row"].to_list() == list(range(1, 51))
    assert keys["key"].n_unique() == keys["check"].n_unique() == 50


def test_a_key_is_the_same_tomorrow_and_on_every_machine(payments):
    assert key_of(payments, end_to_end_id="A") == (12_340_294_585_735_136_101, 1_279_676_956_985_046_974)


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({"amount_text": "10.0"}, True),
        ({"creditor_name": "Somebody"}, True),
        ({"requested_execution_date_text": "2026-12-02"}, True),
        ({"remittance": "x"}, True),
        ({"amount_text": "10.01"}, False),
        ({"currency": "USD"}, False),
        ({"creditor_account": "X"}, False),
        ({"creditor_agent": "EXAMDEFF"}, False),
        ({"credit_debit": "DBIT"}, False),
        ({"end_to_end_id": "B"}, False),
        ({"end_to_end_id": "NOTPROVIDED"}, False),
    ],
)
def test_what_makes_two_payments_the_same(payments, changed, same):
    assert (key_of(payments, end_to_end_id="A") == key_of(payments, **{"end_to_end_id": "A", **changed})) is same


@pytest.mark.parametrize("no_id", [None, "NOTPROVIDED", "notprovided", " "])
def test_without_an_id_the_business_decides(payments, no_id):
    def of(**changed):
        return key_of(payments, end_to_end_id=no_id, **changed)

    assert of() == of()
    assert len({of(), of(creditor_name="B"), of(remittance="x"), of(requested_execution_date_text="2026-12-02")}) == 4


def test_a_payroll_may_name_the_same_person_every_month(payments):
    may = {"transaction_code": "22", "end_to_end_id": "EMP-7", "requested_execution_date_text": "2026-12-01"}
    assert key_of(payments, **may) != key_of(payments, **{**may, "requested_execution_date_text": "2027-01-04"})


def test_clients_do_not_meet(payments):
    here = payments({})
    assert keys_of(here, "one")["key"].to_list() != keys_of(here, "two")["key"].to_list()


@pytest.mark.parametrize(("switch", "severity"), [("reject", "error"), ("warn", "warning")])
def test_hits_against_earlier_files(payments, context, switch, severity):
    here = payments({}, {}, {})
    hits = pl.DataFrame(
        {"payment_id": [here.item(1, "payment_id")], "earlier_payment_id": ["g-000000000001"], "earlier_day": [DAY]}
    )
    told = checked(RULE.repeated(here, hits, context(duplicate_payment=switch)), FINDINGS)
    assert told.select("row", "severity", "reason").rows() == [(2, severity, "AM05")]
    assert "2026-11-20" in told["message"][0]


def test_prenotes_move_nothing(payments, context, window):
    prenotes = payments(*[{"amount_text": "0.00", "prenote": True, "end_to_end_id": "A"}] * 2)
    assert keys_of(prenotes).is_empty()
    assert RULE.finish(RULE.update(RULE.start(context()), window(prenotes), context()), context(), Fallen()).is_empty()


TWICE = {"end_to_end_id": "A"}
BAD = {"creditor_name": None}
BAD_BATCH = {"debtor_account": "DE00370400440532013000", "batch": 1}
"""A fault of its own, and one that all of its batch shares."""


def judged(windows, context, window):
    """row, first row named, of each duplicate; and the rows that stand at the end."""
    states = [engine.update(engine.start(context), window(frame), context) for frame in windows]
    merged = states[0]
    for state in states[1:]:
        merged = engine.merge(merged, state)
    found = engine.finish(merged, pl.concat([engine.check_window(frame, context) for frame in windows]), context)
    told = found.filter((pl.col("rule") == RULE.id) & (pl.col("severity") == Severity.ERROR.value))
    named = told.select("row", pl.col("message").str.extract(r"row (\d+)").cast(pl.Int64)).rows()
    stand = pl.concat([engine.verdicts(frame, found, context.client) for frame in windows])
    return named, stand.filter(pl.col("status") == "ACCP")["row"].to_list()


@pytest.mark.parametrize(
    ("rows", "acceptance", "named", "stand"),
    [
        ([TWICE, TWICE, {}], "payment", [(2, 1)], [1, 3]),
        ([TWICE | BAD, TWICE, {}], "payment", [(1, 2)], [2, 3]),
        ([TWICE | BAD, TWICE, TWICE], "payment", [(1, 2), (3, 2)], [2]),
        ([TWICE, TWICE | BAD, TWICE], "payment", [(2, 1), (3, 1)], [1]),
        ([TWICE | BAD, TWICE | BAD, {}], "payment", [(2, 1)], [3]),
        ([TWICE | BAD_BATCH, {"batch": 2}, TWICE | {"batch": 2}], "payment", [(1, 3)], [2, 3]),
        ([TWICE, BAD, TWICE | {"batch": 2}], "batch", [(1, 3)], [3]),
        # A file that falls as a whole comes again as a whole.
        ([TWICE | BAD, TWICE, {}], "file", [(2, 1)], []),
    ],
)
def test_the_first_that_stands_is_the_original(rows, acceptance, named, stand, payments, context, window):
    frame, told = payments(*rows), context(acceptance=acceptance)
    assert judged([frame], told, window) == (named, stand)
    assert judged([frame[:1], frame[1:]], told, window) == (named, stand)


def test_a_rule_that_is_off_rejects_nothing(payments, context, window):
    frame, told = payments(TWICE | BAD, TWICE), context(rules={"required": "off"})
    assert judged([frame], told, window) == ([(2, 1)], [1])

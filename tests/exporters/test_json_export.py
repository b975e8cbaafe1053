"""Payments as JSON lines: the golden file, what is left out, what is refused, and reading back what was written."""

from __future__ import annotations

import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from canonical.contracts import Order, Source
from canonical.errors import FrameBroken
from canonical.frames import PAYMENTS, dtypes
from canonical.profiles import Account, Plugin, ProviderProfile, Rail
from canonical.tally import written_as
from exporters.json import EXPORT, Options

GOLDEN = Path(__file__).parent / "golden" / "json"
BODY = {
    "amount": "{amount_minor}", "currency": "{currency_lower}", "value": "{amount:number}", "order": "{amount_minor:text}",
    "to": {"iban": "{counterparty_account}", "name": "{creditor_name}", "bic": "{creditor_agent}"},
    "note": "{end_to_end_id} of {submission_id}", "date": "{execution_date}", "method": "standard", "final": True,
    "references": ["{reference}"], "metadata": {"reference": "{reference}", "bic": "{creditor_agent}"},
}  # fmt: skip


def order(body: dict[str, Any] | None = None, **more: Any) -> Order:
    account = Account(account="DE75512108001245126199", currency="EUR", name="Gateway", agent="SOGEDEFFXXX")
    rail = Rail(rail="api", cut_off=dt.time(15), time_zone="UTC", calendar="every_day")
    provider = ProviderProfile(
        provider_id="api", name="API", export=Plugin(name="json", options={"body": body or BODY, **more}),
        transport=Plugin(name="folder"), accounts=(account,), rails=(rail,),
    )  # fmt: skip
    created = dt.datetime(2026, 11, 20, 9, 30, 15, tzinfo=dt.UTC)
    return Order("S0000000000000000001", provider, account, rail, created, dt.date(2026, 11, 20), 1, 0, "Gateway")


def payments(**columns: list[Any]) -> pl.DataFrame:
    size = len(next(iter(columns.values())))
    base = {
        "payment_id": [f"p-{n}" for n in range(size)], "currency": ["EUR"] * size, "amount_minor": [100 + n for n in range(size)],
        "credit_debit": ["CRDT"] * size, "row": list(range(1, size + 1)), "creditor_account": ["DE1"] * size,
        "end_to_end_id": ["E1"] * size, **columns,
    }  # fmt: skip
    frame = pl.DataFrame(base, schema={name: dtypes(PAYMENTS)[name] for name in base})
    rest = {name: kind for name, kind in dtypes(PAYMENTS).items() if name not in frame.columns}
    return frame.with_columns(
        *(pl.lit(None, dtype=kind).alias(name) for name, kind in rest.items()),
        reference=pl.col("payment_id"),
        position=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        execution_date=pl.lit(dt.date(2026, 11, 23)),
    )


def write(frame: pl.DataFrame, an_order: Order, parts: int = 1) -> bytes:
    out = io.BytesIO()
    summary = EXPORT.write(an_order, frame.iter_slices(max(1, -(-frame.height // parts))), out)
    assert summary == written_as(frame) == EXPORT.reread(Source("f", "x", out.getvalue()), an_order)
    return out.getvalue()


def test_golden() -> None:
    frame = payments(
        creditor_name=['Ünal "&" Söhne', None, "{null}"], creditor_agent=["SOGEDEFFXXX", None, None], currency=["EUR", "JPY", "EUR"]
    )  # fmt: skip
    assert write(frame, order()) == (GOLDEN / "payments.jsonl").read_bytes()
    assert write(frame, order(), parts=3) == (GOLDEN / "payments.jsonl").read_bytes()


@given(st.lists(st.tuples(st.text(max_size=12), st.none() | st.text(max_size=8)), min_size=1, max_size=4))
def test_whatever_text_there_is_comes_back(texts: list[tuple[str, str | None]]) -> None:
    frame = payments(
        creditor_name=[f"x{name}" for name, _ in texts], creditor_account=[account for _, account in texts]
    )
    lines = [json.loads(line) for line in write(frame, order()).decode().split("\n") if line]
    assert [line["body"]["to"]["name"] for line in lines] == [f"x{name}" for name, _ in texts]
    assert [line["body"]["to"].get("iban") for line in lines] == [account for _, account in texts]


def test_what_is_null_is_left_out() -> None:
    (line,) = write(payments(creditor_name=[None], creditor_account=[None]), order()).splitlines()
    body = json.loads(line)["body"]
    assert body["to"] == {}
    assert body["metadata"] == {"reference": "p-0"}


def test_what_the_provider_needs_is_looked_at_before() -> None:
    frame = payments(creditor_name=["a" * 23, None, "b"])
    options = Options(body=BODY, required=("creditor_name",), chars_max={"creditor_name": 22})
    found = EXPORT.unfit(frame, options)
    assert found.select("row", "message").rows() == [
        (1, "The provider needs creditor_name, which has more than 22 characters."),
        (2, "The provider needs creditor_name, which is missing."),
    ]
    with pytest.raises(FrameBroken, match="more than 22"):
        write(frame, order(required=["creditor_name"], chars_max={"creditor_name": 22}))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda text: text.replace('"amount":100,"currency"', '"amount":101,"currency"', 1), "two that differ"),
        (lambda text: text.replace('"value":1.00', '"value":10.0', 1), "two that differ"),
        (lambda text: text.replace('"iban":"DE1"', '"iban":"DE2"', 1), None),
        (
            lambda text: text.replace('"metadata":{"reference":"p-0"', '"metadata":{"reference":"p-9"', 1),
            "two that differ",
        ),
        (lambda text: text.replace("p-0", "p-9"), None),
        (lambda text: text.replace("100", "101").replace("1.00", "1.01"), None),
        (lambda text: "", None),
        (lambda text: text.replace('"amount":100,"currency"', '"currency"', 1), "no reference, amount"),
        (lambda text: text + "{}\n", "no reference, amount"),
    ],
)
def test_reading_back_sees_what_differs(change, match) -> None:
    frame, an_order = payments(creditor_name=["a", "b"]), order()
    good = write(frame, an_order).decode()
    bad = change(good)
    assert bad != good
    if match:
        with pytest.raises(FrameBroken, match=match):
            EXPORT.reread(Source("f", "x", bad.encode()), an_order)
    else:
        assert EXPORT.reread(Source("f", "x", bad.encode()), an_order) != written_as(frame)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"body": {"a": "{iban}", "b": "{amount}"}}, "no column iban"),
        ({"body": {"a": "{reference}"}}, "no amount"),
        ({"body": {"a": "{amount} EUR"}}, "no amount"),
        ({"body": {"a": "{amount}"}, "required": ["x"]}, "no column x"),
        ({"body": {}}, "at least 1"),
    ],
)
def test_templates_that_are_refused(options, why) -> None:
    with pytest.raises(ValidationError, match=why):
        Options.model_validate(options)

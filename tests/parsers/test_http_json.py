"""http-json: what APIs say, by paths of the profile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from canonical.codes import Severity
from canonical.contracts import Feedback, Source
from parsers.http_json import FORMAT, Options

GOLDEN = Path(__file__).parent / "golden" / "http-json"
PAYOUTS = {
    "reference": "metadata.reference", "submission": None, "statuses": {"paid": "ACSC", "pending": "ACSP", "failed": "RJCT"},
    "reason": "failure_code", "reasons": {"account_closed": "AC04"}, "reason_text": "failure_message",
    "amount_minor": "amount", "trace": "id",
}  # fmt: skip


def read(data: bytes, options: dict[str, Any]) -> Feedback:
    return FORMAT.read(Source("0" * 20, "x.json", data), Options.model_validate(options))


def plain(feedback: Feedback) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if value is not None} for row in feedback.statuses.to_dicts()]


@pytest.mark.parametrize(("name", "options"), [("payouts", PAYOUTS), ("replies", {})])
def test_golden(name, options) -> None:
    feedback = read((GOLDEN / f"{name}.json").read_bytes(), options)
    expected = [json.loads(line) for line in (GOLDEN / f"{name}.statuses.jsonl").read_text().splitlines()]
    assert expected
    assert plain(feedback) == expected
    assert feedback.findings.is_empty()


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "http-json-syntax"),
        (b"<xml/>", "http-json-syntax"),
        (b"[" * 100_000, "http-json-syntax"),
        (b'{"items": 3}', "http-json-items"),
        (b'{"data": []}', "http-json-items"),
        (b"\xff{}", "http-json-syntax"),
    ],
)
def test_what_cannot_be_read_is_fatal_and_applies_nothing(data, rule) -> None:
    feedback = read(data, {})
    assert feedback.statuses.is_empty()
    assert feedback.findings.select("rule", "severity").rows() == [(rule, Severity.FATAL.value)]


def test_what_nobody_agreed_is_told_and_says_nothing() -> None:
    items = [{"status": "paid"}, {"reference": "p", "status": "odd"}, 3, {"reference": "q", "status": ["ACSC"]}]
    feedback = read(json.dumps({"items": items}).encode(), PAYOUTS | {"reference": "reference"})
    assert [(row.get("original_instruction_id"), row.get("status")) for row in plain(feedback)] == [
        ("p", None),
        ("q", None),
    ]
    assert feedback.findings["rule"].to_list() == [
        "http-json-unnamed", "http-json-status", "http-json-unnamed", "http-json-status",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"amount_minor": 12345, "currency": "eur"}, (12345, "EUR")),
        ({"amount": "123.45", "currency": "EUR"}, (12345, "EUR")),
        ({"amount": "123.456", "currency": "EUR"}, (None, "EUR")),
        ({"amount_minor": 1.5, "currency": "EUR"}, (None, "EUR")),
        ({"amount_minor": 10**13, "currency": "EUR"}, (None, "EUR")),
        ({"amount_minor": 5, "currency": "XYZ"}, (None, None)),
        ({"amount_minor": -5, "currency": "EUR"}, (None, "EUR")),
    ],
)
def test_amounts_are_whole_minor_units_or_nothing(item, expected) -> None:
    feedback = read(
        json.dumps({"items": [{"reference": "p", "status": "ACSC", **item}]}).encode(), {"amount": "amount"}
    )
    (row,) = feedback.statuses.to_dicts()
    assert (row["amount_minor"], row["currency"]) == expected


def test_sniff() -> None:
    assert FORMAT.sniff(b' {"items": []}')
    assert not FORMAT.sniff(b"<Document/>")


def test_a_document_of_something_else_is_told_by_what_it_holds() -> None:
    names = ["id", "fileHeader", "batches", *(f"more{number}" for number in range(7))]
    (message,) = read(json.dumps(dict.fromkeys(names)).encode(), {}).findings["message"]
    assert (
        message
        == "The file holds no list at 'items'; at its top stand id, fileHeader, batches, more0, more1, more2, more3, more4, …."
    )
    (bare,) = read(b"[]", {}).findings["message"]
    assert bare == "The file holds no list at 'items'."

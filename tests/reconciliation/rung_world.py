"""What the tests of the rungs share: a run over written rows, and each rung's golden table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from reconciliation_world import book, claimed, entries, entry, payment, states
from ruamel.yaml import YAML

from canonical.frames import MATCHES, empty
from canonical.matching import ReconciliationRules, RungRule
from reconciliation.ladder import Matched, Terms, match

GOLDEN = Path(__file__).parent / "golden" / "rungs"
NAMED = {"instruction_id": "REF-1"}
BACK = {"credit_debit": "CRDT", "return_reason": "AC04"}
PAID = claimed(("N0000", "file-0001", "settlement", 100))


def run(payments, lines, earlier=None, *rules: RungRule, **terms) -> Matched:
    claims = empty(MATCHES) if earlier is None else earlier
    given = {"bank": ReconciliationRules(rungs=rules)} if rules else {}
    frame = book(*payments)
    return match(states(frame, matches=claims), entries(*lines), claims, Terms(rules=given, **terms))


def numbers(found: Matched) -> list[tuple[int, int, str]]:
    """Entry, payment and rung of each match."""
    rows = found.matches.select("entry_id", "payment_id", "rung").rows()
    return [(int(entry_id[1:]), int(payment_id[5:]), rung) for entry_id, payment_id, rung in rows]


def golden(rung: str) -> None:
    """Hold the ladder against a rung's table: what it matches, and what beside it it must not."""
    case = YAML(typ="safe").load((GOLDEN / f"{rung}.yaml").read_text(encoding="utf-8"))
    payments = [payment(row.pop("n"), **row) for row in case["payments"]]
    lines = [_line(row) for row in case["entries"]]
    earlier = [(f"N{e:04d}", f"file-{p:04d}", kind, amount) for e, p, kind, amount in case.get("earlier", [])]
    given = (claimed(*earlier) if earlier else None, *(RungRule(**rule) for rule in case.get("rules", [])))
    found = run(payments, lines, *given)
    told = found.matches.select("kind", "amount_minor", "entry_minor", "difference_account").rows()
    rows = [[e, p, *rest] for (e, p, _), rest in zip(numbers(found), told, strict=True)]
    assert rows == case["matches"]
    assert {name for _, _, name in numbers(found)} == {rung}
    assert found.ambiguous.is_empty()
    assert case["never"]
    for other in case["never"]:
        missed = run(payments, [*lines[:-1], {**lines[-1], **other}], *given)
        assert missed.matches.filter(pl.col("rung") == rung).is_empty(), other


def _line(row: dict[str, Any]) -> dict[str, Any]:
    return entry(row.pop("n"), **row)

"""Rung reference: the entry carries the reference that the provider knows the payment by, and its amount."""

from __future__ import annotations

from typing import Final

from reconciliation._meet import Claims, meet
from reconciliation._rung import Case, Rung
from reconciliation._sides import OWN_REFERENCES, REFERENCES


def _find(case: Case) -> Claims:
    return meet(case.bank, case.book, case.rule.fields or REFERENCES, OWN_REFERENCES, "reference")


RUNG: Final = Rung("reference", 10, _find, back="return")

"""Accepted suggestions: the person's decision is committed first and carried out afterwards, as often as that takes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from canonical.errors import Conflict, NotFound
from gateway.books.book import standing_matches
from gateway.books.by_hand import claim_by_hand
from gateway.breaks.desk import Wish, decide
from gateway.breaks.events import GATEWAY, Deed, Item, act, item_of
from gateway.composition import Gateway
from gateway.registry import tables as t

_TRIES_MAX: Final = 3
"""Another run of the provider may come first, and again."""


def accept(
    gateway: Gateway, break_id: str, answers: Sequence[str], by: str, reason: str, revision: int | None = None
) -> Item:
    """Match the break's entry with payments, or its payment with an entry, in a person's name; the break after it.

    Raises:
        NotFound: no such break.
        Conflict: it may not be accepted, or somebody was first. That it cannot be matched is told by the break's events.
    """
    decide(gateway, break_id, Wish("accept", by, reason, json.dumps(list(answers))), revision)
    carry_out(gateway)
    with gateway.registry.transaction() as connection:
        return item_of(connection, break_id)


def carry_out(gateway: Gateway) -> dict[str, str]:
    """Match what persons accepted and is not matched yet; break_id → why it cannot be, of those that cannot."""
    refused: dict[str, str] = {}
    for item in gateway.registry.rows(t.BREAKS, t.BREAKS.c.claim.is_not(None)):
        claim = json.loads(item["claim"])
        fault = None if _stands(gateway, claim) else _claim(gateway, claim)
        action, reason = ("matched", claim["reason"]) if fault is None else ("not_matched", fault)
        try:
            with gateway.registry.transaction() as connection:
                deed = Deed(action, GATEWAY, reason, {"claim": None})
                act(gateway.registry, connection, item, deed, gateway.clock().date().isoformat())
        except Conflict:
            continue  # the break moved on; if its claim stands still, the next one finds it made
        if fault is not None:
            refused[item["break_id"]] = fault
    return refused


def _claim(gateway: Gateway, claim: Mapping[str, Any]) -> str | None:
    """Why the match cannot be made, None where it was."""
    fault = ""
    for _ in range(_TRIES_MAX):
        try:
            claim_by_hand(gateway, claim["entry_id"], claim["payment_ids"], claim["by"], claim["reason"])
        except (Conflict, NotFound) as refusal:
            fault = refusal.message
        else:
            return None
    return fault


def _stands(gateway: Gateway, claim: Mapping[str, Any]) -> bool:
    """Was it made before, by a worker that died before it said so?"""
    pair = (pl.col("entry_id") == claim["entry_id"]) & pl.col("payment_id").is_in(claim["payment_ids"])
    made = [standing_matches(gateway, provider).filter(pair) for provider in gateway.profiles.providers]
    return sum(frame["payment_id"].n_unique() for frame in made) == len(claim["payment_ids"])

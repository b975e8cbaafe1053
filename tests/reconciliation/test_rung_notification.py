"""Rung notification: a camt.054 tells what is in an entry."""

from __future__ import annotations

from rung_world import golden


def test_golden_and_what_it_must_not_match():
    golden("notification")

"""Rung several_entries: several entries book one payment."""

from __future__ import annotations

from rung_world import golden


def test_golden_and_what_it_must_not_match():
    golden("several_entries")

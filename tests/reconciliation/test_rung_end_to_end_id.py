"""Rung end_to_end_id: the entry bears the end-to-end id and the amount."""

from __future__ import annotations

from rung_world import golden


def test_golden_and_what_it_must_not_match():
    golden("end_to_end_id")

"""Rung batch_parts: several entries book one submission."""

from __future__ import annotations

from rung_world import golden


def test_golden_and_what_it_must_not_match():
    golden("batch_parts")

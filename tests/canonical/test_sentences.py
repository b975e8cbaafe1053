"""Messages and remedies as sentences."""

from __future__ import annotations

import polars as pl

from canonical.sentences import two_sentences


def test_a_message_is_closed_before_its_remedy():
    said = {
        "message": ["Two are swapped", "It is empty.", "Waits", None, "What now?"],
        "remedy": ["Ask again.", "Fill it in.", None, "Do it.", "Ask."],
    }
    told = pl.DataFrame(said).select(two_sentences("message", "remedy")).to_series().to_list()
    assert told == ["Two are swapped. Ask again.", "It is empty. Fill it in.", "Waits", "Do it.", "What now? Ask."]

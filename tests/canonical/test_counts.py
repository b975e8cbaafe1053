"""Numbers with their nouns."""

from __future__ import annotations

import polars as pl
import pytest

from canonical.counts import count_of, count_said


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (0, "payment", "0 payments"), (1, "payment", "1 payment"), (2, "entry", "2 entries"), (1, "entry", "1 entry"),
        (1234, "batch", "1,234 batches"), (2, "day", "2 days"), (3, "addenda record", "3 addenda records"),
    ],
)  # fmt: skip
def test_counts(number, noun, said):
    assert count_of(number, noun) == said
    told = pl.DataFrame({"number": [number, None]}).select(count_said("number", noun)).to_series()
    assert told.to_list() == [said.replace(",", ""), None]


def test_a_count_as_a_client_wrote_it():
    told = pl.DataFrame({"number": ["01", "1", "2", "x"]}).select(count_said("number", "entry")).to_series()
    assert told.to_list() == ["01 entry", "1 entry", "2 entries", "x entries"]

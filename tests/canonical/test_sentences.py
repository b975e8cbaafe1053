"""Where a message and its remedy are joined, the first ends as a sentence does."""

import polars as pl
import pytest

from canonical.sentences import and_then, one_after_another


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ("Amount “1,5” is not an amount", "Write 1.50.", "Amount “1,5” is not an amount. Write 1.50."),
        ("The file is empty.", "Send it again.", "The file is empty. Send it again."),
        ("The name is missing", None, "The name is missing"),
        (None, "Send it again.", "Send it again."),
        (None, None, None),
    ],
)
def test_two_are_joined_as_sentences(first, second, joined):
    frame = pl.DataFrame({"a": [first], "b": [second]}, schema={"a": pl.String, "b": pl.String})
    assert frame.select(and_then(pl.col("a"), pl.col("b"))).item() == joined


def test_what_was_found_of_one_payment_is_one_text():
    found = pl.DataFrame({"row": [1, 1, 2], "message": ["No IBAN", "No name", "No amount"]})
    told = found.group_by("row", maintain_order=True).agg(one_after_another(pl.col("message")))
    assert told["message"].to_list() == ["No IBAN. No name.", "No amount"]

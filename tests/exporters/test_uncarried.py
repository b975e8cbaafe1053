"""What no export made of columns can carry keeps a payment off every rail, whatever the format."""

from __future__ import annotations

import polars as pl
import pytest
from provider_samples import rows

from canonical.plugins import discover

PROVIDER_EXPORTS = {name: item for name, item in discover("exporters", "EXPORT").items() if item.kind == "provider"}

NEEDED = {"columns": (), "instructing_agent": "EXMPGB2LXXX"}
"""Options that an export cannot do without; what does not concern it is passed over."""


def test_there_are_exports_for_providers() -> None:
    assert len(PROVIDER_EXPORTS) >= 4


@pytest.mark.parametrize("name", sorted(PROVIDER_EXPORTS))
def test_a_payment_whose_words_would_be_dropped_is_named(name: str) -> None:
    export = PROVIDER_EXPORTS[name]
    payment = {"amount_text": "1.00", "amount_minor": 100, "currency": "EUR"}
    frame = rows(payment, {**payment, "uncarried": "IntrmyAgt1"})
    found = export.unfit(frame, export.options.model_construct(**NEEDED))
    told = found.filter(pl.col("field") == "uncarried")
    assert told.select("row", "value", "severity").rows() == [(2, "IntrmyAgt1", "error")]
    assert told["message"].to_list() == ["What the payment says of IntrmyAgt1 cannot be carried"]

"""What a provider's file must say: the `Order` of a submission, made from its registry row and the profiles alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from canonical.contracts import Order
from canonical.errors import NotFound
from gateway.composition import Gateway


def order_of(gateway: Gateway, row: Mapping[str, Any]) -> Order:
    """The order of a payment submission.

    Raises:
        NotFound: its provider, account or rail is no longer in the profiles.
    """
    provider = gateway.profiles.provider(row["destination"])
    account = next((item for item in provider.accounts if item.account == row["account"]), None)
    rail = next((item for item in provider.rails if item.rail == row["rail"]), None)
    if account is None or rail is None:
        raise NotFound("the provider's profile no longer has this account or rail", submission_id=row["submission_id"])
    return Order(
        submission_id=row["submission_id"],
        provider=provider,
        account=account,
        rail=rail,
        created=dt.datetime.fromisoformat(row["created_at"]).replace(microsecond=0),
        business_date=dt.date.fromisoformat(row["business_date"]),
        sequence_first=row["sequence_first"],
        file_sequence=row["file_sequence"] or 0,
        initiating_party=account.name,
    )

"""Which statement entries are money that clients pay in, by the rules of their profiles.

Looked at is what the ladder left: booked credits that are no charge, bring nothing back, and to which no payment of ours
answers. An entry to which the rules of two clients answer is nobody's: it stays for a person. So does one that was booked before
persons ceased to tell of the client's money: it may be what they told of, and no money counts twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from canonical.frames import ENTRIES, FUNDING_KIND, FUNDINGS, MATCHES, checked, conform, empty
from canonical.profiles import PaidIn
from reconciliation.backs import is_back
from reconciliation.fees import is_fee

TOLD_UNTIL: Final = {"client": pl.String, "currency": pl.String, "until": pl.Date}
"""Schema: up to which day persons told what a client paid in."""


def client_fundings(
    entries: pl.DataFrame,
    matches: pl.DataFrame,
    ambiguous: pl.DataFrame,
    rules: Mapping[str, Sequence[PaidIn]],
    undone: pl.DataFrame | None = None,
    told_until: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """FUNDINGS among entries.

    Args:
        entries: ENTRIES nobody has explained so far.
        matches: MATCHES on them, the ladder's of this run too.
        ambiguous: of `ladder.Matched`.
        rules: client → what tells its money.
        undone: UNMATCHES: what a person took apart is not taken again.
        told_until: TOLD_UNTIL; none: no person told of any.

    Raises:
        FrameBroken: a frame breaks its schema.
    """
    credit = pl.col("booked") & (pl.col("credit_debit") == "CRDT") & ~is_fee() & ~is_back()
    left = checked(entries, ENTRIES).filter(credit & (pl.col("amount_minor") > 0))
    free = left.join(checked(matches, MATCHES), on="entry_id", how="anti").join(ambiguous, on="entry_id", how="anti")
    found = [
        free.filter(_answers(rule)).select(
            "entry_id",
            "account",
            "amount_minor",
            "currency",
            "value_date",
            client=pl.lit(client),
            booked_on=pl.coalesce("booking_date", "value_date"),
        )
        for client, own in sorted(rules.items())
        for rule in own
    ]
    if not found:
        return empty(FUNDINGS)
    told = pl.concat(found).unique()
    if told_until is not None:
        late = told.join(told_until, on=["client", "currency"], how="left").filter(
            pl.col("booked_on") <= pl.col("until")
        )
        told = told.join(late, on=["entry_id", "client"], how="anti")
    if undone is not None:
        apart = undone.filter(pl.col("kind") == FUNDING_KIND).select("entry_id", client="payment_id")
        told = told.join(apart, on=["entry_id", "client"], how="anti")
    single = told.filter(pl.len().over("entry_id") == 1)
    return conform(single.drop("booked_on").sort("entry_id"), FUNDINGS)


def _answers(rule: PaidIn) -> pl.Expr:
    """Boolean on ENTRIES: one of the rule's fields bears its pattern, on its account."""
    told = pl.any_horizontal(pl.col(name).str.contains(rule.pattern).fill_null(value=False) for name in rule.fields)
    return told if rule.account is None else told & (pl.col("account") == rule.account)

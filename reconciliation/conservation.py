"""Conservation: every payment is in exactly one state, and the equations hold, by count and by sum.

| equation | where |
|---|---|
| read = parsed + unreadable | by file, count only (`tie_out_files`) |
| parsed = rejected + cancelled + waiting + submitted | `intake_difference` |
| opening + newly submitted + reinstated + undone = newly settled + newly refused + closing | `outstanding_difference` |
| settled before + newly settled + represented = settled still + newly returned + unsettled | `settled_difference` |

"Opening" is the frame of states on which the period before was closed, so that prior close = this opening. "Closing"
outstanding includes submissions of unknown outcome. "Reinstated" is what a provider refused, and then
told as completed or the bank booked. "Undone" and "unsettled" is what a person took apart; "represented" what the bank
booked again after it came back. A payment whose amount cannot be read counts in the counts and not in the sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from canonical.counts import count_of
from canonical.errors import NotTied
from canonical.frames import checked
from canonical.money import format_minor
from reconciliation.frames import BOOKED, COUNTS, NOT_SENT, OPEN, STATE_NAMES
from reconciliation.moves import MOVES, REOPENED

_ROWS_IN_MESSAGE_MAX: Final = 10
_DIFFERENCES: Final = {
    "intake_difference": (("parsed",), ("rejected", "cancelled", "waiting", "submitted")),
    "outstanding_difference": (
        ("opening", "newly_submitted", "reinstated", "undone"), ("newly_settled", "newly_refused", "closing"),
    ),
    "settled_difference": (
        ("settled_before", "newly_settled", "represented"), ("settled_still", "newly_returned", "unsettled"),
    ),
}  # fmt: skip
_IN_WORDS: Final = {
    "intake_difference": ("taken in", "rejected, cancelled, waiting or submitted"),
    "outstanding_difference": (
        "outstanding at the opening, submitted or reinstated since", "settled, refused by the provider or outstanding now",
    ),
    "settled_difference": ("settled at the opening or since", "settled now or returned"),
}  # fmt: skip
"""Both sides of each equation, as finance reads them."""
_WAS, _NOW = pl.col("state_before"), pl.col("state")
_PART_OF_PARSED: Final = frozenset({"file_id", "client"})


def tie_out(
    states: pl.DataFrame,
    scope: Sequence[str],
    *,
    opening: pl.DataFrame | None = None,
    parsed: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Every term of the equations by `scope`, currency and direction, each difference, and whether it is `tied`.

    Two rows a group: measure "count", and "sum" in minor units. Scopes are columns of STATES: file_id, client, provider,
    account, submission_id, execution_date, submitted_on.

    Args:
        states: STATES now.
        scope: columns to group by.
        opening: STATES at the last close; none means that nothing was outstanding.
        parsed: as for `equations`.
    """
    return equations(terms(states, scope, opening), scope, parsed)


def terms(states: pl.DataFrame, scope: Sequence[str], opening: pl.DataFrame | None = None) -> pl.DataFrame:
    """The terms by `scope`, currency and direction: count and sum of each. Those of parts of the payments add up to those of all.

    The arguments are those of `tie_out`; `opening` holds what it has of these payments.
    """
    keys = _keys(scope)
    before = states.clear() if opening is None else opening
    return _moves(states, before, keys).group_by(keys).agg(
        *(rows.sum().cast(pl.Int64).alias(f"count_{name}") for name, rows in _terms().items()),
        *(_sum(name, rows).alias(f"sum_{name}") for name, rows in _terms().items()),
        repeated=pl.col("again").sum().cast(pl.Int64),
        forbidden=_forbidden().sum().cast(pl.Int64),
    )  # fmt: skip


def equations(of_terms: pl.DataFrame, scope: Sequence[str], parsed: pl.DataFrame | None = None) -> pl.DataFrame:
    """As `tie_out`, of `terms` by the same columns or more.

    Args:
        of_terms: of `terms`, of one part of the payments or of several.
        scope: columns to group by.
        parsed: what the parse manifests counted: file_id, client, currency, credit_debit, payments, amount_minor. Only
            with a scope of file_id and client. Without it "parsed" counts the payments that are there.
    """
    keys = _keys(scope)
    summed = of_terms.group_by(keys).agg(
        _added(pl.col(f"{measure}_{name}")) for measure in ("count", "sum") for name in _terms()
    )
    faults = of_terms.group_by(keys).agg(pl.sum("repeated", "forbidden"))
    by_key = summed.join(faults, on=keys, nulls_equal=True)
    if parsed is not None:
        by_key = _with_parsed(by_key, parsed, keys)
    return pl.concat([_measure(by_key, keys, name) for name in ("count", "sum")]).sort(
        [*keys, "measure"], nulls_last=True
    )


def tie_out_files(found: pl.DataFrame, counts: pl.DataFrame) -> pl.DataFrame:
    """COUNTS with `found` (payments of the file), `difference` (read − parsed − unreadable) and `tied`.

    `found`: file_id and payments, of one part of the payments or of several.
    """
    there = found.group_by("file_id").agg(found=pl.col("payments").sum().cast(pl.Int64))
    joined = checked(counts, COUNTS).join(there, on="file_id", how="full", coalesce=True)
    numbers = [pl.col(name).fill_null(0) for name in ("read", "parsed", "unreadable", "found")]
    with_difference = joined.with_columns(numbers).with_columns(
        difference=pl.col("read") - pl.col("parsed") - pl.col("unreadable")
    )
    tied = (pl.col("difference") == 0) & (pl.col("found") == pl.col("parsed"))
    return with_difference.with_columns(tied=tied).sort("file_id")


def at_fault(states: pl.DataFrame, opening: pl.DataFrame | None = None) -> pl.DataFrame:
    """The payments that keep a period from tying: payment_id and `fault` in words, sorted."""
    before = states.clear() if opening is None else opening
    twice = states.filter(pl.col("payment_id").is_duplicated()).with_columns(fault=pl.lit("stands more than once"))
    nowhere = states.filter(~_NOW.is_in(STATE_NAMES).fill_null(value=False)).with_columns(
        fault=pl.lit("is in no state")
    )
    both = before.select("payment_id", state_before="state", amount_before="amount_minor").join(
        states.select("payment_id", "state", "amount_minor", "reopened"), on="payment_id", how="left"
    )
    fault = (
        pl.when(_forbidden() & _NOW.is_null())
        .then(pl.lit("was there at the opening and is gone"))
        .when(_forbidden())
        .then(pl.format("moved from {} to {}", _WAS, _NOW))
        .when(_NOW.is_not_null() & pl.col("amount_before").ne_missing(pl.col("amount_minor")))
        .then(pl.lit("has another amount than at the opening"))
    )
    moved = both.with_columns(fault=fault).filter(pl.col("fault").is_not_null())
    found = pl.concat([part.select("payment_id", "fault") for part in (twice, nowhere, moved)])
    return found.unique().sort("payment_id", "fault")


def require_tied(
    states: pl.DataFrame,
    scope: Sequence[str],
    *,
    opening: pl.DataFrame | None = None,
    parsed: pl.DataFrame | None = None,
    counts: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The tie-out frame, when everything ties.

    Args:
        states: as for `tie_out`.
        scope: as for `tie_out`.
        opening: as for `tie_out`.
        parsed: as for `tie_out`.
        counts: COUNTS of the same files, for the first equation.

    Raises:
        NotTied: it does not; `rows` names the payments at fault, or the groups and files that differ.
    """
    tied = tie_out(states, scope, opening=opening, parsed=parsed)
    require(tied, at_fault(states, opening), None if counts is None else tie_out_files(by_file(states), counts))
    return tied


def by_file(states: pl.DataFrame) -> pl.DataFrame:
    """file_id and payments: how many of each file are there."""
    return states.group_by("file_id").agg(payments=pl.len().cast(pl.Int64))


def require(tied: pl.DataFrame, faults: pl.DataFrame, files: pl.DataFrame | None = None) -> None:
    """Raises NotTied: see `require_tied`.

    Args:
        tied: of `equations`.
        faults: of `at_fault`.
        files: of `tie_out_files`; none: not looked at.
    """
    loose = tied.filter(~pl.col("tied"))
    keys = tied.columns[: tied.columns.index("measure") + 1]
    rows = [*faults["payment_id"].to_list(), *_apart(loose, keys[:-1])]
    if files is not None:
        rows += _unread(files.filter(~pl.col("tied")))
    if rows:
        words = [f"{payment_id} {fault}" for payment_id, fault in faults.head(_ROWS_IN_MESSAGE_MAX).iter_rows()]
        shown = "; ".join([*words, *rows[faults.height :][:_ROWS_IN_MESSAGE_MAX]])
        raise NotTied(f"the day does not tie: {shown}", tuple(dict.fromkeys(rows)))


def _keys(scope: Sequence[str]) -> list[str]:
    return [*dict.fromkeys([*scope, "currency", "credit_debit"])]


def _moves(states: pl.DataFrame, before: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """One row a payment of either frame: its state and amount before and now, in the group where it is now."""
    now = states.select(
        *keys, "payment_id", "state", "amount_minor", "reopened",
        here=pl.lit(value=True), again=~pl.col("payment_id").is_first_distinct(),
    )  # fmt: skip
    was = before.select(
        pl.col(keys).name.suffix("_before"), "payment_id", state_before="state", amount_before="amount_minor"
    )
    both = now.join(was, on="payment_id", how="full", coalesce=True)
    gone = pl.col("here").is_null()
    place = [pl.when(gone).then(f"{key}_before").otherwise(key).alias(key) for key in keys]
    return both.with_columns(*place, pl.col("here", "again", "reopened").fill_null(value=False))


def _terms() -> dict[str, pl.Expr]:
    """Term → the rows that count in it. Rows without a state fall into no term but "parsed", and so make a difference."""

    def among(state: pl.Expr, names: Sequence[str]) -> pl.Expr:
        return state.is_in(names).fill_null(value=False)

    sent = among(_NOW, [name for name in STATE_NAMES if name not in NOT_SENT])
    refused = among(_NOW, ["provider_rejected"])
    return {
        "parsed": pl.col("here"),
        **{name: among(_NOW, [name]) for name in NOT_SENT},
        "submitted": sent,
        "opening": among(_WAS, OPEN),
        "newly_submitted": sent & (_WAS.is_null() | among(_WAS, NOT_SENT)),
        "reinstated": among(_WAS, ["provider_rejected"]) & among(_NOW, [*OPEN, *BOOKED]),
        "undone": among(_WAS, BOOKED) & among(_NOW, [*OPEN, "provider_rejected"]),
        "newly_settled": among(_NOW, BOOKED) & ~among(_WAS, BOOKED),
        "newly_refused": refused & ~among(_WAS, ["provider_rejected"]),
        "closing": among(_NOW, OPEN),
        "settled_before": among(_WAS, ["settled"]),
        "newly_returned": among(_NOW, ["returned"]) & ~among(_WAS, ["returned"]),
        "settled_still": among(_NOW, ["settled"]),
        "represented": among(_WAS, ["returned"]) & among(_NOW, ["settled"]),
        "unsettled": among(_WAS, ["settled"]) & among(_NOW, [*OPEN, "provider_rejected"]),
    }


def _sum(name: str, rows: pl.Expr) -> pl.Expr:
    amount = "amount_before" if name in {"opening", "settled_before"} else "amount_minor"
    return _added(pl.col(amount).filter(rows))


def _added(numbers: pl.Expr) -> pl.Expr:
    # Int128 cannot wrap here; a sum beyond Int64 fails the cast instead of wrapping in silence.
    return numbers.cast(pl.Int128).sum().cast(pl.Int64)


def _forbidden() -> pl.Expr:
    """A move that the table of allowed moves does not know. Staying is no move.

    A waiting payment may leave a frame of one provider's payments: its submission was voided and it is routed anew. Lost
    altogether, it is missing from what the manifests counted.
    """
    allowed = _WAS.eq("waiting") & _NOW.is_null()
    for state, targets in MOVES.items():
        allowed = allowed | (_WAS.eq(state) & _NOW.is_in([state, *targets]))
    for state, targets in REOPENED.items():
        allowed = allowed | (pl.col("reopened") & _WAS.eq(state) & _NOW.is_in(targets))
    return _WAS.is_not_null() & ~allowed.fill_null(value=False)


def _with_parsed(by_key: pl.DataFrame, parsed: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    if not _PART_OF_PARSED.issuperset(set(keys) - {"currency", "credit_debit"}):
        raise ValueError(f"manifests count by file and client, not by {', '.join(keys)}")
    sums = parsed.group_by(keys).agg(declared_count=pl.sum("payments"), declared_sum=pl.sum("amount_minor"))
    joined = by_key.join(sums, on=keys, how="full", coalesce=True, nulls_equal=True)
    return joined.with_columns(count_parsed="declared_count", sum_parsed="declared_sum").with_columns(
        pl.exclude(keys).fill_null(0)
    )


def _measure(by_key: pl.DataFrame, keys: list[str], measure: str) -> pl.DataFrame:
    """The terms of one measure with the differences of the equations behind the terms of each."""
    columns: dict[str, pl.Expr] = {}
    for difference, (left, right) in _DIFFERENCES.items():
        ins, outs = ([pl.col(f"{measure}_{name}") for name in side] for side in (left, right))
        columns |= {name: pl.col(f"{measure}_{name}") for name in (*left, *right)}
        columns[difference] = pl.sum_horizontal(ins) - pl.sum_horizontal(outs)
    wide = by_key.select(*keys, pl.lit(measure).alias("measure"), **columns, repeated="repeated", forbidden="forbidden")
    faults = [pl.col(name) == 0 for name in (*_DIFFERENCES, "repeated", "forbidden")]
    return wide.with_columns(tied=pl.all_horizontal(faults))


def _apart(loose: pl.DataFrame, keys: Sequence[str]) -> list[str]:
    """One sentence for each equation that does not hold: where, what stands on either side of it, and how much is between."""
    told = []
    for row in loose.iter_rows(named=True):
        place = ", ".join(f"{name}={row[name]}" for name in keys)
        is_count = row["measure"] == "count"
        for difference, (left, right) in _DIFFERENCES.items():
            if row[difference]:
                sides = [_shown(sum(row[name] for name in side), row["currency"], is_count) for side in (left, right)]
                ins, outs = _IN_WORDS[difference]
                apart = _shown(abs(row[difference]), row["currency"], is_count)
                told.append(f"{place}: {ins}: {sides[0]}; {outs}: {sides[1]}; {_way(row[difference])}: {apart}")
        if row["repeated"] or row["forbidden"]:
            told.append(
                f"{place}: standing more than once: {count_of(row['repeated'], 'payment')}; moved as none may: {row['forbidden']}"
            )
    return told


def _way(difference: int) -> str:
    return "not accounted for" if difference > 0 else "too many"


def _shown(number: int, currency: str | None, is_count: bool) -> str:
    if is_count:
        return count_of(number, "payment")
    return f"{format_minor(number, currency)} {currency}" if currency else f"{number} of no currency"


def _unread(files: pl.DataFrame) -> list[str]:
    """Files whose rows are not all accounted for, in words."""
    return [
        f"file_id={row['file_id']}: of {count_of(row['read'], 'row')} {row['parsed']:,} became payments and {row['unreadable']:,} could not; "
        f"there: {count_of(row['found'], 'payment')}"
        for row in files.iter_rows(named=True)
    ]

"""Splitting by what a provider takes in one file: nothing lost, nothing twice, every limit kept."""

from __future__ import annotations

import datetime as dt
import itertools

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_cancel import accepted, salaries, send_all, sent
from test_windows import run

from canonical.profiles import FileLimits
from gateway.books.status import status_by_reference, status_of
from gateway.composition import Gateway
from gateway.delivery.dispatch import due
from gateway.planning.plans import live_routes, live_submissions
from gateway.planning.splitting import pieces


@pytest.fixture
def gateway(gateway_anywhere: Gateway) -> Gateway:
    return gateway_anywhere


def limit(gateway: Gateway, **limits: object) -> None:
    known = gateway.profiles.provider("euro_bank")
    gateway.profiles.providers["euro_bank"] = known.model_copy(update={"file_limits": FileLimits(**limits)})


@given(
    rows=st.lists(st.tuples(st.integers(0, 50), st.sampled_from(["x", "y", None])), min_size=1, max_size=60),
    payments=st.one_of(st.none(), st.integers(1, 9)),
    minor=st.one_of(st.none(), st.integers(50, 200)),
    apart=st.booleans(),
)
def test_pieces_keep_the_limits_and_every_payment(rows, payments, minor, apart) -> None:
    limits = FileLimits(payments=payments, amount_minor=minor, apart=("debtor_account",) if apart else ())
    group = pl.DataFrame(
        [(number, amount, account) for number, (amount, account) in enumerate(rows)],
        schema={"row": pl.Int64, "amount_minor": pl.Int64, "debtor_account": pl.String}, orient="row",
    )  # fmt: skip
    found = list(pieces(group, limits))
    assert sorted(pl.concat(found)["row"]) == list(range(len(rows)))
    for piece in found:
        assert piece.height
        assert payments is None or piece.height <= payments
        assert minor is None or piece["amount_minor"].sum() <= minor
        assert not apart or piece["debtor_account"].n_unique() == 1
        assert piece["row"].is_sorted()
    for one, two in itertools.pairwise(found):
        together = pl.concat([one, two])
        full = payments is not None and one.height == payments
        full |= minor is not None and one["amount_minor"].sum() + two["amount_minor"][0] > minor
        assert full or (apart and together["debtor_account"].n_unique() > 1), "in as few as can be"


def test_size_is_held_by_estimate() -> None:
    assert FileLimits(bytes=10_000, bytes_per_payment=3000).payments_max == 3
    assert FileLimits(bytes=10_000, bytes_per_payment=3000, payments=2).payments_max == 2
    assert FileLimits().payments_max is None


def test_a_file_becomes_several_with_lineage_both_ways(gateway, tmp_path) -> None:
    limit(gateway, payments=4)
    file_id = salaries(gateway)
    assert sorted(row["payments"] for row in due(gateway)) == [2, 4, 4]
    assert sum(row["sum_minor"] for row in due(gateway)) == live_routes(gateway, file_id)["amount_minor"].sum()
    assert len({row["file_sequence"] for row in due(gateway)}) == 3
    send_all(gateway)
    assert sent(tmp_path) == accepted(gateway, file_id)
    routes = live_routes(gateway, file_id)
    assert routes.select("submission_id", "position").is_unique().all()
    for payment in routes.iter_rows(named=True):
        found = status_by_reference(gateway, payment["reference"])
        assert (found.payment["row"], found.payment["submission_id"]) == (payment["row"], payment["submission_id"])
    assert status_of(gateway, file_id).tied


def test_a_payment_larger_than_a_file_finds_no_rail(gateway) -> None:
    limit(gateway, amount_minor=400_000)
    file_id = salaries(gateway)
    assert all(row["sum_minor"] <= 400_000 for row in due(gateway))
    waiting = live_routes(gateway, file_id).filter(pl.col("submission_id").is_null())
    assert waiting.height > 0
    assert (waiting["amount_minor"] > 400_000).all()
    assert status_of(gateway, file_id).tied


def test_files_of_a_day_are_counted_and_the_rest_goes_on_the_next(gateway, tmp_path, clock) -> None:
    limit(gateway, payments=4, a_day=2)
    file_id = salaries(gateway)
    assert sorted(row["payments"] for row in live_submissions(gateway, file_id)) == [4, 4]
    (why,) = [words for words in status_of(gateway, file_id).why_it_waits()["why"] if "no more files" in words]
    assert why == "The provider takes no more files of 2026-11-20; it is planned for the window after."
    run(gateway)
    assert len(sent(tmp_path)) == 8
    clock.now = dt.datetime(2026, 11, 20, 17, 0, tzinfo=dt.UTC)
    run(gateway)
    assert sent(tmp_path) == accepted(gateway, file_id)
    assert sorted(row["execution_date"] for row in live_submissions(gateway, file_id)) == [
        "2026-11-20",
        "2026-11-20",
        "2026-11-23",
    ]

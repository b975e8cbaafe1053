"""The days of known truth are what they say, and matching is measured on them: a false automatic match fails here."""

from __future__ import annotations

import ast

import polars as pl
import pytest
from lxml import etree
from world import REPOSITORY

from benchmarks.finance import RECALL_MIN, RECALL_SURVIVING_MIN
from benchmarks.make_days import AMOUNTS_MAX, DAY, RATES, Days, make
from benchmarks.make_statements import camt
from benchmarks.quality import by_rung, by_trouble, judge, matched, measured, through_files
from canonical.frames import ENTRIES, MATCHES, checked, empty

PAYMENTS = 2_000
SEEDS = range(1, 4)
RATE_MIN = 0.02


@pytest.fixture(scope="module")
def days() -> Days:
    return make(PAYMENTS, 1)


def test_the_generator_knows_nothing_of_the_matcher() -> None:
    files = [REPOSITORY / "benchmarks" / f"make_{name}.py" for name in ("days", "troubles", "statements")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
    named = {
        name.partition(".")[0] if not name.startswith("benchmarks") else name
        for node in nodes
        for name in (
            [item.name for item in node.names] if isinstance(node, ast.Import)
            else [str(node.module)] if isinstance(node, ast.ImportFrom) else []
        )
    }  # fmt: skip
    assert named == {
        "__future__", "datetime", "dataclasses", "typing", "collections", "xml", "numpy", "polars", "canonical",
        "benchmarks.make_troubles",
    }  # fmt: skip


def test_the_same_seed_gives_the_same_days(days: Days) -> None:
    again, other = make(PAYMENTS, 1), make(PAYMENTS, 2)
    for name in ("payments", "entries", "truth"):
        assert getattr(days, name).equals(getattr(again, name))
        assert not getattr(days, name).equals(getattr(other, name))


def test_each_trouble_has_its_share_and_amounts_are_few(days: Days) -> None:
    kinds = days.truth["kind"].unique().to_list()
    assert set(kinds) == {*RATES, "clean", "noise"}
    for kind in set(kinds) - {"noise"}:
        of_kind = days.truth.filter(pl.col("kind") == kind)["payment_id"].n_unique()
        assert of_kind >= RATE_MIN * PAYMENTS, kind
    strange = days.truth.filter(pl.col("payment_id").is_null())
    told = days.entries.filter(pl.col("booked"))
    assert strange.join(told, on="entry_id", how="semi").height >= RATE_MIN * told.height
    assert days.payments["execution_date"].unique().to_list() == [DAY]
    assert 50 < days.payments["amount_minor"].n_unique() <= AMOUNTS_MAX


def test_the_truth_is_whole(days: Days) -> None:
    checked(days.entries, ENTRIES)
    assert set(days.truth["payment_id"].drop_nulls()) == set(days.payments["payment_id"])
    assert set(days.truth["entry_id"].drop_nulls()) == set(days.entries["entry_id"])
    assert days.truth.select("entry_id", "payment_id", "booking").is_duplicated().sum() == 0
    own = days.payments.filter(~pl.col("trouble").is_in(["fee", "fx"])).select("payment_id", own="amount_minor")
    booked = days.truth.filter((pl.col("booking") == "settlement") & pl.col("automatic")).join(
        days.entries.unique("entry_id"), on="entry_id"
    )
    # What is booked of a payment in parts, and once however often it is told, is the payment.
    once = booked.filter(pl.col("kind").is_in(["split", "clean", "late_return"])).unique(["payment_id", "fact"])
    sums = once.group_by("payment_id").agg(pl.sum("amount_minor")).join(own, on="payment_id")
    assert sums.height > PAYMENTS / 2
    assert (sums["amount_minor"] == sums["own"]).all()
    batches = booked.filter((pl.col("kind") == "merged") & (pl.col("detail") == 0)).join(own, on="payment_id")
    of_submission = batches.join(days.payments.select("payment_id", "submission_id"), on="payment_id")
    sums = of_submission.unique("payment_id").group_by("submission_id").agg(pl.sum("own")).join(
        of_submission.unique("entry_id").group_by("submission_id").agg(pl.sum("amount_minor")), on="submission_id"
    )  # fmt: skip
    assert sums.height > 1
    assert (sums["amount_minor"] == sums["own"]).all()


def test_a_false_match_is_told(days: Days) -> None:
    """The judge itself: the truth is right, anything else is not."""
    right = days.truth.filter(pl.col("automatic"))
    told = right.select(
        "entry_id", "payment_id", kind="booking", rung=pl.lit("reference"), currency=pl.lit("EUR"),
        amount_minor=pl.lit(1), entry_minor=pl.lit(1), entry_currency=pl.lit("EUR"),
    )  # fmt: skip
    matches = pl.concat([empty(MATCHES), told], how="diagonal_relaxed")
    assert judge(days, matches).false.is_empty()
    assert judge(days, matches).recall() == 1
    wrong = matches.with_columns(pl.col("payment_id").shift(1, fill_value="nobody's"))
    assert judge(days, wrong).false.height > 0.9 * wrong.height
    for_a_person = days.truth.filter(~pl.col("automatic") & (pl.col("kind") == "wrong_currency"))
    assert not for_a_person.is_empty()
    person = matches.head(for_a_person.height).with_columns(for_a_person["entry_id"], for_a_person["payment_id"])
    assert judge(days, person).false.height == person.height


@pytest.mark.parametrize("at_once", [False, True])
def test_no_automatic_match_is_false_and_few_are_missed(at_once: bool) -> None:
    quality = measured(PAYMENTS, SEEDS, at_once=at_once)
    assert quality.judged.height > PAYMENTS
    assert quality.false.is_empty(), f"{by_rung(quality)}\n{by_trouble(quality)}\n{quality.false}"
    if not at_once:  # as the gateway does it
        assert quality.recall(survives=True) >= RECALL_SURVIVING_MIN, by_trouble(quality)
    assert quality.recall() >= RECALL_MIN, by_trouble(quality)


def test_the_banks_own_files_tell_the_same(days: Days) -> None:
    """Written as camt.053, camt.054 and MT940 and read by the formats, the day is matched as well as its frames were."""
    read = through_files(days)
    assert read.entries["entry_id"].is_unique().all()
    frames, files = (judge(item, matched(item, at_once=True)) for item in (days, read))
    assert files.false.is_empty()
    assert files.judged.height > PAYMENTS
    assert files.recall() > frames.recall() - 0.002, f"{by_trouble(files)}\n{by_trouble(frames)}"


def test_what_is_written_is_valid(days: Days, xsd) -> None:
    told = days.entries.unique("entry_id").sort("statement_id", "position", "detail")
    for kind, origin in (("camt.053", "statement"), ("camt.054", "notification")):
        part = told.filter(pl.col("origin") == origin)
        assert not part.is_empty()
        xsd(f"{kind}.001.08").assertValid(etree.fromstring(camt(kind, part)))

"""Seeded days with known truth: payments that were sent, what the banks' statements say of them, and which booked which.

It knows nothing of the matcher: it imports none of `reconciliation` and `gateway`, and thinks as a bank does that books,
bundles, cuts and loses. The same arguments give the same frames.

Four accounts stand for four ways a bank tells: `full` (every id), `ids` (EndToEndId alone), `mt` (a reference of sixteen
characters and EREF) and `text` (the reference only in words). At most 200 distinct amounts a day, so that an amount alone
says nothing. Of the payments each trouble of `RATES` has its share; what each looks like says `make_troubles`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from benchmarks.make_troubles import TROUBLES, noise, told_ways
from canonical.frames import ENTRIES, arranged, dtypes
from canonical.identifiers import payment_id_of

DAY: Final = dt.date(2026, 11, 24)
"""Execution date of every payment; entries are booked on it and up to a week later."""
AMOUNTS_MAX: Final = 200
RATES: Final = {
    "lost_reference": 0.03, "truncated_name": 0.03, "split": 0.025, "merged": 0.03, "fee": 0.03, "fx": 0.03,
    "duplicate": 0.025, "late_return": 0.03, "reversal": 0.025, "back_dated": 0.025, "wrong_currency": 0.02,
    "twins": 0.03, "unbooked": 0.02,
}  # fmt: skip
"""Trouble → share of the day's payments; `unbooked` is none: the bank has not come to it yet. The rest is `clean`."""
NOISE_RATE: Final = 0.03
"""Entries of nobody's for each payment."""

TRUTH: Final = {
    "entry_id": pl.String, "payment_id": pl.String, "kind": pl.String, "booking": pl.String, "fact": pl.Int64,
    "reference_survives": pl.Boolean, "automatic": pl.Boolean,
}  # fmt: skip
"""One row a pair of entry and payment that belong together, and one an entry of nobody's or a payment without entry.

`kind`: the trouble. `booking`: settlement or return, null where nothing belongs together. `fact`: what the bank did, once;
where several entries tell the same fact any one of them is right. `automatic`: that a machine may say so: false where no
evidence tells two candidates apart, or where a person must look although the pair is right.
"""

MT_ACCOUNT: Final = "NL91ABNA0417164300"
"""Of the bank that tells in MT940."""
_ACCOUNTS: Final = pl.DataFrame(
    {
        "account": ["DE75512108001245126199", "FR1420041010050500013M02606", MT_ACCOUNT, "700100200"],
        "bank": ["full", "ids", "mt", "text"],
        "own_currency": ["EUR", "EUR", "EUR", "USD"],
    }
)
_BANKS: Final = (0, 0, 0, 0, 1, 1, 2, 2, 2, 3)
"""Which bank has each of ten submissions."""
_WORDS: Final = (
    "Hazel",
    "Aspen",
    "Linde",
    "Stadtwerke Musterstadt Versorgungsbetriebe",
    "Example",
    "Muster",
    "Café Zoë",
)
_TRADES: Final = ("Papier", "Supplies", "Kantoor", "Energie und Wasserversorgung", "Research", "Söhne & Co")
_FORMS: Final = ("GmbH", "SARL", "BV", "AG", "Ltd", "Nord GmbH", "Süd GmbH")
_REUSED: Final = ("SALARY 11/2026", "RENT NOVEMBER", "INVOICE", "2026-11", "1")
"""End-to-end ids that clients give to many payments."""


@dataclass(frozen=True, slots=True)
class Days:
    """`payments`: one row a payment, the columns of a book and more. `entries`: ENTRIES as told. `truth`: TRUTH."""

    payments: pl.DataFrame
    entries: pl.DataFrame
    truth: pl.DataFrame


def make(count: int, seed: int) -> Days:
    """A day of that many payments and the entries of the week that follows."""
    chance = np.random.default_rng(seed)
    payments = _payments(chance, count)
    told = [tell(payments.filter(pl.col("trouble") == name)) for name, tell in TROUBLES.items()]
    told.append(noise(payments, round(count * NOISE_RATE), seed))
    columns = ["group", "again", "read_twice", *dtypes(ENTRIES)]
    rows = pl.concat(
        [item.rows.select(name for name in columns if name in item.rows.columns) for item in told],
        how="diagonal_relaxed",
    )
    links = pl.concat([item.links for item in told], how="diagonal_relaxed")
    placed = _placed(chance, rows)
    truth = _truth(payments, placed, links)
    # A statement that is read again, as another file, gives the same ids once more.
    entries = pl.concat([placed, placed.filter(pl.col("read_twice"))]).drop("group", "again", "read_twice")
    return Days(payments, arranged(entries, ENTRIES), truth)


def _payments(chance: np.random.Generator, count: int) -> pl.DataFrame:
    """The payments, each with its trouble; of one trouble they stand together, so that a batch has one trouble."""
    sizes = {name: 2 * round(count * rate / 2) for name, rate in RATES.items()}
    kinds = np.repeat(np.array([*sizes, "clean"]), [*sizes.values(), count - sum(sizes.values())])
    batched = pl.Series("trouble", kinds).is_in(["merged", "reversal"]).to_numpy()
    submission = _submissions(chance, kinds, batched)
    of_submission = int(submission[-1]) + 1
    bank = np.resize(chance.permutation(_BANKS), of_submission)[submission]
    collects = (chance.random(of_submission) < 0.25)[submission]
    # No money: the dice that choose what a bank does, in thousandths.
    dice = chance.integers(0, 1000, (3, count))
    frame = pl.DataFrame(
        {
            "n": np.arange(count), "trouble": kinds, "s": submission, "row": np.arange(1, count + 1),
            "bank_number": bank, "credit_debit": np.where(collects, "DBIT", "CRDT"), "amount_minor": _amounts(chance, count),
            "dice": dice[0], "dice2": dice[1], "dice3": dice[2],
            "uetr": chance.integers(1 << 40, 1 << 50, count), "other": chance.integers(0, max(20, count // 5), count),
        },
        schema_overrides={"n": pl.Int64, "row": pl.Int64, "amount_minor": pl.Int64},
    )  # fmt: skip
    accounts = _ACCOUNTS.with_row_index("bank_number").with_columns(pl.col("bank_number").cast(pl.Int64))
    return _named(_twins(frame.join(accounts, on="bank_number", how="left", maintain_order="left")))


def _submissions(chance: np.random.Generator, kinds: np.ndarray, batched: np.ndarray) -> np.ndarray:
    """Number of the submission of each payment: a new one where the trouble changes, and every so many payments."""
    new = chance.random(len(kinds)) < 1 / max(8, min(150, len(kinds) // 200))
    new = np.where(batched, np.arange(len(kinds)) % 9 == 0, new)
    new[0], new[1:] = False, new[1:] | (kinds[1:] != kinds[:-1])
    return np.cumsum(new)


def _amounts(chance: np.random.Generator, count: int) -> np.ndarray:
    """Minor units; few are common and many are rare, as rents and salaries are."""
    round_sums = np.arange(1, 41) * 5_000
    others = chance.choice(np.arange(1_000, 900_000), AMOUNTS_MAX - len(round_sums), replace=False)
    pool = np.unique(np.concatenate([round_sums, others]))
    chance.shuffle(pool)
    weights = 1 / (10 + np.arange(len(pool)))
    return chance.choice(pool, count, p=weights / weights.sum())


def _twins(frame: pl.DataFrame) -> pl.DataFrame:
    """Every second twin is the one before it over again; `like`: the number of the first, `pair`: the same, of twins alone."""
    twin = pl.col("trouble") == "twins"
    second = twin & (pl.int_range(pl.len()).over("trouble") % 2 == 1)
    same = ("s", "amount_minor", "credit_debit", "bank", "account", "own_currency", "other", "dice", "dice2", "dice3")
    copied = [pl.when(second).then(pl.col(name).shift(1)).otherwise(pl.col(name)).alias(name) for name in same]
    like = pl.when(second).then(pl.col("n") - 1).otherwise("n")
    return frame.with_columns(*copied, like=like, pair=pl.when(twin).then(like))


def _named(frame: pl.DataFrame) -> pl.DataFrame:
    """Ids, names and dates; ids have the form of ours, and a file has one submission."""
    words = [_word("other", 1, _WORDS), _word("other", 7, _TRADES), _word("other", 42, _FORMS)]
    file_id = (pl.col("s") + 1).cast(pl.String).str.zfill(20)
    payment_id = payment_id_of(file_id, 1000 + pl.col("n") * 811)
    short = pl.format("B{}", pl.col("n").cast(pl.String).str.zfill(15))
    foreign = (
        pl.when(pl.col("own_currency") == "EUR")
        .then(_word("n", 1, ("USD", "JPY", "PLN", "CHF")))
        .otherwise(pl.lit("MXN"))
    )
    late = pl.when(pl.col("like") % 10 < 3).then(0).otherwise(1)
    named = frame.with_columns(
        payment_id=payment_id,
        file_id=file_id,
        client=pl.format("client-{}", pl.col("s") % 7),
        submission_id=pl.format("S{}", (pl.col("s") + 1).cast(pl.String).str.zfill(19)),
        reference=pl.when(pl.col("bank") == "mt").then(short).otherwise(payment_id),
        end_to_end_id=_end_to_end_id(),
        uetr=pl.format("7a562c67-ca16-48ba-b074-{}", pl.col("uetr").cast(pl.String).str.zfill(16).str.slice(4)),
        currency=pl.when(pl.col("trouble") == "fx").then(foreign).otherwise("own_currency"),
        counterparty_name=pl.concat_str(*words, (pl.col("other") // 294).cast(pl.String), separator=" "),
        counterparty_account=pl.format("DE{}", (pl.col("other") + 10**10).cast(pl.String).str.zfill(20)),
        remittance=pl.format("Invoice {} of November 2026", 40_000 + pl.col("other") * 3 + pl.col("like") % 3),
        execution_date=pl.lit(DAY),
        submitted_on=pl.lit(DAY) - pl.duration(days=late),
    )  # fmt: skip
    return named.with_columns(single=pl.col("end_to_end_id").is_not_null() & ~pl.col("end_to_end_id").is_duplicated())


def _end_to_end_id() -> pl.Expr:
    """Clients repeat ids on seven payments of a hundred and give none on four; some twins have one in common."""
    twin, kind = pl.col("pair").is_not_null(), pl.col("dice3")
    return (
        pl.when(twin & (pl.col("dice") >= 700)).then(pl.format("SALARY-{}", "pair"))
        .when(twin | (kind >= 110)).then(pl.format("INV-{}-{}", "s", "n"))
        .when(kind >= 40).then(_word("n", 1, _REUSED))
    )  # fmt: skip


def _word(name: str, step: int, words: tuple[str, ...]) -> pl.Expr:
    place = pl.col(name) // step % len(words)
    return place.replace_strict(list(range(len(words))), list(words), return_dtype=pl.String)


def _placed(chance: np.random.Generator, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows as entries of statements, one a day, currency and account, in an order that has nothing to do with the book's."""
    rows = rows.sort("group", "detail")
    groups = rows.select("group").unique(maintain_order=True)
    mixed = groups.with_columns(order=pl.Series(chance.permutation(groups.height)))
    copy = pl.when(pl.col("again")).then(pl.lit("-R")).otherwise(pl.lit(""))
    named = rows.join(mixed, on="group", how="left").with_columns(
        statement_id=pl.format("{}-{}-{}{}", pl.col("account").str.slice(-6), "booking_date", "currency", copy)
    )
    of = ["account", "statement_id", "origin"]
    numbered = named.with_columns(position=pl.col("order").rank("dense").over(of).cast(pl.Int64))
    ordered = numbered.sort(*of, "position", "detail").drop("order")
    return ordered.with_columns(entry_id=pl.format("E{}", pl.int_range(pl.len()).cast(pl.String).str.zfill(19)))


def _truth(payments: pl.DataFrame, placed: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    ids = placed.select("group", "detail", "entry_id", *told_ways())
    known = links.join(ids, on=["group", "detail"], how="left").join(
        payments.select("payment_id", "reference", "single", "submission_id", *(
            pl.col(name).alias(f"own_{name}") for name in ("end_to_end_id", "uetr")
        )), on="payment_id", how="left",
    )  # fmt: skip
    pairs = known.with_columns(reference_survives=pl.coalesce("survives", _survives()))
    alone = payments.join(pairs, on="payment_id", how="anti").select("payment_id", kind="trouble")
    rest = placed.join(pairs, on="entry_id", how="anti").select("entry_id", kind=pl.lit("noise"))
    whole = pl.concat([pairs.rename({"trouble": "kind"}), alone, rest], how="diagonal")
    whole = whole.with_columns(pl.col("reference_survives", "automatic").fill_null(value=False))
    return whole.select(pl.col(name).cast(dtype) for name, dtype in TRUTH.items()).sort("entry_id", "payment_id")


def _survives() -> pl.Expr:
    """What identifies the payment stands whole in the entry: in a field of its own, or as a word of its text."""
    in_field = pl.any_horizontal(
        pl.col("instruction_id") == pl.col("reference"),
        pl.col("uetr") == pl.col("own_uetr"),
        pl.col("single") & (pl.col("end_to_end_id") == pl.col("own_end_to_end_id")),
        (pl.col("trouble") == "merged") & (pl.col("batch_id") == pl.col("submission_id")),
    )
    in_text = pl.any_horizontal(
        pl.col(name).str.contains(pl.col("reference"), literal=True) for name in ("remittance", "additional")
    )
    return in_field.fill_null(value=False) | in_text.fill_null(value=False)

"""How a bank tells what it did, trouble by trouble, in the fields of camt.053 and MT940. For `make_days`.

Each trouble takes the payments it befell and gives the entries' rows and the links: which row books which payment. The
dice of a payment (thousandths) choose among the ways a trouble looks. It knows nothing of the matcher.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from canonical.currencies import exponent_of
from canonical.money import amount_text

_IDS: Final = ("message_id", "batch_id", "instruction_id", "end_to_end_id", "uetr")
_TEXTS: Final = ("remittance", "additional")
_LINK: Final = ("group", "detail", "payment_id", "trouble", "booking", "fact", "automatic")
_STEPS: Final = 8
"""Group numbers for each payment: one an entry."""
_REASONS: Final = ("AC04", "AC06", "AM04", "MD07", "MS03")
_RATES: Final = {"USD": 921_350, "JPY": 6_127, "PLN": 234_512, "CHF": 1_043_217, "MXN": 54_109}
"""Millionths of the account's currency for one unit of the foreign one."""
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Told:
    """`rows`: columns of ENTRIES without its ids, with `group` (an entry), `again` (told in a later statement that repeats an
    earlier) and `read_twice`.

    `links`: group, detail, payment_id, trouble, booking, fact, automatic, and `survives` where the row itself does not show it.
    """

    rows: pl.DataFrame
    links: pl.DataFrame


def told_ways() -> tuple[str, ...]:
    """The columns in which a reference may survive."""
    return ("instruction_id", "end_to_end_id", "uetr", "batch_id", *_TEXTS)


def clean(payments: pl.DataFrame) -> Told:
    """As its bank tells it."""
    return _linked(_tell(payments))


def lost_reference(payments: pl.DataFrame) -> Told:
    """No id of ours, or one cut to fifteen characters as an older system keeps it; of some the other side is gone as well."""
    cut = pl.when(pl.col("dice") < 400).then(pl.col("reference").str.slice(0, 15))
    account = pl.when(pl.col("dice2") < 600).then("counterparty_account")
    name = pl.when(pl.col("dice2") < 900).then("counterparty_name")
    return _linked(
        _without_ids(_tell(payments)).with_columns(
            instruction_id=cut, counterparty_account=account, counterparty_name=name
        )
    )


def truncated_name(payments: pl.DataFrame) -> Told:
    """Names in capitals and cut to 35, 27 or 18 characters; of every second one the ids are gone too."""
    width = pl.when(pl.col("dice2") < 300).then(35).when(pl.col("dice2") < 700).then(27).otherwise(18)
    rows = _tell(payments).with_columns(
        counterparty_name=pl.col("counterparty_name").str.to_uppercase().str.slice(0, width)
    )
    lost = pl.col("dice") < 500
    return _linked(_both(rows.filter(~lost), _without_ids(rows.filter(lost))))


def split(payments: pl.DataFrame) -> Told:
    """One payment in two to four entries, on one day or on two; of every fifth the parts have no id."""
    parts = (2 + pl.col("dice2") % 3).cast(pl.Int64)
    each = pl.col("amount_minor") // parts
    rows = []
    for part in range(4):
        last = pl.lit(part) == parts - 1
        amount = pl.when(last).then(pl.col("amount_minor") - each * part).otherwise(each)
        few = payments.with_columns(parts=parts, booked_minor=amount).filter(part < parts)
        rows.append(
            _moved(_tell(few, part, amount="booked_minor"), pl.when(pl.col("dice3") < 300).then(part // 2).otherwise(0))
        )
    every = _both(*rows)
    lost = pl.col("dice") < 200
    return _linked(_both(every.filter(~lost), _without_ids(every.filter(lost))))


def merged(payments: pl.DataFrame) -> Told:
    """One entry for a whole submission, in the ways of `_BATCHES`."""
    first = payments.with_columns(way=_way_of_batch())
    told, low = [], 0
    for high, way in _BATCHES:
        told.append(way(first.filter((pl.col("way") >= low) & (pl.col("way") < high))))
        low = high
    return Told(_both(*(item.rows for item in told)), _both(*(item.links for item in told)))


def _way_of_batch() -> pl.Expr:
    """Thousandths by turns from one submission to the next, so that a small day has every way."""
    turn = pl.col("s").rank("dense").cast(pl.Int64) % 7
    return turn.replace_strict(list(range(7)), [100, 900, 500, 650, 800, 300, 200], return_dtype=pl.Int64)


def _batch(payments: pl.DataFrame, part: int = 0) -> pl.DataFrame:
    """One row a submission: sum, count, and the ids of the batch."""
    firsts = payments.group_by("submission_id", maintain_order=True).agg(
        pl.first("n", "trouble", "credit_debit", "account", "currency", "own_currency", "bank", "execution_date", "dice",
                 "dice2", "dice3", "payment_id"),
        pl.sum("amount_minor"), batch_count=pl.len().cast(pl.Int64),
    )  # fmt: skip
    blank = [pl.lit(None, dtype=pl.String).alias(name) for name in (
        "reference", "end_to_end_id", "uetr", "counterparty_name", "counterparty_account", "remittance",
    )]  # fmt: skip
    rows = _tell(firsts.with_columns(blank), part).with_columns(additional=pl.lit("Sammelauftrag"))
    return rows.with_columns(message_id="submission_id", batch_id="submission_id")


def _of_batch(payments: pl.DataFrame, rows: pl.DataFrame, **known: bool) -> Told:
    """Each payment with the entry, or any of the entries, of its submission."""
    groups = rows.select("submission_id", "group")
    links = payments.join(groups, on="submission_id").select(
        "group", "payment_id", "trouble", detail=pl.lit(0, dtype=pl.Int64), booking=pl.lit("settlement"),
        fact=pl.col("n") * _STEPS, automatic=pl.lit(value=True), **{name: pl.lit(value) for name, value in known.items()},
    )  # fmt: skip
    return Told(rows, links)


def _named_batch(payments: pl.DataFrame) -> Told:
    return _of_batch(payments, _batch(payments))


def _detailed_batch(payments: pl.DataFrame) -> Told:
    """The entry's details are told: one row each, of one entry."""
    return _linked(_details(_tell(payments)).with_columns(message_id="submission_id", batch_id="submission_id"))


def _details(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of a submission as the details of one entry."""
    of = "submission_id"
    return rows.with_columns(
        pl.first("group", "booking_date", "value_date", "servicer_reference").over(of),
        entry_amount_minor=pl.col("amount_minor").sum().over(of),
        batch_count=pl.len().over(of).cast(pl.Int64),
        detail=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over(of),
    )


def _nameless_batch(payments: pl.DataFrame) -> Told:
    """Sum and count alone."""
    return _of_batch(payments, _batch(payments).with_columns(message_id=None, batch_id=None))


def _batch_in_two(payments: pl.DataFrame) -> Told:
    """Two entries for one submission: those to customers of the bank itself, and the rest. Which is which is not told."""
    inside = payments.filter(pl.col("dice2") < 500)
    both = _both(_batch(inside, 0), _batch(payments.join(inside, on="n", how="anti"), 1))
    return _of_batch(payments, both)


def _notified_batch(payments: pl.DataFrame) -> Told:
    """The statement books the sum under the bank's own reference; the details come in a camt.054 that carries the same."""
    rows = _batch(payments).with_columns(message_id=None, batch_id=None)
    bank = rows.select("submission_id", "servicer_reference")
    notice = _details(_tell(payments, 1)).drop("servicer_reference").join(bank, on="submission_id", how="left")
    notice = notice.with_columns(booked=False, origin=pl.lit("notification"), instruction_id="reference")
    return Told(_both(rows, notice), _of_batch(payments, rows, survives=True).links)


_BATCHES: Final[tuple[tuple[int, Callable[[pl.DataFrame], Told]], ...]] = (
    (450, _named_batch), (600, _detailed_batch), (720, _nameless_batch), (860, _batch_in_two), (1000, _notified_batch),
)  # fmt: skip


def fee(payments: pl.DataFrame) -> Told:
    """The bank's charge is in the entry: told with the amount instructed, told alone, or not told at all."""
    charge = _choice("dice2", (25, 50, 150, 500, 990))
    pays = pl.col("credit_debit") == "CRDT"
    charged = payments.with_columns(charge=charge).with_columns(
        booked_minor=pl.col("amount_minor") + pl.when(pays).then("charge").otherwise(-pl.col("charge"))
    )
    told, alone = pl.col("dice") < 500, pl.col("dice") < 750
    rows = _tell(charged, amount="booked_minor").with_columns(
        charges_minor=pl.when(alone).then("charge"),
        instructed_amount_text=pl.when(told).then(amount_text(pl.col("own_minor"), pl.col("currency"))),
        instructed_currency=pl.when(told).then("currency"),
    )
    return _linked(rows)


def fx(payments: pl.DataFrame) -> Told:
    """Booked in the account's currency: the amount instructed with the rate, or alone, or as the counter value with the rate.

    The rate is that of the account's currency for one foreign unit, or the other way round; the cent is rounded half up.
    """
    rate = pl.col("currency").replace_strict(_RATES, return_dtype=pl.Int64) + pl.col("dice2")
    inverse = pl.col("dice3") < 500
    turned = (_MILLION * _MILLION + rate // 2) // rate
    own, foreign = exponent_of(pl.col("own_currency")).cast(pl.Int64), exponent_of(pl.col("currency")).cast(pl.Int64)
    scaled = pl.col("amount_minor") * pl.when(own > foreign).then(100).otherwise(1)
    booked = pl.when(inverse).then((scaled * _MILLION + turned // 2) // turned).otherwise(
        (scaled * rate + _MILLION // 2) // _MILLION
    )  # fmt: skip
    text = pl.format("{}.{}", pl.col("rate") // _MILLION, (pl.col("rate") % _MILLION).cast(pl.String).str.zfill(6))
    known = payments.with_columns(booked_minor=booked, rate=pl.when(inverse).then(turned).otherwise(rate))
    amount, currency = amount_text(pl.col("own_minor"), pl.col("own_code")), pl.col("own_code")
    counter, rated = pl.col("dice") >= 800, (pl.col("dice") < 600) | (pl.col("dice") >= 800)
    rows = _tell(known.with_columns(own_code="currency", currency="own_currency"), amount="booked_minor").with_columns(
        instructed_amount_text=pl.when(~counter).then(amount), instructed_currency=pl.when(~counter).then(currency),
        counter_amount_text=pl.when(counter).then(amount), counter_currency=pl.when(counter).then(currency),
        exchange_rate_text=pl.when(rated).then(text),
    )  # fmt: skip
    return _linked(rows)


def duplicate(payments: pl.DataFrame) -> Told:
    """Told twice: the same statement read again, or the entry again in a later one. Booked twice: on one day, or on two.

    Booked twice on one day, nothing says which is the mistake: a person must. On two days, it is the second.
    """
    dice, once = pl.col("dice"), pl.col("n") * _STEPS
    undecided = (dice >= 600) & (dice < 800)
    rows = _tell(payments).with_columns(automatic=~undecided, read_twice=dice < 300)
    told_again = _tell(payments.filter((dice >= 300) & (dice < 600)), 1).with_columns(
        servicer_reference=_bank_reference(once),
        again=True,
        fact=once,
        booking_date=pl.col("booking_date") + pl.duration(days=1),
    )
    days = pl.when(undecided).then(0).otherwise(1)
    booked_again = _moved(_tell(payments.filter(dice >= 600), 2), days).with_columns(automatic=False)
    return _linked(_both(rows, told_again, booked_again))


def late_return(payments: pl.DataFrame) -> Told:
    """Settled, and back after two to five days: with RtrInf, by its transaction code alone, less charges, or without ids."""
    dice = pl.col("dice")
    coded = (dice >= 450) & (dice < 600)
    pays = pl.col("own_direction") == "CRDT"
    back = _back(payments, 1, 2 + pl.col("dice2") % 4).with_columns(
        return_reason=pl.when(~coded).then(_choice("dice2", _REASONS)),
        return_text=pl.when((dice >= 600) & (dice < 800)).then(pl.lit("Account closed")),
        original_code=pl.when(coded)
        .then(None)
        .when(pays)
        .then(pl.lit("PMNT/ICDT/ESCT"))
        .otherwise(pl.lit("PMNT/IDDT/ESDD")),
        sub_family=pl.when(pays).then(pl.lit("RRTN")).otherwise(pl.lit("UPDD")),
    )
    less = (dice >= 800) & (dice < 900) & (pl.col("own_direction") == "CRDT") & (pl.col("amount_minor") > 400)
    charged = back.with_columns(
        amount_minor=pl.col("amount_minor") - pl.when(less).then(300).otherwise(0),
        charges_minor=pl.when(less).then(300),
        instructed_amount_text=pl.when(less).then(amount_text(pl.col("own_minor"), pl.col("currency"))),
        instructed_currency=pl.when(less).then("currency"),
    ).with_columns(entry_amount_minor="amount_minor")  # fmt: skip
    lost = dice >= 900
    return _linked(_both(_tell(payments), charged.filter(~lost), _without_ids(charged.filter(lost))))


def reversal(payments: pl.DataFrame) -> Told:
    """Booked and taken back (RvslInd): one by one, one by one and booked again, or a whole submission at once."""
    first = payments.with_columns(way=_way_of_batch())
    whole, single = first.filter(pl.col("way") < 250), first.filter(pl.col("way") >= 250)
    back = _back(single, 1, pl.lit(1)).with_columns(reversal=True)
    again = _moved(_tell(single.filter(pl.col("dice2") < 250), 2), pl.lit(1))
    one_by_one = _linked(_both(_tell(single), back, again))
    booked = _of_batch(whole, _batch(whole))
    taken = _moved(_batch(whole, 1), pl.lit(1)).with_columns(reversal=True, credit_debit=_turned())
    taken_back = _of_batch(whole, taken)
    links = taken_back.links.with_columns(booking=pl.lit("return"), fact=pl.col("fact") + 1)
    survives = pl.lit(value=True)
    return Told(
        _both(one_by_one.rows, booked.rows, taken_back.rows),
        _both(one_by_one.links, booked.links.with_columns(survives=survives), links.with_columns(survives=survives)),
    )


def back_dated(payments: pl.DataFrame) -> Told:
    """Booked two or three days late, valued up to five days before it was executed."""
    late, early = 2 + pl.col("dice") % 2, 1 + pl.col("dice2") % 5
    rows = _moved(_tell(payments), late)
    return _linked(rows.with_columns(value_date=pl.col("execution_date") - pl.duration(days=early)))


def wrong_currency(payments: pl.DataFrame) -> Told:
    """The amount as instructed, in another currency, with no rate and no other amount: a mistake that a person must look at."""
    other = pl.when(pl.col("own_currency") == "EUR").then(pl.lit("USD")).otherwise(pl.lit("EUR"))
    return _linked(_tell(payments).with_columns(currency=other, automatic=False))


def twins(payments: pl.DataFrame) -> Told:
    """Two equal payments of one day: ids on both, on neither, on one, or the client's id alike and ours there or gone.

    Of some without ids only one is booked yet. Where the bank tells nothing that differs, nobody can say which entry is which payment's.
    """
    dice = pl.col("dice")
    rows = _tell(payments).with_columns(instruction_id=pl.when((dice < 400) | (dice >= 850)).then("reference"))
    told, neither, one = dice < 400, (dice >= 400) & (dice < 600), (dice >= 600) & (dice < 700)
    first = pl.col("fact") == pl.col("pair") * _STEPS
    without = _without_ids(rows.filter((neither & (first | (dice < 520))) | (one & ~first)))
    rest = rows.filter(told | (one & first) | (dice >= 700)).with_columns(
        end_to_end_id="own_id", batch_id=None, message_id=None, uetr=None, remittance=None, additional=None
    )
    by_one = rest.with_columns(instruction_id=pl.when(one).then("reference").otherwise("instruction_id"))
    alike = (neither | ((dice >= 700) & (dice < 850))) & pl.col("pair").is_not_null()
    return _linked(_both(by_one, without).with_columns(automatic=~alike))


def noise(payments: pl.DataFrame, count: int, seed: int) -> Told:
    """Nobody's: charges, cards, strangers' transfers of the same amounts, refunds that quote a payment of ours.

    And what the account's owner pays by other ways to the creditor, and of the amount, of a payment that is still to be booked.
    """
    some = payments.sample(count, seed=seed, with_replacement=True, shuffle=True)
    unbooked = payments.filter(pl.col("trouble") == "unbooked")
    same = unbooked.sample(count // 5, seed=seed, with_replacement=True) if unbooked.height else unbooked
    both = pl.concat([some.head(count - same.height), same])
    numbered = both.with_columns(
        n=payments.height + pl.int_range(count), way=pl.int_range(count) % 5, known=pl.int_range(count) >= count - same.height,
        trouble=pl.lit("noise"), quoted="reference",
    )  # fmt: skip
    rows = _without_ids(_tell(numbered.with_columns(currency="own_currency"))).with_columns(additional=None)
    way, known = pl.col("way"), pl.col("known")
    own = rows.filter(known).with_columns(
        end_to_end_id=pl.format("TREASURY-{}", "group"), remittance=pl.lit("Paid by our treasury")
    )
    strange = rows.filter(~known).with_columns(
        counterparty_name=pl.lit("Stranger ") + pl.col("counterparty_name").str.slice(0, 6),
        counterparty_account=pl.lit("FR") + pl.col("counterparty_account").str.slice(2),
        end_to_end_id=pl.when(way == 1).then(pl.format("POS-{}", "group")),
        sub_family=pl.when(way == 0).then(pl.lit("CHRG")).when(way == 1).then(pl.lit("POSD")).otherwise("sub_family"),
        remittance=pl.when(way == 4).then(pl.format("Refund of your payment {}, thank you", "quoted"))
        .otherwise(pl.lit("Standing order")),
        credit_debit=pl.when(way == 4).then(_turned()).otherwise("credit_debit"),
    )  # fmt: skip
    every = _both(own, strange)
    return Told(every, every.select(_LINK).clear())


TROUBLES: Final[dict[str, Callable[[pl.DataFrame], Told]]] = {
    item.__name__: item
    for item in (
        clean, lost_reference, truncated_name, split, merged, fee, fx, duplicate, late_return, reversal, back_dated,
        wrong_currency, twins,
    )
}  # fmt: skip


def _tell(payments: pl.DataFrame, step: int = 0, amount: str = "amount_minor") -> pl.DataFrame:
    """One entry a payment as its bank tells it, with the payment's own columns that the troubles look at."""
    bank, group = pl.col("bank"), pl.col("n") * _STEPS + step
    full, ids, mt = (bank == name for name in ("full", "ids", "mt"))
    words = pl.format("PAYMENT REF {} TO {}", "reference", "counterparty_name")
    later = pl.when(pl.col("dice3") % 10 < 3).then(1).otherwise(0)
    pays = pl.col("credit_debit") == "CRDT"
    return payments.with_columns(
        group=group, detail=pl.lit(0, dtype=pl.Int64), again=pl.lit(value=False), read_twice=pl.lit(value=False), own_id="end_to_end_id",
        own_minor="amount_minor", own_direction="credit_debit",
        amount_minor=amount, entry_amount_minor=amount, credit_debit=_turned(), reversal=pl.lit(value=False),
        booked=pl.lit(value=True), origin=pl.lit("statement"), status=pl.lit("BOOK"),
        booking_date=pl.col("execution_date") + pl.duration(days=later), value_date="execution_date",
        servicer_reference=_bank_reference(group),
        message_id=pl.when(full).then("submission_id"), batch_id=pl.when(full).then("submission_id"),
        instruction_id=pl.when(full | mt).then("reference"),
        end_to_end_id=pl.when(full | ids | mt).then("end_to_end_id"), uetr=pl.when(full).then("uetr"),
        domain=pl.lit("PMNT"), family=pl.when(pays).then(pl.lit("ICDT")).otherwise(pl.lit("IDDT")),
        sub_family=pl.when(pays).then(pl.lit("ESCT")).otherwise(pl.lit("ESDD")),
        additional=pl.when(bank == "text").then(words),
        booking=pl.lit("settlement"), fact=group, automatic=pl.lit(value=True),
    )  # fmt: skip


def _back(payments: pl.DataFrame, step: int, days: pl.Expr) -> pl.DataFrame:
    """The entry that gives a payment's money back, so many days after."""
    rows = _moved(_tell(payments, step), days.cast(pl.Int64))
    return rows.with_columns(credit_debit=_turned(), booking=pl.lit("return"))


def _moved(rows: pl.DataFrame, days: pl.Expr) -> pl.DataFrame:
    """Booked and valued so many days later."""
    later = pl.duration(days=days)
    return rows.with_columns(booking_date=pl.col("booking_date") + later, value_date=pl.col("value_date") + later)


def _choice(dice: str, values: tuple[Any, ...]) -> pl.Expr:
    places = list(range(len(values)))
    return (pl.col(dice) % len(values)).replace_strict(places, list(values), return_dtype=pl.Series(values).dtype)


def _turned() -> pl.Expr:
    return pl.when(pl.col("credit_debit") == "CRDT").then(pl.lit("DBIT")).otherwise(pl.lit("CRDT"))


def _bank_reference(group: pl.Expr) -> pl.Expr:
    return pl.format("BANK{}", group.cast(pl.String).str.zfill(12))


def _without_ids(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in (*_IDS, "additional"))


def _both(*frames: pl.DataFrame) -> pl.DataFrame:
    return pl.concat(frames, how="diagonal_relaxed")


def _linked(rows: pl.DataFrame) -> Told:
    """Rows of which each books the payment it was made of."""
    return Told(rows, rows.select(_LINK))

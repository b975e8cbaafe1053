"""Which rail takes a payment, and why no other did: pure expressions over the candidates.

Of the rails that can take a payment, one without trouble goes before one with, one that meets the date before one that
misses it (unless the client prefers the cheapest), then the cheapest, then by name. Of every payment it is kept, as one
number, why each rail was taken or lost.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from canonical.ahead import ahead
from canonical.plugins import lookup
from canonical.profiles import ClientProfile, Plugin, ProviderProfile
from gateway.planning.candidates import DEARER, FITS, FORMAT, FULL, LATE, TROUBLE, Candidate, code, traits

NO_RAIL: Final = "No provider's rail takes this payment (currency, country, account, amount, direction)"
_CODES_A_WORD: Final = 15
"""Reason codes of four bits that one Int64 holds."""
_ASKED: Final = ("requested_execution_date", "sequence_type")
Way = tuple[str, str]
"""Provider and rail."""
_DATES: Final[dict[str, Any]] = {
    "execution_date": pl.Date, "due_at": pl.Datetime("us", "UTC"), "cut_off_at": pl.Datetime("us", "UTC"), "late": pl.Boolean,
}  # fmt: skip


@dataclass(slots=True)
class Planner:
    """Routes the parts of one file, in order: what is left of a window's capacity and the words it used run through it.

    `choices`: candidate (-1: none) and the reason code of every candidate. `notes`: what clients are told.
    """

    options: list[Candidate]
    client: ClientProfile
    choices: dict[tuple[int, ...], int] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    taken: dict[Way, tuple[int, int]] = field(default_factory=dict)

    def choose(self, payments: pl.DataFrame) -> pl.DataFrame:
        """PAYMENTS with the planner's word on each.

        `candidate`: index of the rail, null where none takes it; `placed`: it goes out with the open window;
        `execution_date`; `due_at`: when it is to be looked at again, null where nobody knows; `choice`, `note`.
        """
        return self._decided(self._coded(payments))

    def choose_each(self, windows: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """`choose` of windows in the order of the file; what does not hang on those before is looked at ahead."""
        return map(self._decided, ahead(map(self._coded, windows)))

    def _coded(self, payments: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """PAYMENTS with what each candidate says of them, and the dates it would execute what is asked for."""
        asked = payments.select(_ASKED).unique(maintain_order=True).with_row_index("asked")
        dates = _dates(asked, self.options)
        return _coded(_with_number(payments, asked), self.options, self.client.client_id, dates), dates

    def _decided(self, coded: tuple[pl.DataFrame, pl.DataFrame]) -> pl.DataFrame:
        whole, dates = coded
        chosen = self._within_capacity(whole)
        place = pl.col("candidate") * (dates.height // max(1, len(self.options))) + pl.col("asked")
        dated = chosen.with_columns(
            pl.lit(dates[name]).gather(place).alias(name) for name in ("execution_date", "due_at", "cut_off_at")
        )
        placed = pl.col("candidate").is_not_null() & pl.col("due_at").is_null()
        found = dated.with_columns(placed=placed).with_columns(due_at=self._due())
        return self._noted(self._chosen(found))

    def _within_capacity(self, whole: pl.DataFrame) -> pl.DataFrame:
        """The best candidate of each payment; what is over a window's capacity goes to the next best."""
        while True:
            chosen = _best(whole, self.options, self.client)
            going = self._going(chosen)
            over = self._over(chosen, going)
            if not over:
                self.taken |= going
                return chosen
            whole = whole.with_columns(
                pl.when(over[option.way]).then(pl.lit(FULL, dtype=pl.UInt8)).otherwise(f"code_{n}").alias(f"code_{n}")
                for n, option in enumerate(self.options)
                if option.way in over
            )

    def _over(self, chosen: pl.DataFrame, going: Mapping[Way, tuple[int, int]]) -> dict[Way, pl.Series]:
        """Which payments are over what is left of a window, by provider and rail: those behind the last that fits."""
        found = {}
        for way, option in self._limited().items():
            payments, minor = option.payments_left, option.minor_left
            if (payments is None or going[way][0] <= payments) and (minor is None or going[way][1] <= minor):
                continue
            used, used_minor = self.taken.get(way, (0, 0))
            here, value = pl.col("here"), pl.when("here").then("amount_minor").otherwise(0)
            over = pl.lit(value=False)
            if payments is not None:
                over |= here.cast(pl.Int64).cum_sum() > payments - used
            if minor is not None:
                over |= value.cum_sum() > minor - used_minor
            found[way] = chosen.select(self._now(way).alias("here"), "amount_minor").select(here & over).to_series()
        return found

    def _going(self, chosen: pl.DataFrame) -> dict[Way, tuple[int, int]]:
        """Payments and minor units that a window has, by provider and rail, once these are among them."""
        ways = list(self._limited())
        now = {f"now_{n}": self._now(way) for n, way in enumerate(ways)}
        sums = (
            part
            for name in now
            for part in (pl.col(name).sum(), pl.col("amount_minor").filter(name).sum().alias(f"minor_{name}"))
        )
        (found,) = chosen.select("amount_minor", **now).select(sums).rows() if ways else ((),)
        before = [self.taken.get(way, (0, 0)) for way in ways]
        return {
            way: (used + found[2 * n], used_minor + found[2 * n + 1])
            for n, (way, (used, used_minor)) in enumerate(zip(ways, before, strict=True))
        }

    def _limited(self) -> dict[Way, Candidate]:
        """A candidate of each provider and rail whose windows take only so much."""
        limited = (
            option for option in self.options if option.payments_left is not None or option.minor_left is not None
        )
        return {option.way: option for option in limited}

    def _now(self, way: Way) -> pl.Expr:
        """True for payments that go out now by this provider and rail."""
        numbers = [n for n, other in enumerate(self.options) if other.way == way]
        now = pl.any_horizontal((pl.col("candidate") == n) & ~pl.col(f"later_{n}") for n in numbers)
        return now.fill_null(value=False)

    def _due(self) -> pl.Expr:
        """Where a rail is full now, the payment is looked at again when its next window is open."""
        closing = [
            pl.when(pl.col(f"code_{n}") == FULL).then(pl.lit(option.window.cut_off_at).cast(pl.Datetime("us", "UTC")))
            for n, option in enumerate(self.options)
        ]
        nothing = pl.lit(None, dtype=pl.Datetime("us", "UTC"))
        again = pl.min_horizontal(*closing, nothing)
        return pl.when(pl.col("candidate").is_null()).then(again).otherwise("due_at")

    def _chosen(self, found: pl.DataFrame) -> pl.DataFrame:
        """Add `choice`: the number of the payment's pattern of reason codes."""
        words = _packed(len(self.options))
        packed = found.with_columns(*words)
        keys = [word.meta.output_name() for word in words]
        codes = [f"code_{n}" for n in range(len(self.options))]
        patterns = packed.select("candidate", *keys, *codes).unique(keys, maintain_order=True)
        numbers = [
            self.choices.setdefault((-1 if row["candidate"] is None else row["candidate"], *(row[name] for name in codes)),
                                    len(self.choices))
            for row in patterns.iter_rows(named=True)
        ]  # fmt: skip
        if len(numbers) == 1:
            return packed.with_columns(choice=pl.lit(numbers[0], dtype=pl.Int64)).drop(keys)
        numbered = patterns.select(*keys, choice=pl.Series(numbers, dtype=pl.Int64))
        return packed.join(numbered, on=keys, how="left", maintain_order="left").drop(keys)

    def _noted(self, found: pl.DataFrame) -> pl.DataFrame:
        """Add `note`: the number of what the client is told, null where there is nothing to tell."""
        unfit = [name for name in found.columns if name.startswith("unfit_")]
        on_time = pl.col("placed") & pl.col("execution_date").eq_missing(
            pl.coalesce("requested_execution_date", "execution_date")
        )
        keys = ["candidate", "placed", "requested_execution_date", "execution_date", "due_at", "cut_off_at", *unfit]
        telling = found.filter(~on_time)
        if telling.is_empty():
            return found.with_columns(note=pl.lit(None, dtype=pl.Int64)).drop(unfit)
        told = telling.unique(keys, maintain_order=True).select(keys)
        numbers = [self._note(row, unfit) for row in told.iter_rows(named=True)]
        noted = told.with_columns(note=pl.Series(numbers, dtype=pl.Int64))
        joined = found.join(noted, on=keys, how="left", nulls_equal=True, maintain_order="left")
        return joined.with_columns(note=pl.when(on_time).then(None).otherwise("note")).drop(unfit)

    def _note(self, row: dict[str, Any], unfit: list[str]) -> int:
        closes = f"{row['cut_off_at']:%Y-%m-%d %H:%M} UTC" if row["cut_off_at"] else ""
        if row["placed"]:
            text = f"Planned for {row['execution_date']}, not {row['requested_execution_date']}: its window closes {closes}."
        elif row["candidate"] is not None:
            text = f"Kept for {row['execution_date']}: it goes out with the window that closes {closes}."
        elif row["due_at"] is not None:
            text = f"The capacity of this window is used up; it is planned for the next one, after {row['due_at']:%Y-%m-%d %H:%M} UTC."
        else:
            text = "; ".join([NO_RAIL, *(row[name] for name in unfit if row[name] is not None)])
        return self.notes.setdefault(text, len(self.notes))


def _with_number(payments: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """PAYMENTS with `asked`: the number of the date and sequence type asked for."""
    if asked.height == 1:
        return payments.with_columns(asked=pl.lit(0, dtype=pl.UInt32))
    return payments.join(asked, on=list(_ASKED), how="left", nulls_equal=True, maintain_order="left")


def _dates(asked: pl.DataFrame, options: list[Candidate]) -> pl.DataFrame:
    """When each candidate would execute what is asked for: one row a candidate and what is asked, in this order."""
    rows = []
    for option in options:
        for _, requested, sequence_type in asked.iter_rows():
            found = option.dates(requested, sequence_type)
            rows.append((found.execution_date, found.due_at, found.window.cut_off_at, found.late))
    return pl.DataFrame(rows, schema=_DATES, orient="row")


def _coded(payments: pl.DataFrame, options: list[Candidate], client_id: str, dates: pl.DataFrame) -> pl.DataFrame:
    """PAYMENTS with code_n, late_n, later_n of every candidate, and why each provider's format cannot carry it."""
    providers = {option.provider.provider_id: option.provider for option in options}
    exports = {_unfit(provider): provider.export for provider in providers.values()}
    height = dates.height // max(1, len(options))
    columns: list[pl.Expr | pl.Series] = [_carried(payments, export).alias(name) for name, export in exports.items()]
    for number in range(len(options)):
        here = dates.slice(number * height, height)
        columns += [
            pl.lit(here["late"]).gather(pl.col("asked")).alias(f"late_{number}"),
            pl.lit(here["due_at"].is_not_null()).gather(pl.col("asked")).alias(f"later_{number}"),
        ]
    whole = payments.with_columns(*columns, *traits())
    coded = whole.with_columns(code(option, client_id).alias(f"code_{n}") for n, option in enumerate(options))
    unfit = [(f"code_{n}", _unfit(option.provider)) for n, option in enumerate(options)]
    return coded.with_columns(
        pl.when((pl.col(told) == FITS) & pl.col(why).is_not_null())
        .then(pl.lit(FORMAT, dtype=pl.UInt8))
        .otherwise(told)
        .alias(told)
        for told, why in unfit
        if coded[why].null_count() < coded.height
    )


def _best(whole: pl.DataFrame, options: list[Candidate], client: ClientProfile) -> pl.DataFrame:
    """Add `candidate`, and to the codes why those that could have taken the payment were not as good."""
    count = len(options)
    if not count:
        return whole.with_columns(pl.lit(None, dtype=pl.Int64).alias("candidate"))
    on_time = client.prefer == "on_time"
    penalties = [
        2 * int(bool(option.trouble)) + (pl.col(f"late_{n}").cast(pl.Int64) if on_time else pl.lit(0, dtype=pl.Int64))
        for n, option in enumerate(options)
    ]
    scores = [f"score_{n}" for n in range(count)]
    able = [(pl.col(f"code_{n}") == FITS) | (pl.col(f"code_{n}") > FULL) for n in range(count)]
    scored = whole.with_columns(
        pl.when(able[n]).then(penalties[n] * count + n).alias(score) for n, score in enumerate(scores)
    )
    # In steps, not as one expression: each would be computed anew wherever the next names it.
    found = scored.with_columns(best=pl.min_horizontal(scores))
    best = pl.col("best")
    codes = [
        pl.when(pl.col(score).is_null()).then(f"code_{n}")
        .when(pl.col(score) == best).then(pl.lit(FITS, dtype=pl.UInt8))
        .when(penalties[n] // 2 > best // count // 2).then(pl.lit(TROUBLE, dtype=pl.UInt8))
        .when(penalties[n] > best // count).then(pl.lit(LATE, dtype=pl.UInt8))
        .otherwise(pl.lit(DEARER, dtype=pl.UInt8)).alias(f"code_{n}")
        for n, score in enumerate(scores)
    ]  # fmt: skip
    return found.with_columns((best % count).cast(pl.Int64).alias("candidate"), *codes).drop("best", scores)


def _packed(count: int) -> list[pl.Expr]:
    """The codes of all candidates as a few Int64; one that says nothing where there is none."""
    if not count:
        return [pl.lit(0, dtype=pl.Int64).alias("word_0")]
    numbers = range(count)
    return [
        pl.sum_horizontal(pl.col(f"code_{n}").cast(pl.Int64) * 16 ** (n - first) for n in numbers[first : first + _CODES_A_WORD])
        .alias(f"word_{first}")
        for first in range(0, count, _CODES_A_WORD)
    ]  # fmt: skip


def _unfit(provider: ProviderProfile) -> str:
    """Column of why a provider's format cannot carry a payment; the same for those with one format and the same options."""
    return f"unfit_{provider.export.model_dump_json()}"


def _carried(payments: pl.DataFrame, plugin: Plugin) -> pl.Series:
    """Why a payment cannot be written in a provider's format, null where it can."""
    export = lookup("exporters", "EXPORT", plugin.name)
    found = export.unfit(payments, export.options.model_validate(plugin.options))
    if found.is_empty():
        return pl.Series("why", [None], dtype=pl.String).new_from_index(0, payments.height)
    why = pl.format("{}: {}", pl.lit(plugin.name), pl.col("message").str.join(" ")).alias("why")
    told = found.group_by("row").agg(why)
    return payments.select("row").join(told, on="row", how="left", maintain_order="left")["why"]


def earliest(due: pl.Series) -> dt.datetime | None:
    """The earliest moment of a column, None where there is none."""
    found = due.min()
    assert found is None or isinstance(found, dt.datetime)
    return found

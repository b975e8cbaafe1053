"""Entries of a camt.052, camt.053 or camt.054 as rows: one a transaction detail where the details add up to the entry, else one the entry.

Raw texts are gathered entry by entry and turned into columns some ten thousand entries at a time.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from canonical.codes import CreditDebit
from canonical.frames import ENTRIES, dtypes
from canonical.identifying import identifies
from canonical.limits import ENTRY_MINOR_MAX
from canonical.money import amount_minor, beyond_a_sum, parse_minor
from parsers._feedback_camt_paths import DETAIL, ENTRY
from parsers._feedback_entry_findings import entry_findings
from parsers._feedback_shapes import Record
from parsers._iso_tags import Ints

CHUNK_ENTRIES: Final = 20_000
KEYS: Final = ("statement", "position")
_BATCH: Final = ("batch_message_id", "batch_batch_id", "batch_count")


_ORDER_ONLY: Final = {"batch_total"}
"""Read for the order of their neighbours; no column holds them."""


def _texts(shape_fields: tuple[tuple[str, Any], ...]) -> list[str]:
    keys = dict.fromkeys(what for _, what in shape_fields if isinstance(what, str) and what not in _ORDER_ONLY)
    amounts = ("amount", "instructed", "transaction", "counter")
    return [*keys, *(f"{key}_currency" for key in amounts if key in keys)]


ENTRY_TEXTS: Final = (*_texts(ENTRY.fields), *_BATCH)
DETAIL_TEXTS: Final = (*_texts(DETAIL.fields), *_BATCH)
_PLACE: Final = {"statement": pl.Int64, "position": pl.Int64}
ENTRY_SCHEMA: Final[dict[str, Any]] = {
    **_PLACE, "line": pl.Int64, "charges_minor": pl.Int64, **dict.fromkeys(ENTRY_TEXTS, pl.String),
}  # fmt: skip
DETAIL_SCHEMA: Final[dict[str, Any]] = {
    **_PLACE, "detail": pl.Int64, "charges_minor": pl.Int64, **dict.fromkeys(DETAIL_TEXTS, pl.String),
}  # fmt: skip
_DIRECTIONS: Final = [item.value for item in CreditDebit]


class EntryRows:
    """Gathers Ntry records. `rows()` gives an internal frame: ENTRIES columns without the statement's own.

    Beside them stand `statement` (ordinal), `line`, `own_account` is joined later, and `entry_direction`.
    """

    def __init__(self) -> None:
        self._frames: list[pl.DataFrame] = []
        self.findings: list[pl.DataFrame] = []
        self._entries: list[dict[str, Any]] = []
        self._details: list[dict[str, Any]] = []
        self._positions: dict[int, int] = {}

    def add(self, record: Record) -> None:
        """One more Ntry, in file order."""
        statement = record.parent.ordinal if record.parent else 0
        position = self._positions[statement] = self._positions.get(statement, 0) + 1
        place = {"statement": statement, "position": position}
        currency = record.values.get("amount_currency", "")
        groups = record.children.get("NtryDtls", [])
        batches = [group.values for group in (groups or record.children.get("Btch", []))]
        told = [batch for batch in batches if any(key in batch for key in _BATCH)]
        details = [(detail, group.values) for group in groups for detail in group.children.get("TxDtls", [])]
        details += [(detail, told[0] if len(told) == 1 else {}) for detail in record.children.get("TxDtls", [])]
        self._entries.append(
            {**record.values, **_batch(told[0] if len(told) == 1 else {}), **place, "line": record.line,
             "charges_minor": _charges(record, currency)}
        )  # fmt: skip
        for number, (detail, batch) in enumerate(details, start=1):
            self._details.append(
                {**detail.values, **_batch(batch), **place, "detail": number,
                 "charges_minor": _charges(detail, currency)}
            )  # fmt: skip
        if len(self._entries) + len(self._details) >= CHUNK_ENTRIES:
            self.settle()

    @staticmethod
    def nothing() -> pl.DataFrame:
        """The frame of no entries."""
        return rows_of(_frame([], ENTRY_SCHEMA), _frame([], DETAIL_SCHEMA)).drop("misfit")

    def take(self, statement: int, count: int) -> int:
        """Entries that another reader read: position of the first one."""
        first = self._positions.get(statement, 0) + 1
        self._positions[statement] = first + count - 1
        return first

    def settle(self, rows: pl.DataFrame | None = None) -> None:
        """Put what was gathered, and the rows of other entries between them, behind what was settled before."""
        parts = [] if rows is None else [rows]
        if self._entries:
            parts.append(rows_of(_frame(self._entries, ENTRY_SCHEMA), _frame(self._details, DETAIL_SCHEMA)))
            self._entries, self._details = [], []
        if not parts:
            return
        whole = parts[0] if len(parts) == 1 else pl.concat(parts).sort("statement", "position", "detail")
        self._frames.append(whole.drop("misfit"))
        self.findings.append(entry_findings(whole))

    def raw(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """What was gathered since it was settled: texts of entries and of their details."""
        return self._entries, self._details

    def rows(self) -> pl.DataFrame:
        """All rows, in the order of the file."""
        self.settle()
        return pl.concat(self._frames) if self._frames else self.nothing()


def _batch(said: dict[str, str]) -> dict[str, str]:
    return {key: said[key] for key in _BATCH if key in said}


def _frame(rows: list[dict[str, Any]], schema: dict[str, Any]) -> pl.DataFrame:
    return pl.from_dicts(rows, schema=schema) if rows else pl.DataFrame(schema=schema)


def _charges(record: Record, currency: str) -> int | None:
    """Charges less what was credited back, minor units of `currency`; None where there are none that can be counted."""
    total = 0
    found = False
    for charge in record.children.get("Chrgs", []):
        if "total" in charge.values:
            parts = [(charge.values["total"], charge.values.get("total_currency"), charge.values.get("direction"))]
        else:
            items = charge.children.get("Rcrd", []) or [charge]
            parts = [
                (i.values.get("amount", ""), i.values.get("amount_currency"), i.values.get("direction")) for i in items
            ]
        for text, of, direction in parts:
            minor = parse_minor(text, currency, ENTRY_MINOR_MAX) if of == currency else None
            if minor is not None:
                found = True
                total += -minor if direction == CreditDebit.CRDT else minor
    return total if found and 0 <= total <= ENTRY_MINOR_MAX else None


# ---------------------------------------------------------------------------------------------- columns


def rows_of(entries: pl.DataFrame, details: pl.DataFrame) -> pl.DataFrame:
    """Rows of raw texts: frames of ENTRY_SCHEMA and DETAIL_SCHEMA, both in file order."""
    entry = entries.with_columns(
        amount_minor(pl.col("amount"), pl.col("amount_currency"), ENTRY_MINOR_MAX).alias("entry_amount_minor"),
        pl.when(pl.col("direction").is_in(_DIRECTIONS)).then("direction").alias("entry_direction"),
    )
    places = entry.select(*KEYS, owner=pl.int_range(pl.len(), dtype=pl.Int64))
    owner = details.select(KEYS).join(places, on=KEYS, how="left", maintain_order="left")["owner"]
    detail = _detail_amounts(details, entry.select("amount_currency", "entry_direction"), owner)
    judged = entry.with_columns(_sums(detail, owner.to_numpy(), entry.height))
    adds_up = (pl.col("silent") == 0) & (pl.col("detail_sum") == pl.col("entry_amount_minor"))
    alone = (pl.col("details") == 1) & (adds_up | (pl.col("silent") == 1))
    is_batch = _count(pl.col("batch_count")).fill_null(1) > 1
    several = (pl.col("details") > 1) & adds_up
    # Booked is what is left of a credit, and of a debit what it costs: the charges are the difference.
    gap = pl.col("detail_sum") - pl.col("entry_amount_minor")
    gap = pl.when(pl.col("entry_direction") == CreditDebit.CRDT.value).then(gap).otherwise(-gap)
    charged = (
        (pl.col("silent") == 0) & (gap != 0) & ((gap == pl.col("charges_minor")) | (gap == pl.col("detail_charges")))
    )
    judged = judged.with_columns(
        split=(several | (alone & ~is_batch)).fill_null(value=False),
        misfit=((pl.col("details") > 0) & ~several & ~alone & ~charged.fill_null(value=False)).fill_null(value=True),
    )
    # A lone detail tells of its entry whether it stands for all of it or not; of several, only if they add up.
    speaks = judged.select(pl.col("split") | (pl.col("details") == 1)).to_series().to_numpy()
    return _joined(judged, detail.drop(KEYS), owner.to_numpy(), speaks).select(_columns())


def _sums(detail: pl.DataFrame, owner: Ints, entries: int) -> list[pl.Series]:
    """Of the details of each entry: how many, how many of them without an amount, the sum of the others, and of charges."""
    counts = np.bincount(owner, minlength=entries)
    silent = np.bincount(owner[detail["detail_minor"].is_null().to_numpy()], minlength=entries)
    if beyond_a_sum(detail["signed"]):
        # Nothing that could wrap is summed: such details are as good as none.
        detail, silent = detail.with_columns(signed=pl.lit(0, dtype=pl.Int64)), counts
    total = np.zeros(entries, np.int64)
    np.add.at(total, owner, detail["signed"].fill_null(0).to_numpy())
    charges = np.zeros(entries, np.int64)
    np.add.at(charges, owner, detail["charges_minor"].fill_null(0).to_numpy())
    columns = {"details": counts, "silent": silent, "detail_sum": total, "detail_charges": charges}
    return [pl.Series(name, values, dtype=pl.Int64) for name, values in columns.items()]


def _joined(judged: pl.DataFrame, detail: pl.DataFrame, owner: Ints, speaks: npt.NDArray[np.bool_]) -> pl.DataFrame:
    """The entries, once for each detail that speaks of them or once; what details call as entries do gets `_of_detail`."""
    kept = np.flatnonzero(speaks[owner])
    rows = np.bincount(owner[kept], minlength=judged.height)
    several = np.maximum(rows, 1)
    named = detail.rename({name: f"{name}_of_detail" for name in detail.columns if name in judged.columns})
    ordinals = np.full(several.sum(), -1, np.int64)
    ordinals[np.repeat(rows > 0, several)] = kept
    whole = judged if (several == 1).all() else judged[np.repeat(np.arange(judged.height), several)]
    places = pl.Series(ordinals).replace(-1, None)
    return whole.hstack(named.select(pl.all().gather(places)).get_columns())


def _detail_amounts(details: pl.DataFrame, of_entries: pl.DataFrame, owner: pl.Series) -> pl.DataFrame:
    """Details with `detail_minor` in the entry's currency, and `signed`: negative where they run against the entry."""
    currency, side = (column.gather(owner) for column in of_entries.get_columns())
    known = details.with_columns(currency.alias("entry_currency"), side.alias("entry_direction"))
    minor = pl.Series([None], dtype=pl.Int64).new_from_index(0, details.height)
    for name in ("amount", "transaction", "instructed"):
        if minor.null_count() and known[name].null_count() < known.height:
            in_currency = pl.when(pl.col(f"{name}_currency") == pl.col("entry_currency"))
            own = known.select(
                in_currency.then(amount_minor(pl.col(name), pl.col("entry_currency"), ENTRY_MINOR_MAX))
            ).to_series()
            minor = minor.zip_with(minor.is_not_null(), own)
    direction = pl.when(pl.col("direction").is_in(_DIRECTIONS)).then("direction").otherwise("entry_direction")
    same = direction == pl.col("entry_direction")
    return known.with_columns(minor.alias("detail_minor"), detail_direction=direction).with_columns(
        signed=pl.when(same).then("detail_minor").otherwise(-pl.col("detail_minor"))
    ).drop("entry_direction", "entry_currency")  # fmt: skip


def _columns() -> list[pl.Expr]:
    split = pl.col("split")
    own = pl.col("detail_direction").fill_null(pl.col("entry_direction"))
    whole = ~split | (pl.col("details") == 1)
    plain = (
        "instruction_id", "uetr", "transaction_id", "mandate_id", "clearing_reference", "remittance", "return_reason",
        "return_text", "entry_reference", "status",
    )  # fmt: skip
    either = ("servicer_reference", "domain", "family", "sub_family", "proprietary", "additional")
    # What the entry says of its amount holds of its only detail, not of one of several.
    of_amount = {
        "instructed": "instructed_amount_text", "instructed_currency": "instructed_currency", "counter": "counter_amount_text",
        "counter_currency": "counter_currency", "rate": "exchange_rate_text", "charges_minor": "charges_minor",
    }  # fmt: skip
    original = pl.concat_str(
        *(f"original_{name}" for name in ("domain", "family", "sub_family")), separator="/", ignore_nulls=True
    )
    return [
        *(pl.col(name) for name in ("statement", "position", "line", "entry_direction", "entry_amount_minor", "misfit")),
        pl.col("details", "detail_sum", "silent"), _count(pl.col("batch_count")).alias("counted"),
        pl.col("amount").alias("amount_text"), pl.col("direction").alias("direction_text"),
        pl.when(split).then("detail").otherwise(0).cast(pl.Int64).alias("detail"),
        pl.col("amount_currency").alias("currency"),
        pl.when(split).then(pl.col("detail_minor").fill_null(pl.col("entry_amount_minor")))
        .otherwise("entry_amount_minor").alias("amount_minor"),
        pl.when(split).then(own).otherwise("entry_direction").alias("credit_debit"),
        pl.col("reversal").is_in(["true", "1"]).fill_null(value=False),
        (pl.col("status") == "BOOK").fill_null(value=False).alias("booked"),
        *_dates(),
        pl.coalesce("message_id", "batch_message_id_of_detail", "batch_message_id").alias("message_id"),
        pl.coalesce("batch_id", "batch_batch_id_of_detail", "batch_batch_id").alias("batch_id"),
        pl.when(identifies(pl.col("end_to_end_id").str.strip_chars())).then("end_to_end_id").alias("end_to_end_id"),
        *(pl.col(name) for name in plain),
        pl.coalesce(pl.when(original != "").then(original), "original_proprietary").alias("original_code"),
        _count(pl.coalesce("batch_count_of_detail", "batch_count")).alias("batch_count"),
        *(pl.coalesce(f"{name}_of_detail", name).alias(name) for name in either),
        *(pl.coalesce(f"{name}_of_detail", pl.when(whole).then(name)).alias(to) for name, to in of_amount.items()),
        *(pl.col(f"{side}_{what}") for side in ("debtor", "creditor") for what in ("name", "account", "agent")),
    ]  # fmt: skip


def _count(text: pl.Expr) -> pl.Expr:
    return pl.when(text.str.contains(r"^[0-9]{1,15}$")).then(text).str.to_integer(strict=False)


def _dates() -> list[pl.Expr]:
    """`booking_date`, `value_date` (of Dt or DtTm: the day as the bank wrote it), and their texts."""
    return [
        *(
            pl.col(name).str.head(10).str.to_date("%Y-%m-%d", strict=False).alias(f"{name}_date")
            for name in ("booking", "value")
        ),
        *(pl.col(name).alias(f"{name}_text") for name in ("booking", "value")),
    ]


ENTRY_COLUMNS: Final = tuple(dtypes(ENTRIES))

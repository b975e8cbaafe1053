"""What a payment must be like to be written in an ISO 20022 message without cutting or changing anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import polars as pl

from canonical.codes import CreditDebit, Level, Severity
from canonical.contracts import Order
from canonical.errors import FrameBroken
from canonical.frames import FINDINGS, conform, empty
from canonical.masking import shown
from exporters._buffers import characters
from exporters._fit import Limit, misfits
from exporters._iso_batches import Batch, Batches, holds, names_ultimate
from exporters._iso_carrier import Carrier, Fault
from exporters._iso_dialect import Dialect, limits, without_left_out
from exporters._iso_plain import plain
from exporters._iso_shaped import over, without_empties
from exporters._iso_versions import BIC, OLD_BIC, Message, Version
from exporters._iso_whole import Ours, whole
from exporters._iso_xml import FORBIDDEN, has_forbidden

RULE: Final = "iso-fit"
_PLACE: Final = ("batch", "batch_id", "row", "line", "end_to_end_id")
_ELSEWHERE: Final = "says of its account what another batch of the file does not"


def has_originals(payments: pl.DataFrame) -> bool:
    """True where the client's own bytes stand beside the payments."""
    return "original" in payments.columns and payments["original"].null_count() < payments.height


def unfit(
    payments: pl.DataFrame, version: Version, dialect: Dialect, more: Iterable[Limit] = (), ours: Ours | None = None
) -> pl.DataFrame:
    """FINDINGS of PAYMENTS that cannot be written, a row a field and limit that is broken, a row an element without a place.

    `more`: further limits. `ours`: what is ours in each payment, where elements are looked at.
    """
    if payments.is_empty():
        return empty(FINDINGS)
    message = version.message
    rows = without_left_out(without_empties(message.turned(payments), _fields(version)), dialect, message)
    parts = [
        *(_told(rows, name, broken, what, remedy) for name, broken, what, remedy in _misfits(rows, version)),
        *(_told(rows, name, pl.col(name).str.contains(FORBIDDEN), "has a control character that XML cannot carry", "Take it out.")
          for name in _forbidden(rows, _fields(version))),
    ]  # fmt: skip
    named = [part.with_columns(pl.col("field").replace(_names(version)), _renamed(version)) for part in parts]
    asked = misfits(rows, [*_needed(message), *limits(dialect, message), *more], RULE, whole=has_originals(rows))
    named.append(asked.with_columns(pl.col("field").replace(_names(version))))
    if has_originals(rows):
        named.append(_uncarried(rows, version, ours))
    return conform(pl.concat([empty(FINDINGS), *named], how="diagonal").sort("row", maintain_order=True), FINDINGS)


def _fields(version: Version) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*(name for name in version.written if name != "reference"), "debtor_name")))


def _names(version: Version) -> dict[str, str]:
    return {name: version.message.column(name) for name in _fields(version)}


def _renamed(version: Version) -> pl.Expr:
    """The message with the column's own name in front, where the sides have changed places."""
    message = pl.col("message")
    for name, own in _names(version).items():
        turned, told = name.replace("_", " "), own.replace("_", " ")
        if turned != told:
            message = (
                pl.when(pl.col("field") == name)
                .then(pl.col("message").str.replace(turned, told, literal=True))
                .otherwise(message)
            )
    return message.alias("message")


def _needed(message: Message) -> Iterator[Limit]:
    """What a direct debit cannot do without, and what columns alone do not say of it."""
    if message.direction == CreditDebit.CRDT:
        return
    for name, words in (("creditor_account", "account"), ("creditor_name", "name")):
        missing = pl.col(name).is_null()
        yield Limit(
            name, "CH21", missing, f"the debtor's {words} is missing, and a direct debit needs it", f"Give the {words}."
        )


def refuse_misfits(
    payments: pl.DataFrame, order: Order, version: Version, dialect: Dialect, more: Iterable[Limit] = ()
) -> None:
    """What `unfit` finds in columns, as it is about to be written.

    Raises:
        FrameBroken: a text does not fit its element, or the bank does not take the payment so.
    """
    tests = [
        (version.message.column(name), broken.any())
        for name, broken, _, _ in _misfits(payments, version, reference=True)
    ]
    tests += [
        (version.message.column(limit.field), limit.broken.any())
        for limit in (*_needed(version.message), *limits(dialect, version.message), *more)
    ]
    found = payments.select(test.alias(str(index)) for index, (_, test) in enumerate(tests)).row(0) if tests else ()
    if names := sorted({name for (name, _), broken in zip(tests, found, strict=True) if broken}):
        raise FrameBroken(f"what does not fit its element: {', '.join(names)}", submission_id=order.submission_id)


def _misfits(
    rows: pl.DataFrame, version: Version, *, reference: bool = False
) -> Iterator[tuple[str, pl.Expr, str, str]]:
    """Column, what is wrong, in words, and what to do. Columns whose longest text fits are not looked at again."""
    sizes = {name: size for name, size in version.chars_max.items() if reference or name != "reference"}
    sizes |= {} if reference else {"debtor_name": 140}
    lines = {name: size for name, size in version.line_chars_max.items() if _longest(rows, name) > size}
    for name in _present(rows, tuple(sizes)):
        if _longest(rows, name) > sizes[name]:
            size, broken = sizes[name], pl.col(name).str.len_chars() > sizes[name]
            yield name, broken, f"is longer than {size} characters", f"Shorten it to {size}."
    for name, size in lines.items():
        broken = pl.col(name).str.contains(over(size))
        yield name, broken, f"has a line longer than {size} characters", f"Break it into lines of {size}."
    for name in _present(rows, tuple(version.forms)):
        form = version.forms[name]
        yield (
            name, ~pl.col(name).str.contains(form), f"is not of the form {form}", "Give one of the values ISO 20022 knows.",
        )  # fmt: skip
    for name in _present(rows, version.unknown):
        what = f"has no place in {version.name}"
        yield name, pl.col(name).is_not_null(), what, "Leave it out, or ask for a bank that takes a newer version."
    if version.bic[1] == OLD_BIC and _present(rows, ("creditor_agent",)):
        agent = pl.col("creditor_agent")
        broken = agent.str.contains(BIC) & ~agent.str.contains(OLD_BIC)
        yield "creditor_agent", broken, f"is not of the form {OLD_BIC}", "Give a BIC that this version knows."


def _forbidden(rows: pl.DataFrame, fields: tuple[str, ...]) -> list[str]:
    """Columns with a character that XML cannot carry. All texts of a column are looked through at once."""
    texts = {name: rows[name].drop_nulls() for name in _present(rows, fields)}
    return [name for name, column in texts.items() if any(map(has_forbidden, characters(column)))]


def _present(rows: pl.DataFrame, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if rows[name].null_count() < rows.height]


def _longest(rows: pl.DataFrame, name: str) -> int:
    """The longest text in bytes: none has more characters."""
    longest = rows[name].str.len_bytes().max()
    return longest if isinstance(longest, int) else 0


def _told(rows: pl.DataFrame, field: str, broken: pl.Expr, what: str, remedy: str) -> pl.DataFrame:
    told = rows.filter(broken.fill_null(value=False))
    return _findings(told, field, f"{field.replace('_', ' ')} {what}", remedy, shown(field, pl.col(field)))


def _findings(rows: pl.DataFrame, field: str, message: str, remedy: str, value: pl.Expr) -> pl.DataFrame:
    return rows.select(
        *_PLACE,
        pl.lit(RULE).alias("rule"),
        pl.lit("CH16").alias("reason"),
        pl.lit(Severity.ERROR.value).alias("severity"),
        pl.lit(Level.PAYMENT.value).alias("level"),
        pl.lit(field).alias("field"),
        value.alias("value"),
        pl.lit(message).alias("message"),
        pl.lit(remedy).alias("remedy"),
    )


# ---------------------------------------------------------------------------------------------- elements


def _uncarried(rows: pl.DataFrame, version: Version, ours: Ours | None) -> pl.DataFrame:
    """FINDINGS of payments whose own elements, or whose batch's, have no place in the version."""
    carrier, message = Carrier(version.reading or version.grammar), version.message
    batches = Batches(carrier, None, message).of(rows)
    told: list[tuple[int, Fault]] = []
    for ordinal, faults in _of_batches(rows, batches, message).items():
        told += [(row, fault) for row in rows.filter(pl.col("batch") == ordinal)["row"] for fault in faults]
    referenced = rows.with_columns(pl.col("payment_id").alias("reference"))
    for found in whole(referenced.filter(~plain(rows, batches, message)), batches, carrier, message, ours):
        told += [(found.row, fault) for fault in found.faults]
    frame = pl.DataFrame(
        [(row, fault.path, f"{fault.path} {fault.what}") for row, fault in told],
        schema={"row": pl.Int64, "field": pl.String, "message": pl.String}, orient="row",
    )  # fmt: skip
    joined = frame.join(rows.select(_PLACE), on="row", how="left", maintain_order="left")
    remedy = f"Leave it out, or ask for a bank that takes it; {version.name} cannot carry it."
    return _findings(joined, "", "", remedy, pl.lit(None, dtype=pl.String)).with_columns(
        joined["field"], joined["message"]
    )


def _of_batches(rows: pl.DataFrame, batches: dict[int, Batch], message: Message) -> dict[int, list[Fault]]:
    """What cannot be carried of each batch, besides what the first batch of its account has in their place."""
    first: dict[str | None, Batch] = {}
    found = {}
    for ordinal, batch in batches.items():
        faults = list(batch.faults)
        leader = first.setdefault(batch.account, batch)
        if not holds(leader.details, batch.details):
            faults.append(Fault("PmtInf", _ELSEWHERE))
        elsewhere = leader.name == batch.name and not holds(leader.debtor, batch.debtor)
        if elsewhere and names_ultimate(rows, ordinal, batch):
            faults.append(Fault(f"PmtInf/{message.ours}", _ELSEWHERE))
        if faults:
            found[ordinal] = faults
    return found

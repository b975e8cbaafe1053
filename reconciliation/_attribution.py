"""Which payments a provider's feedback speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.frames import STATUSES, checked, dtypes, empty
from canonical.identifiers import ONE_BATCH, SUBMISSION_ID
from canonical.identifying import identifies
from reconciliation._attempts import BETWEEN_ATTEMPTS, of_either
from reconciliation._words import sayable
from reconciliation.frames import ATTEMPTS, ATTRIBUTED, BOOK, NAMES, SENT
from reconciliation.moves import WHOLE

_ROW: Final = ("feedback_id", "sequence", "position")
_WORD: Final = ("kind", "status", "reason", "reason_text", "trace")
_CONTEXT: Final[dict[str, pl.Expr]] = {"feedback_id": pl.lit(""), "sequence": pl.lit(0, dtype=pl.Int64)}


_OF_SUBMISSION: Final = ("original_message_id", "original_batch_id")
_REFERENCES: Final = ("original_instruction_id", "original_transaction_id")
_DATE_DAYS_MAX: Final = 5
"""Days between the execution date and the day the bank says it processed the original: a weekend with holidays."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """`attributed`: ATTRIBUTED. `unknown`: the STATUSES rows that count for no payment, with feedback_id and `note`."""

    attributed: pl.DataFrame
    unknown: pl.DataFrame


def attribute(
    statuses: pl.DataFrame, book: pl.DataFrame, names: pl.DataFrame | None = None, before: pl.DataFrame | None = None
) -> Attribution:
    """Find the payments that feedback speaks of, most certain way first.

    A payment is named by OrgnlInstrId (NACHA: original trace number) or OrgnlTxId = reference; else by OrgnlUETR; else by
    OrgnlMsgId or OrgnlPmtInfId = submission_id together with an OrgnlEndToEndId that is unique within that submission;
    else by the mandate or reference together with the other side's account (Bacs), near its date; a correction, which
    speaks of a mandate, falls on the last payment under it. Amount, currency, direction and submission must agree where
    the feedback names them (a NACHA correction names amount zero); what names a submission of ours that is not in the book
    (it is void, and its payments may stand in another one) counts for none. A group or batch status falls on every payment of the
    submission that has no word of its own in the same feedback file, the batch's word before the group's; what is said of one
    batch of several falls on its payments alone. PART is never
    a payment's status; nothing is attributed to a payment that was not sent.

    Args:
        statuses: STATUSES rows of one or many feedback files of one provider; `feedback_id` (String) and `sequence`
            (Int64, order of receipt) may stand beside them and are required where there are many.
        book: BOOK of that provider's payments.
        names: NAMES of those payments of the book that a UETR, an account or one batch of several in `statuses` could name;
            None: none could.
        before: ATTEMPTS at this provider. What names one of these payments and no submission counts for none: either attempt may
            be meant. None: there were none.

    Raises:
        FrameBroken: a frame breaks its schema.
    """
    checked(statuses.select(dtypes(STATUSES).keys()), STATUSES)
    checked(book, BOOK)
    named = checked(names, NAMES) if names is not None else empty(NAMES)
    told = statuses.with_columns(expr.alias(name) for name, expr in _CONTEXT.items() if name not in statuses.columns)
    if told.is_empty():
        # Where nothing was said nobody has to be looked for.
        return Attribution(empty(ATTRIBUTED), told.with_columns(note=pl.lit(None, dtype=pl.String)))
    sent = _sent(book)
    told = _with_submissions(told, sent["submission_id"].unique().implode())
    payments = told.filter(pl.col("level") == "payment")
    found = _named(payments.filter(~pl.col("void")), sent, named)
    # A correction moves nothing, whichever it speaks of.
    blind = payments.filter(pl.col("kind") != "correction", *(_ours(name).is_null() for name in _OF_SUBMISSION))
    unsure = of_either(found, blind, checked(before, ATTEMPTS) if before is not None else empty(ATTEMPTS), _ROW)
    found = found.join(unsure, on=_ROW, how="anti", maintain_order="left")
    own = found.filter(pl.col("status").is_null() | sayable())
    groups = told.filter(pl.col("level") != "payment")
    fanned = _fan_out(groups.filter(sayable()), sent, named, own)
    attributed = pl.concat([own, fanned], how="diagonal").select(dtypes(ATTRIBUTED).keys())
    return Attribution(
        checked(attributed.sort("sequence", "feedback_id", "position", "payment_id"), ATTRIBUTED),
        _unknown(payments, groups, found, unsure, named),
    )


def _sent(book: pl.DataFrame) -> pl.DataFrame:
    """What of the BOOK feedback can speak of, and by what."""
    return book.filter(pl.col("delivery_state").is_in(SENT) & pl.col("submission_id").is_not_null()).select(
        "payment_id", "submission_id", "reference", "end_to_end_id", "execution_date",
        booked_minor="amount_minor", booked_currency="currency", booked_direction="credit_debit",
    )  # fmt: skip


def _with_submissions(told: pl.DataFrame, known: pl.Series) -> pl.DataFrame:
    """Adds which submission of `known` each row names (`named`), or whether it names one of ours that does not stand (`void`).

    `one_batch`: it names a batch of several in the file of one: what is said of it is not said of the others.
    """
    named = pl.coalesce(pl.when(pl.col(name).is_in(known)).then(pl.col(name)) for name in _OF_SUBMISSION)
    elsewhere = pl.any_horizontal((~_ours(name).is_in(known)).fill_null(value=False) for name in _OF_SUBMISSION)
    in_batch = (pl.col("level") == "batch") & pl.col("original_batch_id").str.extract(ONE_BATCH).is_in(known)
    return told.with_columns(named=named, void=named.is_null() & elsewhere, one_batch=in_batch.fill_null(value=False))


def files_meant(statuses: pl.DataFrame, sent: pl.DataFrame) -> set[str]:
    """The files of the submissions that STATUSES name, and of the payments whose ids they name.

    `sent`: file_id and submission_id of all submissions that were sent to the provider.
    """
    names = [name for column in _OF_SUBMISSION for name in (pl.col(column), _ours(column))]
    submissions = pl.concat(statuses.select(submission_id=name).to_series() for name in names)
    # A payment's id begins with that of its file.
    files = pl.concat(statuses[name].alias("file_id") for name in _REFERENCES).str.split("-").list.first()
    named = pl.col("submission_id").is_in(submissions.implode()) | pl.col("file_id").is_in(files.implode())
    return {*sent.filter(named.fill_null(value=False))["file_id"]}


def means_others(statuses: pl.DataFrame, attributed: pl.DataFrame, sent: pl.DataFrame) -> bool:
    """Whether STATUSES may speak of payments of other files than `files_meant`.

    A row that names a submission speaks of none outside it; only a correction by mandate looks for the last payment of all. A
    row that names none speaks of the payment whose id it has as reference: of other references there may be several.

    Args:
        statuses: STATUSES rows of one feedback file.
        attributed: ATTRIBUTED of them, by the book of `files_meant`.
        sent: as for `files_meant`.
    """
    known = sent["submission_id"].implode()
    named = pl.any_horizontal(pl.col(name).is_in(known).fill_null(value=False) for name in _OF_SUBMISSION)
    corrects = (pl.col("kind") == "correction") & said("original_account")
    told = statuses.filter((pl.col("level") == "payment") & (~named | corrects))
    reference = pl.coalesce(pl.when(said(name)).then(name) for name in _REFERENCES)
    found = attributed.filter(pl.col("via") == "reference").select("position", reference="payment_id")
    return not told.with_columns(reference=reference).join(found, on=["position", "reference"], how="anti").is_empty()


def _named(rows: pl.DataFrame, sent: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """The payment-level rows that name exactly one payment, and by what: each way on what the ones before left."""
    once = sent.filter(said("end_to_end_id")).filter(pl.len().over("submission_id", "end_to_end_id") == 1)
    ways = (
        ("reference", "original_instruction_id", sent.with_columns(key="reference")),
        ("reference", "original_transaction_id", sent.with_columns(key="reference")),
        ("uetr", "original_uetr", sent.join(names.select("payment_id", key="uetr"), on="payment_id", how="inner")),
        ("end_to_end_id", "original_end_to_end_id", once.with_columns(key="end_to_end_id", named="submission_id")),
    )
    found = [
        rows.clear().with_columns(payment_id=pl.lit(""), via=pl.lit("")).select(*_ROW, *_WORD, "payment_id", "via")
    ]
    for via, told, sides in ways:
        rest = rows.join(pl.concat(found), on=_ROW, how="anti").filter(said(told))
        within = ["named"] if "named" in sides.columns else []
        candidates = rest.join(
            sides.filter(said("key")), left_on=[*within, told], right_on=[*within, "key"], how="inner"
        )
        found.append(_one_each(candidates, via))
    rest = rows.join(pl.concat(found), on=_ROW, how="anti")
    return pl.concat([*found, _by_account(rest, sent, names)])


def _by_account(rows: pl.DataFrame, sent: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """By the other side's account and the reference that stood in our file: the mandate's, the client's or ours."""
    told = pl.coalesce(
        pl.when(said(name)).then(name)
        for name in ("original_mandate_id", "original_end_to_end_id", "original_instruction_id")
    )
    asked = rows.with_columns(key=told.str.strip_chars().str.to_uppercase()).filter(
        said("original_account") & pl.col("key").is_not_null()
    )
    held = sent.join(names.filter(said("account")).drop("uetr"), on="payment_id", how="inner")
    keys = pl.concat(
        held.with_columns(key=pl.col(name).str.to_uppercase()).filter(said("key"))
        for name in ("mandate_id", "end_to_end_id", "reference")
    ).unique(["payment_id", "key"])
    near = (pl.col("execution_date") - pl.col("original_date")).dt.total_days().abs() <= _DATE_DAYS_MAX
    candidates = asked.join(
        keys, left_on=["key", "original_account"], right_on=["key", "account"], how="inner", suffix="_ours"
    ).filter(near.fill_null(value=True))
    corrects = pl.col("kind") == "correction"
    last = (
        candidates.filter(corrects).sort("execution_date", "payment_id").unique(_ROW, keep="last", maintain_order=True)
    )
    return _one_each(pl.concat([candidates.filter(~corrects), last]), "account")


def _one_each(candidates: pl.DataFrame, via: str) -> pl.DataFrame:
    agrees = (
        (pl.col("named").is_null() | (pl.col("named") == pl.col("submission_id")))
        & (_agrees("amount_minor", "booked_minor") | (pl.col("kind") == "correction"))
        & _agrees("currency", "booked_currency")
        & _agrees("credit_debit", "booked_direction")
    )
    unique = candidates.filter(agrees).filter(pl.len().over(_ROW) == 1)
    return unique.with_columns(via=pl.lit(via)).select(*_ROW, *_WORD, "payment_id", "via")


def _fan_out(groups: pl.DataFrame, sent: pl.DataFrame, names: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    placed = sent.select("payment_id", "submission_id")
    whole = groups.filter(pl.col("named").is_not_null() & ~pl.col("one_batch")).join(
        placed, left_on="named", right_on="submission_id", how="inner"
    )
    in_batch = placed.join(names.select("payment_id", "batch_id").drop_nulls(), on="payment_id", how="inner")
    some = groups.filter("one_batch").join(in_batch, left_on="original_batch_id", right_on="batch_id", how="inner")
    every = pl.concat([whole, some.select(whole.columns)])
    every = every.join(own, on=["feedback_id", "sequence", "payment_id"], how="anti")
    has_batch = (pl.col("level") == "batch").any().over("feedback_id", "sequence", "payment_id")
    closest = every.filter((pl.col("level") == "batch") | ~has_batch)
    return closest.with_columns(via=pl.col("level")).select(*_ROW, *_WORD, "payment_id", "via")


def _unknown(
    payments: pl.DataFrame, groups: pl.DataFrame, found: pl.DataFrame, unsure: pl.DataFrame, names: pl.DataFrame
) -> pl.DataFrame:
    either = unsure.with_columns(either=pl.lit(value=True))
    lost = payments.join(found, on=_ROW, how="anti").join(either, on=_ROW, how="left", maintain_order="left")
    lost = lost.with_columns(
        note=pl.when("either")
        .then(pl.lit(BETWEEN_ATTEMPTS))
        .when("void")
        .then(
            pl.lit("speaks of a submission that does not stand: its payments may be planned anew, and then in another")
        )
        .otherwise(
            pl.lit("names no payment that was sent to this provider, or more than one, or one of another amount")
        )
    )
    unsayable = payments.join(found, on=_ROW, how="semi").filter(pl.col("status").is_not_null() & ~sayable())
    said_wrong = unsayable.with_columns(
        note=pl.lit("says of one payment what cannot be said of one: ") + pl.col("status")
    )
    strange = ~(sayable() | pl.col("status").is_in(list(WHOLE)))
    group_note = (
        pl.when(pl.col("one_batch") & ~pl.col("original_batch_id").is_in(names["batch_id"].drop_nulls().implode()))
        .then(pl.lit("names a batch that is not in the file that was sent"))
        .when(pl.col("named").is_null() & ~pl.col("one_batch"))
        .then(pl.lit("names no submission that was sent to this provider"))
        .when(strange)
        .then(pl.lit("gives a status nobody knows: ") + pl.col("status"))
    )
    lost_groups = groups.with_columns(note=group_note).filter(pl.col("note").is_not_null())
    unknown = pl.concat([lost, said_wrong, lost_groups], how="diagonal_relaxed")
    return unknown.drop("named", "void", "one_batch", "either").sort("sequence", "feedback_id", "position")


def said(name: str) -> pl.Expr:
    """True where an identifier identifies: not null, not blank, nothing that stands for none."""
    return identifies(pl.col(name).str.strip_chars()).fill_null(value=False)


def _ours(name: str) -> pl.Expr:
    """The submission of ours that a reference names, itself or a batch of its file; null where it is none of ours."""
    return pl.col(name).str.extract(rf"^({SUBMISSION_ID})(-\d+)?$")


def _agrees(told: str, booked: str) -> pl.Expr:
    return pl.col(told).is_null() | (pl.col(told) == pl.col(booked)).fill_null(value=False)

"""Records of a return-style ACH file for a client: batches, entries and addenda 99, as columns of text.

Source: Nacha Operating Rules, Appendix Four: return entry records, addenda type 99 (also its IAT layout); Appendix Three
for headers and controls.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.contracts import ANSWER_DTYPES, Answer
from canonical.frames import PAYMENTS, dtypes
from canonical.money import amount_minor
from canonical.parties import counterparty, ordering
from exporters._answer_nacha_codes import OTHERWISE, RETURN_CODES
from exporters._nacha_records import HASH_MODULUS

ENTRIES_MAX: Final = 400_000
"""Entries of one batch: entries and addenda are counted with six digits."""
_SUM_MAX: Final = 9 * 10**11
"""A batch ends before its sums outgrow their twelve digits."""
_AMOUNT_MAX: Final = 10**10 - 1
_REFUSED: Final = ("RJCT", "CANC")
_DIGITS: Final = r"^[0-9]{8}"
_WEIGHTS: Final = (3, 7, 1, 3, 7, 1, 3, 7)
_CREDIT_CODES: Final = {"SVGS": "31", "GLAC": "41", "LOAN": "51"}
_DEBIT_CODES: Final = {"SVGS": "36", "GLAC": "46", "LOAN": "56"}
_NAME_FIRST: Final = ("CIE", "MTE")
_SIGNS: Final = {"“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-"}
_KNOWN: Final = (
    "transaction_code", "local_instrument", "category_purpose", "requested_execution_date", "debtor_name", "debtor_id",
    "debtor_account", "debtor_account_type", "debtor_agent", "creditor_name", "creditor_id", "creditor_account",
    "creditor_account_type", "creditor_agent",
)  # fmt: skip


def ascii_of(value: pl.Expr) -> pl.Expr:
    """Printable ASCII: letters lose their accents, anything else reads as a question mark."""
    plain = (
        value.str.replace_many(list(_SIGNS), list(_SIGNS.values())).str.normalize("NFKD").str.replace_all(r"\p{M}", "")
    )
    return plain.str.replace_all(r"\s", " ").str.replace_all(r"[^ -~]", "?")


def _left(value: pl.Expr, chars: int) -> pl.Expr:
    return ascii_of(value.fill_null("")).str.head(chars).str.pad_end(chars)


def _number(value: pl.Expr, digits: int) -> pl.Expr:
    # 10**digits is no int to a type checker: digits might be negative.
    modulus: int = 10**digits
    return (value % modulus).cast(pl.String).str.zfill(digits)


def refused_entries(answer: Answer, origin: str) -> pl.DataFrame:
    """One row a payment that is refused since the last answer, in file order: what its return says. `origin`: our routing number, eight digits.

    Columns: group (of one batch to be written), sec, company_name, company_id, description, day, is_debit, amount, receiver
    (eight digits), trace (ours), and what `entry_text` reads.

    A payment whose own record is not at hand (`faulty`) is told by its trace number, identification and amount.
    """
    rows = answer.rows.select(pl.col(name).cast(dtype) for name, dtype in ANSWER_DTYPES.items())
    refused = rows.filter(pl.col("status").is_in(_REFUSED)).with_columns(pl.col("batch").fill_null(1))
    if answer.news is not None:
        # Software books what it reads: a return that is told again is booked again.
        fresh = answer.news.filter(~pl.col("status_told").is_in(_REFUSED).fill_null(value=False))
        refused = refused.join(fresh.select("row"), on="row", how="semi", maintain_order="left")
    types = dtypes(PAYMENTS)
    known = answer.faulty(("row", *_KNOWN)).select(pl.col(name).cast(types[name]) for name in ("row", *_KNOWN))
    whole = refused.join(known.unique("row", keep="first"), on="row", how="left", maintain_order="left")
    told = whole.sort("batch", "row", maintain_order=True).with_columns(*_fields())
    parts = told.with_columns(
        index=pl.int_range(pl.len()).over("batch") // ENTRIES_MAX,
        sums=pl.col("amount").cum_sum().over("batch") // _SUM_MAX,
    ).with_columns(group=pl.struct("batch", "index", "sums").rle_id())
    batch = {
        name: pl.col(name).drop_nulls().first().over("batch")
        for name in ("sec", "company_name", "company_id", "description", "day")
    }
    return parts.with_columns(**batch).with_columns(
        sec=pl.col("sec").fill_null("PPD"), trace=pl.lit(origin) + _number(pl.int_range(1, pl.len() + 1), 7)
    )  # fmt: skip


def _fields() -> list[pl.Expr]:
    amount = amount_minor(pl.col("amount_text"), pl.lit("USD")).fill_null(0).clip(0, _AMOUNT_MAX)
    originating = pl.when(ordering("agent").str.contains(_DIGITS)).then(ordering("agent"))
    by_trace = pl.when(pl.col("instruction_id").str.contains(_DIGITS)).then("instruction_id")
    sec = pl.when(pl.col("local_instrument").str.contains("^[A-Z]{3}$")).then("local_instrument").replace("ADV", "CCD")
    return [
        sec.alias("sec"),
        ordering("name").alias("company_name"),
        ordering("id").alias("company_id"),
        pl.col("category_purpose").alias("description"),
        pl.col("requested_execution_date").dt.strftime("%y%m%d").alias("day"),
        (pl.col("credit_debit") == "DBIT").fill_null(value=False).alias("is_debit"),
        amount.alias("amount"),
        pl.coalesce(originating, by_trace, pl.lit("00000000")).str.head(8).alias("receiver"),
        pl.col("reason").replace_strict(RETURN_CODES, default=OTHERWISE, return_dtype=pl.String).alias("nearest"),
    ]


def _check_digit(receiver: pl.Expr) -> pl.Expr:
    total = sum(
        (receiver.str.slice(place, 1).cast(pl.Int64) * weight for place, weight in enumerate(_WEIGHTS)), pl.lit(0)
    )
    return ((10 - total % 10) % 10).cast(pl.String)


def _code() -> pl.Expr:
    """Transaction code of the return: 22 comes back as 21, 27 as 26."""
    own = pl.when(pl.col("transaction_code").str.contains("^[2-5][0-9]$")).then("transaction_code")
    kind = counterparty("account_type")
    debit = kind.replace_strict(_DEBIT_CODES, default="26", return_dtype=pl.String)
    credit = kind.replace_strict(_CREDIT_CODES, default="21", return_dtype=pl.String)
    last = pl.when(pl.col("is_debit")).then(pl.lit("6")).otherwise(pl.lit("1"))
    return pl.coalesce(own.str.head(1) + last, pl.when("is_debit").then(debit).otherwise(credit))


def entry_text() -> pl.Expr:
    """Entry and addenda of a row of `refused_entries`."""
    return _entry() + _addenda()


def _entry() -> pl.Expr:
    """Entry detail record (type 6) in the layout of its class."""
    identification, name = pl.col("end_to_end_id"), counterparty("name")
    account, sec = counterparty("account"), pl.col("sec")
    usual = _left(identification, 15) + _left(name, 22)
    named = _left(name, 15) + _left(identification, 22)
    counted = _left(identification, 15) + pl.lit("0001") + _left(name, 16) + pl.lit("  ")
    who = pl.when(sec.is_in(_NAME_FIRST)).then(named).when(sec == "CTX").then(counted).otherwise(usual)
    middle = (
        pl.when(sec == "IAT")
        .then(
            pl.concat_str(pl.lit("0001" + " " * 13), _number(pl.col("amount"), 10), _left(account, 35), pl.lit(" " * 4))
        )
        .otherwise(pl.concat_str(_left(account, 17), _number(pl.col("amount"), 10), who, pl.lit("  ")))
    )
    receiver = pl.col("receiver")
    return pl.concat_str(
        pl.lit("6"), _code(), receiver, _check_digit(receiver), middle, pl.lit("1"), "trace", pl.lit("\n")
    )  # fmt: skip


def _addenda() -> pl.Expr:
    """Addenda record of type 99: return code, original trace number, original receiving bank, the reason in words."""
    own = pl.when(pl.col("reason").str.contains("^R[0-9]{2}$")).then("reason")
    bank = counterparty("agent").str.head(8)
    rdfi = pl.when(bank.str.contains(r"^[0-9]{8}$")).then(bank).otherwise(pl.lit("00000000"))
    original = (
        pl.when(pl.col("instruction_id").str.contains(r"^[0-9]{15}$"))
        .then("instruction_id")
        .otherwise(pl.lit("0" * 15))
    )
    cancelled = pl.when((pl.col("status") == "CANC") & pl.col("reason").is_null()).then(pl.lit("R06"))
    words = pl.concat_str("reason", "message", separator=" ", ignore_nulls=True)
    told = (
        pl.when(pl.col("sec") == "IAT")
        .then(_number(pl.col("amount"), 10) + _left(words, 34))
        .otherwise(_left(words, 44))
    )
    code = pl.coalesce(own, cancelled, "nearest")
    return pl.concat_str(pl.lit("799"), code, original, pl.lit(" " * 6), rdfi, told, "trace", pl.lit("\n"))


def batches_of(entries: pl.DataFrame, answer: Answer, origin: str, company: str) -> pl.DataFrame:
    """group, count, entry_hash, debit, credit, header, control: one row a batch. `company`: its id where none is known."""
    debit = pl.when("is_debit").then("amount").otherwise(0)
    sums = entries.group_by("group", maintain_order=True).agg(
        pl.col("sec", "company_name", "company_id", "description", "day").first(),
        debits=pl.col("is_debit").sum().cast(pl.Int64),
        entries=pl.len().cast(pl.Int64),
        entry_hash=pl.col("receiver").cast(pl.Int64).sum(),
        debit=debit.sum(),
        credit=pl.col("amount").sum() - debit.sum(),
    )
    service = (
        pl.when(pl.col("debits") == 0)
        .then(pl.lit("220"))
        .when(pl.col("debits") == pl.col("entries"))
        .then(pl.lit("225"))
        .otherwise(pl.lit("200"))
    )
    name = pl.col("company_name").fill_null(answer.client.name)
    number = pl.lit(origin) + _number(pl.col("group").cast(pl.Int64) + 1, 7) + pl.lit("\n")
    company_id = _left(pl.col("company_id").fill_null(company), 10)
    usual = _left(name, 16) + _left(pl.lit(answer.answer_id), 20)
    # IAT: currency conversion indicators and country stand where others name the company.
    foreign = pl.lit(" " * 16 + "FF3" + " " * 15 + "US")
    days = pl.when(pl.col("sec") == "IAT").then(pl.lit("USDUSD")).otherwise(pl.lit(" " * 6)) + _left(pl.col("day"), 6)
    header = pl.concat_str(
        pl.lit("5"), service, pl.when(pl.col("sec") == "IAT").then(foreign).otherwise(usual), company_id, "sec",
        _left(pl.col("description").fill_null("RETURN"), 10), days, pl.lit("   1"), number,
    )  # fmt: skip
    control = pl.concat_str(
        pl.lit("8"), service, _number(pl.col("entries") * 2, 6), _number(pl.col("entry_hash") % HASH_MODULUS, 10),
        _number(pl.col("debit"), 12), _number(pl.col("credit"), 12), company_id, pl.lit(" " * 25), number,
    )  # fmt: skip
    return sums.with_columns(header=header, control=control)

"""Write entry detail records (type 6) and their addenda (type 7) as columns of text.

Source: Nacha Operating Rules, Appendix Three: entry detail and addenda records of each class, transaction codes.
"""

from __future__ import annotations

from typing import Final

import polars as pl
from polars.expr.whenthen import Then

from canonical.contracts import Order
from canonical.parties import counterparty, ordering
from exporters import _nacha_iat as iat
from exporters._nacha_classes import CLASSES, INTERNATIONAL_SEC, REMITTANCE_CHARS, SEVERAL_SEC, of_class, sec_of
from exporters._nacha_records import NachaOptions, ascii_text, originating_dfi

ACCOUNT_CHARS: Final = 17
AMOUNT_DIGITS: Final = 10
_ADDENDA_SEC: Final = tuple(sorted(code for code, item in CLASSES.items() if item.addenda))
_ONE_SEC: Final = frozenset(code for code, item in CLASSES.items() if item.addenda == "05" and not item.several)
_TERMINAL_SEC: Final = tuple(sorted(code for code, item in CLASSES.items() if item.addenda == "02"))
_CREDIT_CODES: Final = {"CACC": "22", "SVGS": "32", "GLAC": "42", "LOAN": "52"}
_DEBIT_CODES: Final = {"CACC": "27", "SVGS": "37", "GLAC": "47", "LOAN": "55"}
_TEXTS: Final = (
    "debtor_name", "category_purpose", "end_to_end_id", "creditor_name", "remittance", "remittance_reference", "purpose",
)  # fmt: skip
_ADDRESS: Final = tuple(
    f"{side}_{name}"
    for side in ("debtor", "creditor")
    for name in ("street", "building", "post_code", "town", "address_lines")
)
"""What only international entries say."""
_WAGES: Final = {"SALA": "PAYROLL", "BONU": "PAYROLL"}
_PURCHASES: Final = {"EPAY": "PURCHASE"}
"""ISO category purposes with a description that the rules prescribe since 2026: of wages, and of WEB debits for goods bought online."""
_DESCRIBED: Final = {item.code: item.described for item in CLASSES.values() if item.described}
"""Class → the description of a batch of which the client says none."""
_PAYMENT_TYPES: Final = {"S": "S", "R": "R", "OOFF": "S", "FRST": "R", "RCUR": "R", "FNAL": "R", "RPRE": "R"}
"""Payment type code of a `sequence_type`, NACHA's own or ISO's."""


def plain(payments: pl.DataFrame) -> pl.DataFrame:
    """The payments with their texts in printable ASCII (as `ascii_text` does).

    Remittance lines are joined by blanks, but where the class carries several addenda.
    """
    joined = payments
    if payments["remittance"].str.contains("\n", literal=True).any():
        several = sec_of(pl.col("local_instrument")).is_in(SEVERAL_SEC)
        one_line = pl.col("remittance").str.replace_all("\n", " ", literal=True)
        joined = payments.with_columns(pl.when(several).then("remittance").otherwise(one_line))
    international = (payments["local_instrument"] == INTERNATIONAL_SEC).any()
    texts = (*_TEXTS, *_ADDRESS) if international else _TEXTS
    foreign = joined.select(pl.col(texts).str.contains(r"[^ -~\n]").any()).row(0)
    columns = [name for name, is_foreign in zip(texts, foreign, strict=True) if is_foreign]
    without_accents = pl.col(columns).str.normalize("NFKD").str.replace_all(r"\p{M}", "")
    return joined.with_columns(without_accents.str.replace_all(r"[^ -~\n]", "?")) if columns else joined


def remittance_text() -> pl.Expr:
    """Remittance information of `plain` payments; null where there is none."""
    text = pl.col("remittance").str.strip_chars_end(" ")
    return pl.coalesce(pl.when(text.str.strip_chars() != "").then(text), "remittance_reference")


def addenda_texts() -> pl.Expr:
    """List of the texts of the addenda records of `plain` payments of classes with several; null where there are none."""
    # An empty line is an addenda record of blanks: the records keep their number.
    lines = remittance_text().str.replace_all(r"(?m)^$", " ")
    return lines.str.extract_all(rf"[^\n]{{1,{REMITTANCE_CHARS}}}")


def prepared(payments: pl.DataFrame, order: Order, options: NachaOptions) -> pl.DataFrame:
    """One row a payment of `plain` payments, ready to be put into a batch.

    The effective entry date is the `execution_date` of the payment's route, where the frame carries it.
    Fields of BatchKey, `records` (entry and addenda), `rdfi`, `is_debit`, `debit`, `credit`, `text`.
    """
    name = ascii_text(options.company_name or order.initiating_party)
    company_id = pl.when(ordering("id").str.contains(r"^[!-~]{1,10}$")).then(ordering("id"))
    debit = pl.col("credit_debit") == "DBIT"
    bought = debit & (pl.col("local_instrument") == "WEB")
    description = pl.when(bought).then(pl.col("category_purpose").replace(_PURCHASES)).otherwise(
        pl.col("category_purpose").replace(_WAGES)
    )  # fmt: skip
    with_class = payments.with_columns(sec_of(pl.col("local_instrument")).alias("sec"))
    present = set(with_class["sec"].unique().to_list())
    abroad = _abroad(order, options) if INTERNATIONAL_SEC in present else {}

    def chosen(name: str, domestic: pl.Expr) -> pl.Expr:
        return abroad[name].otherwise(domestic) if name in abroad else domestic

    with_addenda, addenda = _with_addenda(with_class, present)
    text = pl.concat_str(*_entry(options.payment_type_code, present), *addenda)
    return with_addenda.select(
        "sec",
        ordering("name").fill_null(name).str.head(16).alias("company_name"),
        company_id.fill_null(options.company_id or options.immediate_origin).alias("company_id"),
        pl.coalesce(description, pl.col("sec").replace_strict(_DESCRIBED, default=None, return_dtype=pl.String))
        .fill_null(options.company_entry_description)
        .str.head(10)
        .alias("description"),
        _day(payments, order).alias("day"),
        chosen("country", pl.lit("")).alias("country"),
        (chosen("addenda", pl.col("addenda")) + 1).cast(pl.Int64).alias("records"),
        chosen("rdfi", counterparty("agent").str.head(8)).cast(pl.Int64).alias("rdfi"),
        debit.alias("is_debit"),
        pl.when(debit).then("amount_minor").otherwise(0).alias("debit"),
        pl.when(debit).then(0).otherwise("amount_minor").alias("credit"),
        chosen("text", text).alias("text"),
    )


def _day(payments: pl.DataFrame, order: Order) -> pl.Expr:
    """Effective entry date, YYMMDD. There are few days, and each is written out once."""
    if "execution_date" not in payments.columns:
        return pl.lit(f"{order.business_date:%y%m%d}")
    days = payments["execution_date"].unique().drop_nulls()
    return pl.col("execution_date").replace_strict(days, days.dt.strftime("%y%m%d"), return_dtype=pl.String)


def _abroad(order: Order, options: NachaOptions) -> dict[str, Then]:
    """What is otherwise of international entries."""
    is_abroad = pl.col("sec") == INTERNATIONAL_SEC
    records = iat.entry(_transaction_code(), options), iat.addenda(order, options, originating_dfi(order, options))
    return {
        "country": pl.when(is_abroad).then(counterparty("country")),
        "addenda": pl.when(is_abroad).then(iat.addenda_number()),
        "rdfi": pl.when(is_abroad).then(pl.lit((options.iat_gateway or "")[:8])),
        "text": pl.when(is_abroad).then(pl.concat_str(*records)),
    }


def _with_addenda(payments: pl.DataFrame, present: set[str]) -> tuple[pl.DataFrame, list[pl.Expr]]:
    """Adds `addenda` (how many), and gives what is written of them behind the entry. `present`: classes of the payments."""
    sequence = pl.col("reference").str.slice(8)
    told = payments.with_columns(remittance_text().alias("addenda_text"))
    text = pl.col("addenda_text")
    parts = [pl.lit("705"), text.str.pad_end(REMITTANCE_CHARS), pl.lit("0001"), sequence, pl.lit("\n")]
    if present <= _ONE_SEC and not told["addenda_text"].null_count():
        return told.with_columns(pl.lit(1, dtype=pl.Int64).alias("addenda")), parts
    record = pl.concat_str(parts)
    if payments["sec"].is_in(_TERMINAL_SEC).any():
        terminal = pl.concat_str(pl.lit("702"), text.str.pad_end(76), "reference", pl.lit("\n"))
        record = pl.when(pl.col("sec").is_in(_TERMINAL_SEC)).then(terminal).otherwise(record)
    carried = pl.col("sec").is_in(_ADDENDA_SEC)
    one = told.with_columns(
        pl.when(carried).then(record).alias("addenda_records"),
        (carried & text.is_not_null()).cast(pl.Int64).alias("addenda"),
    )
    several = _with_several(one) if present & SEVERAL_SEC else one
    return several, [pl.col("addenda_records").fill_null("")]


def _with_several(payments: pl.DataFrame) -> pl.DataFrame:
    """The same for classes with several addenda: one record a line of the remittance information."""
    numbered = payments.with_columns(pl.int_range(pl.len()).alias("place"))
    each = (
        numbered.filter(pl.col("sec").is_in(SEVERAL_SEC))
        .select("place", pl.col("reference").str.slice(8).alias("sequence"), addenda_texts().alias("line"))
        .explode("line")
        .drop_nulls("line")
        .with_columns(pl.int_range(1, pl.len() + 1).over("place").cast(pl.String).str.zfill(4).alias("ordinal"))
    )
    record = pl.concat_str(
        pl.lit("705"), pl.col("line").str.pad_end(REMITTANCE_CHARS), "ordinal", "sequence", pl.lit("\n")
    )
    several = each.group_by("place", maintain_order=True).agg(
        record.str.join("").alias("several_records"), pl.len().cast(pl.Int64).alias("several")
    )
    of_several = pl.col("sec").is_in(SEVERAL_SEC)
    return numbered.join(several, on="place", how="left", maintain_order="left").with_columns(
        pl.when(of_several).then("several_records").otherwise("addenda_records").alias("addenda_records"),
        pl.when(of_several).then(pl.col("several").fill_null(0)).otherwise("addenda").alias("addenda"),
    )


def _transaction_code() -> pl.Expr:
    kind = counterparty("account_type")
    debit = kind.replace_strict(_DEBIT_CODES, default="27", return_dtype=pl.String)
    credit = kind.replace_strict(_CREDIT_CODES, default="22", return_dtype=pl.String)
    by_type = pl.when(pl.col("credit_debit") == "DBIT").then(debit).otherwise(credit)
    return pl.coalesce("transaction_code", by_type)


def _text(value: pl.Expr, chars: int) -> pl.Expr:
    return value.fill_null("").str.head(chars).str.pad_end(chars)


def _party(present: set[str]) -> tuple[pl.Expr, ...]:
    """Positions 40-76: identification, name, and what else a class has there. `present`: classes of the payments."""
    identification, name = pl.col("end_to_end_id"), counterparty("name")
    number = pl.col("addenda").cast(pl.String).str.zfill(4)
    layouts = {
        "counted": (_text(identification, 15), number, _text(name, 16), pl.lit("  ")),
        "name 15": (_text(name, 15), _text(identification, 22)),
        "name 22": (_text(name, 22), _text(identification, 15)),
        "item": (_text(identification, 15), _text(remittance_text(), 22)),
    }
    named = _text(identification, 15), _text(name, 22)
    others = sorted({CLASSES[sec].layout for sec in present} & set(layouts))
    if not others:
        return named
    chosen = pl.concat_str(named)
    for layout in others:
        parts = layouts[layout]
        chosen = pl.when(of_class(layout=layout)).then(pl.concat_str(*parts)).otherwise(chosen)
    return (chosen,)


def _kind(payment_type_code: str, present: set[str]) -> pl.Expr:
    """Positions 77-78: the payment type of WEB and TEL, the type of card transaction or item of others."""
    if not any(CLASSES[sec].kind for sec in present):
        return pl.lit("  ")
    own = pl.col("sequence_type").replace_strict(_PAYMENT_TYPES, default=None, return_dtype=pl.String)
    typed = pl.when(of_class(kind="sequence_type")).then(own.fill_null(payment_type_code))
    return _text(typed.when(of_class(kind="purpose")).then("purpose"), 2)


def _entry(payment_type_code: str, present: set[str]) -> list[pl.Expr]:
    """Parts of the entry detail record with its line feed. `present`: classes of the payments."""
    return [
        pl.lit("6"),
        _transaction_code(),
        counterparty("agent"),
        counterparty("account").str.pad_end(ACCOUNT_CHARS),
        # A leading 1 pads to ten digits with a sum, which is twice as fast as padding text.
        (pl.col("amount_minor") + 10**AMOUNT_DIGITS).cast(pl.String).str.slice(1),
        *_party(present),
        _kind(payment_type_code, present),
        pl.when(pl.col("addenda") > 0).then(pl.lit("1")).otherwise(pl.lit("0")),
        pl.col("reference"),
        pl.lit("\n"),
    ]

"""The columns that a payment of pain.001, pain.008 or pacs.008 is written from: canonical ones, as the bank takes them.

What a batch of the client says for all its payments stands in columns `batch_<element>` as XML; its ultimate debtor (of a collection
its ultimate creditor) in `batch_Ultmt`.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import CreditDebit
from canonical.contracts import Order
from canonical.currencies import exponent
from canonical.errors import FrameBroken
from canonical.identifying import NOT_PROVIDED
from canonical.transliteration import in_sepa_set, transliterate
from exporters._iso_dialect import Dialect, without_left_out
from exporters._iso_versions import BIC, CHARS_MAX, INTERBANK, LINE_CHARS_MAX, Version
from exporters._iso_xml import escaped, leaves, wrap

IBAN: Final = r"^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$"
CODE: Final = r"^[A-Z0-9]{1,4}$"
"""The form of an ISO code: canonical columns hold codes and proprietary values alike."""
_CLEARING: Final = {"USD": ("USABA", r"^[0-9]{9}$"), "GBP": ("GBDSC", r"^[0-9]{6}$")}
"""Clearing systems whose member ids are known by their form (ExternalClearingSystemIdentification1Code)."""
WORDS: Final = (
    "creditor_name", "ultimate_creditor_name", "ultimate_debtor_name", "creditor_street", "creditor_building",
    "creditor_post_code", "creditor_town", "creditor_address_lines", "remittance",
)  # fmt: skip
_REFERENCE_CODES: Final = frozenset({"RADM", "RPIN", "FXDR", "DISP", "PUOR", "SCOR"})


def filled(window: pl.DataFrame, order: Order, version: Version, dialect: Dialect) -> pl.DataFrame:
    """The (turned) payments of a window with empty texts as nulls, `execution_date` filled, and what the dialect says.

    Raises:
        FrameBroken: a payment goes the other way, or is in another currency than the account.
    """
    direction = version.message.direction
    if not ((window["currency"] == order.account.currency) & (window["credit_debit"] == direction)).all():
        what = "credit transfer" if direction == CreditDebit.CRDT else "direct debit"
        raise FrameBroken(f"a payment is no {what} in {order.account.currency}", submission_id=order.submission_id)
    payments = without_empties(window, tuple(dict.fromkeys((*version.written, "debtor_name"))))
    if "execution_date" not in payments.columns:
        payments = payments.with_columns(execution_date=pl.lit(None, dtype=pl.Date))
    debtor = pl.when(pl.col("debtor_name") != order.account.name).then("debtor_name")
    # Between banks the client is the debtor itself.
    is_debtor = version.message == INTERBANK or "batch_Ultmt" in payments.columns
    named = None if is_debtor else pl.coalesce("ultimate_debtor_name", debtor)
    payments = payments.with_columns(
        pl.col("execution_date").fill_null(order.business_date),
        *([named.alias("ultimate_debtor_name")] if named is not None else []),
    )
    payments = _said(payments, order, version, dialect)
    return _in_sepa_set(payments) if dialect.transliterate else payments


def _said(payments: pl.DataFrame, order: Order, version: Version, dialect: Dialect) -> pl.DataFrame:
    """What the rail says where the payment, or its batch, does not; without what the bank does not take."""
    rail = dialect.says(order).model_dump(exclude_none=True)
    holders = {"charge_bearer": "batch_ChrgBr"}
    silent = {name: holders.get(name, "batch_PmtTpInf") for name in rail}
    told = [
        pl.when(pl.col(held).is_null()).then(pl.col(name).fill_null(rail[name])).otherwise(pl.col(name)).alias(name)
        if held in payments.columns
        else pl.col(name).fill_null(rail[name])
        for name, held in silent.items()
    ]
    heard = payments.with_columns(told) if told else payments
    return without_left_out(heard, dialect, version.message)


def without_empties(frame: pl.DataFrame, names: tuple[str, ...]) -> pl.DataFrame:
    """Empty texts as nulls. Columns that have none stay as they are."""
    found = frame.select((pl.col(name) == "").any() for name in names).row(0, named=True)
    return frame.with_columns(pl.col(name).replace("", None) for name, has in found.items() if has)


def over(chars_max: int) -> str:
    """Pattern of a line that is longer."""
    return rf"[^\n]{{{chars_max + 1}}}"


def _in_sepa_set(payments: pl.DataFrame) -> pl.DataFrame:
    """The payments with WORDS in the SEPA set. Those that are in it already, which is nearly all, are left as they are."""
    outside = ~in_sepa_set(pl.concat_str(WORDS, ignore_nulls=True))
    rows = payments.select(outside.fill_null(value=False).arg_true()).to_series()
    if rows.is_empty():
        return payments
    fitted = payments[rows].select(_fitted(name) for name in WORDS)
    return payments.with_columns(payments[name].scatter(rows, fitted[name]) for name in WORDS)


def _fitted(name: str) -> pl.Expr:
    """In the SEPA set. Where a letter that becomes two would break the length, each becomes one: nothing is cut."""
    value, grown = pl.col(name), transliterate(pl.col(name))
    if name in LINE_CHARS_MAX:
        fits = ~grown.str.contains(over(LINE_CHARS_MAX[name]))
    else:
        fits = grown.str.len_chars() <= CHARS_MAX[name]
    return pl.when(fits).then(grown).otherwise(transliterate(value, grow=False)).alias(name)


# ---------------------------------------------------------------------------------------------- columns to write


def shaped(payments: pl.DataFrame, order: Order, version: Version, dialect: Dialect) -> pl.DataFrame:
    """The columns of `layout`: character data, and each identification under the element that holds it."""
    # What has the form of a code needs no escape; the reference is ours.
    frame = escaped(payments, [name for name in version.written if name not in {*version.forms, "reference"}])
    frame = frame.with_columns(_identified(dialect))
    wanted = [_amount(order.account.currency)]
    collects = version.message.direction == CreditDebit.DBIT
    if _has(frame, "creditor_agent"):
        wanted += _agent(frame, order.account.currency)
    if _has(frame, "creditor_account"):
        wanted += _account(frame)
    for name in ("local_instrument", "category_purpose"):
        if _has(frame, name):
            wanted += _coded(name)
    for name, column, element in (
        ("xml_unstructured", "remittance", "Ustrd"),
        ("xml_address_lines", "creditor_address_lines", "AdrLine"),
    ):
        if _has(frame, column):
            wanted.append(_lines(frame, column, element).alias(name))
    if _has(frame, "remittance_reference"):
        wanted.append(_references(frame).alias("xml_structured"))
    if collects:
        wanted += [pl.col("mandate_date").dt.to_string("%Y-%m-%d").alias("xml_mandate_date")]
        wanted += [
            pl.col("mandate_amended")
            .replace_strict({True: "true", False: "false"}, return_dtype=pl.String)
            .alias("xml_amended")
        ]
    frame = frame.with_columns(wanted)
    if collects:
        # A direct debit must name the debtor's bank, or say that the IBAN does.
        named = [pl.col(name).is_not_null() for name in ("xml_bic", "xml_member") if name in frame.columns]
        unnamed = ~pl.any_horizontal(named or [pl.lit(value=False)])
        frame = frame.with_columns(pl.when(unnamed).then(pl.lit(NOT_PROVIDED)).alias("xml_no_agent"))
    return frame


def _identified(dialect: Dialect) -> list[pl.Expr]:
    """`xml_instruction_id` and `end_to_end_id` as the bank wants them."""
    own = pl.col("reference") if dialect.end_to_end_id == "reference" else pl.col("end_to_end_id")
    missing = pl.col("reference") if dialect.missing_end_to_end_id == "reference" else pl.lit(NOT_PROVIDED)
    instruction = pl.col("reference") if dialect.instruction_id else pl.lit(None, dtype=pl.String)
    unknown = own.is_null() | ((own == NOT_PROVIDED) & pl.lit(dialect.missing_end_to_end_id == "reference"))
    return [
        instruction.alias("xml_instruction_id"),
        pl.when(unknown).then(missing).otherwise(own).alias("end_to_end_id"),
    ]


def _has(frame: pl.DataFrame, name: str) -> bool:
    return frame[name].null_count() < frame.height


def _lines(frame: pl.DataFrame, column: str, element: str) -> pl.Expr:
    if frame[column].str.contains("\n", literal=True).any():
        return leaves(element, pl.col(column))
    return wrap(element, pl.col(column))


def _amount(currency: str) -> pl.Expr:
    digits = exponent(currency)
    assert digits is not None, "a profile's currency is one of ISO 4217"
    minor = pl.col("amount_minor")
    if digits == 0:
        return minor.cast(pl.String).alias("xml_amount")
    fractions = pl.Series([f".{fraction:0{digits}d}" for fraction in range(10**digits)])
    whole = (minor // 10**digits).cast(pl.String)
    return pl.concat_str(whole, pl.lit(fractions).gather(minor % 10**digits)).alias("xml_amount")


def _agent(frame: pl.DataFrame, currency: str) -> list[pl.Expr]:
    agent = pl.col("creditor_agent")
    if frame["creditor_agent"].str.contains(BIC).all():
        return [agent.alias("xml_bic")]
    is_bic = agent.str.contains(BIC)
    member = pl.when(~is_bic).then(agent)
    if currency == "EUR":
        # The IBAN names the bank in SEPA; a clearing number beside it could only contradict it.
        member = pl.when(~pl.col("creditor_account").str.contains(IBAN).fill_null(value=False)).then(member)
    found = [pl.when(is_bic).then(agent).alias("xml_bic"), member.alias("xml_member")]
    if currency in _CLEARING:
        code, form = _CLEARING[currency]
        found.append(pl.when(member.str.contains(form)).then(pl.lit(code)).alias("xml_system"))
    return found


def _account(frame: pl.DataFrame) -> list[pl.Expr]:
    account = pl.col("creditor_account")
    if frame["creditor_account"].str.contains(IBAN).all():
        return [account.alias("xml_iban")]
    is_iban = account.str.contains(IBAN)
    return [
        pl.when(is_iban).then(account).alias("xml_iban"),
        pl.when(~is_iban).then(account).alias("xml_other"),
        pl.when(~is_iban).then("creditor_account_type").alias("xml_account_type"),
    ]


def _coded(name: str) -> list[pl.Expr]:
    value = pl.col(name)
    is_code = value.str.contains(CODE)
    return [
        pl.when(is_code).then(value).alias(f"xml_{name}_code"),
        pl.when(~is_code).then(value).alias(f"xml_{name}_other"),
    ]


def _references(frame: pl.DataFrame) -> pl.Expr:
    """One Strd a reference. One without a type is a creditor reference, but in a client's own ISO file it says no more."""
    told, kind = pl.col("remittance_reference"), pl.col("remittance_reference_type")
    found = _structured(told, None if "original" in frame.columns else "SCOR")
    for kinds in frame["remittance_reference_type"].drop_nulls().unique(maintain_order=True):
        codes = set(kinds.split("\n"))
        # Several references with types that differ: which is whose does not stand in the columns.
        typed = _structured(told, codes.pop() if len(codes) == 1 else None)
        found = pl.when(kind == kinds).then(typed).otherwise(found)
    return found


def _structured(references: pl.Expr, code: str | None) -> pl.Expr:
    name = "Cd" if code in _REFERENCE_CODES else "Prtry"
    kind = f"<Tp><CdOrPrtry><{name}>{code}</{name}></CdOrPrtry></Tp>" if code else ""
    return leaves("Ref", references, f"<Strd><CdtrRefInf>{kind}", "</CdtrRefInf></Strd>")

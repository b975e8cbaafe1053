"""Information to the account owner (`:86:`) as columns, in the dialect that the profile declares.

Sources: Die Deutsche Kreditwirtschaft, DFÜ agreement annex 3, MT940: field 86 structured by transaction code (`?20`);
Dutch banks' MT940 structured (`/EREF/`); Common Global Implementation MT940 (code words). Whatever is not declared is text.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.identifying import NOT_PROVIDED
from parsers._mt_statement_entries import reference_or_null
from parsers._mt_statement_options import StatementOptions

COLUMNS: Final = (
    "end_to_end_id", "instruction_id", "batch_id", "counterparty_name", "counterparty_account", "remittance", "additional",
    "proprietary",
)  # fmt: skip
CODES: Final = (
    "EREF", "KREF", "PREF", "IREF", "RREF", "MREF", "MARF", "CSID", "ORDP", "BENM", "ULTC", "ULTD", "ULTB", "NAME", "ACCT",
    "IBAN", "BBAN", "BIC", "ADDR", "REMI", "TRTP", "TRCD", "CNTP", "ISDT", "RTRN", "PURP", "SVCL", "OCMT", "CHGS", "EXCH",
    "SUM", "INV", "ACCW", "ID", "CREF", "CRNF", "CDTRREF", "CDTRREFTP", "SUBJ",
)  # fmt: skip
"""Code words between slashes that banks document."""
_KEYS: Final = r"(EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE|PURP|RREF|IREF|CHGS|RCMT|SQTP|ORCR|ORMR)\+|(MTLG):"
"""Key words of the SEPA purpose within the German subfields."""
_REFERENCE_CHARS_MAX: Final = 35
"""ISO 20022 Max35Text: end-to-end id, customer reference, mandate id."""
_FIELD, _KEY = "\x1e", "\x1f"
"""Signs that no line of a file holds: put before each part, and between its name and its value."""


def information_columns(entries: pl.DataFrame, options: StatementOptions) -> pl.DataFrame:
    """The entries with the columns of COLUMNS added and `misfit`: the information is not written as declared.

    `information` is the text of `:86:`, its lines by line feeds; null where there is none.
    """
    whole = pl.col("information").str.replace_all("\n", "", literal=True)
    if options.information == "subfields":
        return _of_subfields(entries.with_columns(whole.alias("whole")), options.separator)
    if options.information == "codes":
        return _of_codes(entries.with_columns(whole.alias("whole")), (*CODES, *options.codes))
    text = pl.col("information").str.replace_all(r" +(\n|$)", "${1}").str.strip_chars("\n").replace("", None)
    return entries.with_columns(
        text.alias("remittance"), misfit=pl.lit(value=False), additional=pl.lit(None, dtype=pl.String),
        proprietary=pl.col("kind"), instruction_id=pl.col("reference"),
    )  # fmt: skip


def _of_subfields(entries: pl.DataFrame, separator: str) -> pl.DataFrame:
    sign = f"\\x{ord(separator):02x}"  # whatever the sign means to a pattern
    structured = pl.col("whole").str.contains(rf"^ *(?:[0-9]{{3}})?{sign}[0-9]{{2}}")
    marked = pl.when(structured).then(pl.col("whole").str.replace_all(sign + "([0-9]{2})", _FIELD + "${1}"))
    entries = entries.with_columns(structured.alias("structured"), marked.alias("marked"))
    purpose = _joined("(?:2[0-9]|6[0-3])")
    keyed = purpose.str.replace_all(_KEYS, f"{_FIELD}${{1}}${{2}}{_KEY}")
    entries = entries.with_columns(
        purpose.alias("purpose"), keyed.alias("keyed"), code=pl.col("marked").str.extract("^ *([0-9]{3})", 1)
    )
    parts = [pl.col("kind"), pl.col("code"), _joined("10"), _joined("34")]
    return entries.with_columns(
        end_to_end_id=_end_to_end(_reference("EREF")),
        instruction_id=pl.coalesce("reference", reference_or_null(_reference("KREF"))),
        counterparty_name=_joined("3[23]"),
        counterparty_account=_joined("31"),
        # A purpose without key words, or with some before them that none announces, is read whole.
        remittance=pl.when("structured").then(pl.coalesce(_key("keyed", "SVWZ"), _before_keys(), "purpose")).otherwise("information"),
        additional=_joined("00"),
        mandate_id=_reference("MREF"), counterparty_agent=_joined("30"),
        proprietary=pl.when("structured").then(pl.concat_str(parts, separator="+", ignore_nulls=True)).otherwise("kind"),
        misfit=(~pl.col("structured")).fill_null(value=False),
    )  # fmt: skip


def _joined(number: str) -> pl.Expr:
    """Subfields whose number matches, put together; null where there is none or nothing in it."""
    parts = pl.col("marked").str.extract_all(f"{_FIELD}{number}[^{_FIELD}]*")
    text = parts.list.eval(pl.element().str.slice(3)).list.join("")
    return text.str.strip_chars(" ").replace("", None)


def _reference(name: str) -> pl.Expr:
    """What stands behind a key word; where that is longer than a reference, what its own subfield holds of it."""
    whole = _key("keyed", name)
    own = (
        pl.col("marked")
        .str.extract(f"{_FIELD}(?:2[0-9]|6[0-3]){name}\\+([^{_FIELD}]*)", 1)
        .str.strip_chars(" ")
        .replace("", None)
    )
    return pl.when(whole.str.len_chars() <= _REFERENCE_CHARS_MAX).then(whole).otherwise(own)


def _before_keys() -> pl.Expr:
    return pl.col("keyed").str.extract(f"^([^{_FIELD}]+)", 1).str.strip_chars(" ").replace("", None)


def _key(column: str, *names: str) -> pl.Expr:
    """What stands behind the first of these key words, where it stands twice the first that is not empty; null where nothing does."""
    found = [
        pl.col(column).str.extract(f"{_FIELD}{name}{_KEY}([^{_FIELD}]+)", 1).str.strip_chars(" ").replace("", None)
        for name in names
    ]
    return pl.coalesce(found)


def _end_to_end(text: pl.Expr) -> pl.Expr:
    return pl.when(~text.str.to_uppercase().is_in([NOT_PROVIDED, "NOT PROVIDED", "NONREF"])).then(text)


def _of_codes(entries: pl.DataFrame, codes: tuple[str, ...]) -> pl.DataFrame:
    words = "|".join(sorted(codes, key=len, reverse=True))
    coded = pl.col("whole").str.replace_all(f"/({words})/", f"{_FIELD}${{1}}{_KEY}")
    entries = entries.with_columns(
        pl.col("whole").str.contains(f"^/({words})/").alias("structured"), coded.alias("keyed")
    )
    # /CNTP/account/BIC/name/town is one part; so is /REMI/USTD//text.
    counterparty = _key("keyed", "CNTP").str.split("/")
    remittance = _key("keyed", "REMI").str.replace(r"^(?:USTD|STRD)/+", "").str.strip_chars("/").replace("", None)
    remittance = pl.coalesce(remittance, _trimmed(_key("keyed", "CDTRREF")))
    with_ = _key("keyed", "ACCW").str.splitn(",", 2).struct  # account,BIC
    account = pl.coalesce(
        _key("keyed", "IBAN", "ACCT", "BBAN"), with_.field("field_0"), counterparty.list.get(0, null_on_oob=True)
    )
    return entries.with_columns(
        end_to_end_id=_end_to_end(_trimmed(_key("keyed", "EREF"))),
        instruction_id=pl.coalesce("reference", reference_or_null(_trimmed(_key("keyed", "KREF", "CREF", "IREF")))),
        batch_id=_trimmed(_key("keyed", "PREF")),
        counterparty_name=pl.coalesce(_trimmed(_key("keyed", "NAME")), counterparty.list.get(2, null_on_oob=True)).replace("", None),
        counterparty_account=_trimmed(account),
        remittance=pl.when("structured").then(remittance).otherwise("information"),
        return_reason=_trimmed(_key("keyed", "RTRN")),
        mandate_id=_trimmed(_key("keyed", "MARF", "MREF")),
        counterparty_agent=_trimmed(pl.coalesce(_key("keyed", "BIC"), with_.field("field_1"), counterparty.list.get(1, null_on_oob=True))),
        additional=_trimmed(_key("keyed", "TRTP")),
        proprietary=pl.concat_str([pl.col("kind"), _trimmed(_key("keyed", "TRCD"))], separator="+", ignore_nulls=True),
        misfit=(~pl.col("structured")).fill_null(value=False),
    )  # fmt: skip


def _trimmed(text: pl.Expr) -> pl.Expr:
    return text.str.strip_chars("/ ").replace("", None)

"""What is wrong with statuses, returns and cancellations, as FINDINGS."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import polars as pl

from canonical.codes import Level, Severity
from canonical.counts import count_of
from canonical.frames import FINDINGS, dtypes
from canonical.identifying import identifies
from canonical.limits import AMOUNT_MINOR_MAX, INT64_MAX
from canonical.money import format_minor, parse_minor
from parsers._feedback_amounts import why_unread
from parsers._iso_faults import Fault, findings_frame

_ASK: Final = "Ask the provider for its status; until then the payment keeps the one it has."
_WHICH: Final = "Ask the provider which payment it means; until then it is of none."
_PLACES: Final = {"pacs.004": "TxInf"}
_TELL: Final = "Tell the provider. The status is taken by its references alone."
_COUNT_AGAIN: Final = "Ask the provider which payments it means; what stands in the file is taken as it stands."
_STATUS_FIELDS: Final = {"camt.029": "TxInfAndSts/TxCxlSts"}
_AMOUNT_FIELDS: Final = {
    "pain.002": "OrgnlTxRef/Amt/InstdAmt", "pacs.002": "OrgnlTxRef/IntrBkSttlmAmt", "pacs.004": "TxInf/OrgnlIntrBkSttlmAmt",
    "camt.029": "TxInfAndSts/OrgnlInstdAmt",
}  # fmt: skip


def row_findings(name: str, rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Of transactions without a status, and of amounts that are none."""
    rule = name.replace(".", "")
    none = pl.lit(None, dtype=pl.String)
    references = pl.col(
        "original_instruction_id", "original_end_to_end_id", "original_transaction_id", "original_uetr",
        "clearing_reference",
    )  # fmt: skip
    checks = (
        (~pl.any_horizontal(identifies(references.str.strip_chars()).fill_null(value=False)) & (pl.col("level") == Level.PAYMENT.value), f"{rule}-reference", "CH21",
         _PLACES.get(name, "TxInfAndSts"), none, "The transaction names no payment: it has no original reference that says something.", _WHICH),
        (pl.col("status").is_null() & (pl.col("level") == Level.PAYMENT.value), f"{rule}-status", "CH21",
         _STATUS_FIELDS.get(name, "TxInfAndSts/TxSts"), none,
         "The transaction has no status, and none above it says what becomes of it.", _ASK),
        (pl.col("amount_text").is_not_null() & pl.col("amount_minor").is_null(), f"{rule}-amount", "AM12",
         _AMOUNT_FIELDS[name], pl.col("amount_text").str.head(60), _no_amount("original", "amount_text", "amount_in"), _TELL),
        (pl.col("returned").is_not_null() & pl.col("returned_minor").is_null(), f"{rule}-amount", "AM12",
         "TxInf/RtrdIntrBkSttlmAmt", pl.col("returned").str.head(60), _no_amount("returned", "returned", "returned_in"), _TELL),
    )  # fmt: skip
    for broken, told, reason, place, value, message, remedy in checks:
        yield rows.filter(broken).select(
            "line", "batch", "row", rule=pl.lit(told), reason=pl.lit(reason), severity=pl.lit(Severity.WARNING.value),
            level=pl.lit(Level.PAYMENT.value), batch_id="original_batch_id", end_to_end_id="original_end_to_end_id",
            field=pl.lit(place), value=value, message=message if isinstance(message, pl.Expr) else pl.lit(message), remedy=pl.lit(remedy),
        ).select(dtypes(FINDINGS).keys())  # fmt: skip


def _no_amount(which: str, text: str, currency: str) -> pl.Expr:
    return pl.format("The {} amount {}.", pl.lit(which), why_unread(pl.col(text), pl.col(currency), AMOUNT_MINOR_MAX))


def silence_findings(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Of a message that says of nothing what became of it: reasons alone (as the protocol of a bank's EBICS server has them) or less."""
    faults = []
    if rows["status"].is_null().all() and rows.filter(level=Level.PAYMENT.value).is_empty():
        reasons = ", ".join(rows["reason"].drop_nulls().unique(maintain_order=True).head(5))
        what = "The message states no status, of the file, of a batch or of a payment"
        what += f"; it gives reasons alone ({reasons})." if reasons else "."
        fault = Fault(f"{name.replace('.', '')}-status", "CH21", what, _ASK, severity=Severity.WARNING, line=1)
        faults.append(fault)
    return findings_frame(faults)


def count_findings(name: str, rows: pl.DataFrame, header: dict[str, str]) -> Iterator[pl.DataFrame]:
    """Of a header whose number or sum of transactions differs from those in the file (a return's header states both)."""
    if "count" not in header:
        return
    rule, payments = name.replace(".", ""), rows.filter(level=Level.PAYMENT.value)
    faults, count = [], header["count"]
    # A return of a whole group counts its payments and lists none.
    if payments.height and re.sub(r"^0+(?=\d)", "", count) != str(payments.height):
        what = f"The header says {count[:20]}; the file holds {count_of(payments.height, 'transaction')}."
        faults.append(Fault(f"{rule}-count", "AM18", what, _COUNT_AGAIN, line=1, field="GrpHdr/NbOfTxs"))
    total, currency = header.get("returned"), header.get("returned_currency", "")
    sums = payments.filter(pl.col("returned_currency") == currency)["returned_minor"]
    if total is not None and payments.height and parse_minor(total, currency, INT64_MAX) != int(sums.sum()):
        held = format_minor(int(sums.sum()), currency)
        what = f"The header says that {total[:30]} {currency} come back; the transactions sum to {held}."
        faults.append(Fault(f"{rule}-sum", "AM10", what, _COUNT_AGAIN, line=1, field="GrpHdr/TtlRtrdIntrBkSttlmAmt"))
    yield findings_frame(faults)

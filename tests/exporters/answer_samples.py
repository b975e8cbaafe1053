"""A client's file with faults of every kind, as the answers for people show it. Nobody in it exists."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import replace

import polars as pl

from canonical.contracts import ANSWER_DTYPES, Answer, FileHeader, FormatFacts
from canonical.frames import FINDINGS, PAYMENTS, conform, dtypes
from canonical.money import amount_minor
from canonical.profiles import ClientProfile

TERMS = {
    "end_to_end_id": "Reference", "creditor_name": "Payee", "creditor_account": "Payee account", "amount_text": "Amount",
    "currency": "Currency", "requested_execution_date_text": "Pay on", "remittance": "Text",
}  # fmt: skip
FACTS = FormatFacts("csv", terms=TERMS)
GOOD, BAD = "FR1420041010050500013M02606", "FR1420041010050500013M02607"
SWAPPED = "The account has wrong check digits: a digit is mistyped or two are swapped."
ASK = "Ask the payee for the account number again."


def payment(row: int, **changes: object) -> dict[str, object]:
    """One row of PAYMENTS."""
    return {
        "payment_id": f"p{row}", "row": row, "line": row + 1, "offset": 100 * row, "length": 90, "batch": 1, "credit_debit": "CRDT",
        "end_to_end_id": f"INV-{row}", "amount_text": f"{row}234.50", "amount_minor": row * 100_000 + 23_450, "currency": "EUR",
        "creditor_name": "Grün & Söhne", "creditor_account": GOOD, "requested_execution_date_text": "2026-12-01",
        "requested_execution_date": dt.date(2026, 12, 1), "prenote": False, **changes,
    }  # fmt: skip


def finding(row: int | None, **changes: object) -> dict[str, object]:
    """One row of FINDINGS: a wrong account."""
    line = None if row is None else row + 1
    return {
        "rule": "iban", "reason": "AC01", "severity": "error", "level": "payment", "row": row, "line": line,
        "field": "creditor_account", "value": "FR14…2607", "message": SWAPPED, "remedy": ASK, **changes,
    }  # fmt: skip


def payments_of(*rows: dict[str, object]) -> pl.DataFrame:
    return conform(pl.DataFrame(list(rows), infer_schema_length=None), PAYMENTS)


def findings_of(*rows: dict[str, object]) -> pl.DataFrame:
    return conform(pl.DataFrame(list(rows), infer_schema_length=None), FINDINGS)


def told_of(*rows: dict[str, object]) -> pl.DataFrame:
    """ANSWER rows."""
    base = {"batch": 1, "currency": "EUR", "credit_debit": "CRDT", "counterparty_name": "Grün…öhne", "status": "ACCP"}
    full = [
        {**dict.fromkeys(ANSWER_DTYPES), **base, "row": n, "line": n + 1, "end_to_end_id": f"INV-{n}",
         "amount_text": f"{n}234.50", **row}
        for n, row in enumerate(rows, 1)
    ]  # fmt: skip
    return with_minor(pl.DataFrame(full, schema=ANSWER_DTYPES))


def with_minor(rows: pl.DataFrame) -> pl.DataFrame:
    """ANSWER rows whose amounts are read, of a client that writes decimal points."""
    return rows.with_columns(amount_minor=amount_minor(pl.col("amount_text"), pl.col("currency")))


REFUSED = {"status": "RJCT", "reason": "AC01", "message": SWAPPED, "remedy": ASK}
PAYMENTS_ = payments_of(
    payment(2, creditor_account=BAD),
    payment(3, creditor_account=BAD, end_to_end_id="=HYPERLINK(1)", amount_text="12.3456", amount_minor=None),
    payment(4, creditor_name="<b>Käse</b>\n& Brot"),
    payment(5, creditor_name=None),
)
ROWS = told_of(
    {},
    REFUSED,
    {**REFUSED, "end_to_end_id": "=HYPERLINK(1)", "amount_text": "12.3456"},
    {},
    {**REFUSED, "reason": "BE22", "message": "The payee is missing.", "remedy": "Name the payee."},
)
FINDINGS_ = findings_of(
    finding(None, rule="control_sum", reason="AM10", severity="warning", level="file", field="TOTAL/sum", value="5.00", line=8,
            message="TOTAL/sum says 5.00, the rows sum to 6.00.", remedy="Compare both."),
    finding(2),
    finding(3),
    finding(3, rule="amount", reason="AM12", field="amount_text", value="12.3456", message="Amount “12.3456” has more decimals than EUR has (2).", remedy="Round it."),
    finding(4, rule="character_set", reason="RR10", severity="warning", field="creditor_name", value="<b>K…Brot", message="Payee has letters that banks change.", remedy="Nothing."),
    finding(5, rule="required", reason="BE22", field="creditor_name", value=None, message="The payee is missing.", remedy="Name the payee."),
    finding(6, rule="csv-columns", reason="FF02", field="record", value=None, message="The row has 6 columns, the header 7.", remedy="Quote it."),
)  # fmt: skip
ANSWER = Answer(
    answer_id="S0123456789abcdef012", client=ClientProfile(client_id="example", name="Example & Co", formats=("csv",)),
    file_id="f" * 20, file_name="pay <1>.csv", header=FileHeader("csv", "csv", "M-1", "2026-11-20"), milestone="validated",
    created=dt.datetime(2026, 11, 20, 12, 30, tzinfo=dt.UTC), status="PART", reasons=(), payments=5,
    sums_minor={"EUR": 1_617_250}, rows=ROWS, findings=FINDINGS_, facts=FACTS, faulty=PAYMENTS_.select,
)  # fmt: skip


def written(export: object, answer: Answer = ANSWER) -> bytes:
    out = io.BytesIO()
    export.write(answer, out)  # type: ignore[attr-defined]  # any answer export
    return out.getvalue()


def many(count: int) -> Answer:
    """A file in which the same thing is wrong with every payment."""
    numbers = pl.DataFrame({"row": range(1, count + 1)}, schema={"row": pl.Int64})
    told = numbers.select(
        **{name: pl.lit(None, dtype=dtype) for name, dtype in ANSWER_DTYPES.items() if name not in {"row", "status", "reason"}},
        row=pl.col("row"), status=pl.lit("RJCT"), reason=pl.lit("AC01"),
    ).select(*ANSWER_DTYPES)  # fmt: skip
    found = numbers.select(
        "row", line=pl.col("row") + 1,
        **{name: pl.lit(value) for name, value in finding(1).items() if name not in {"row", "line", "value"}},
    )  # fmt: skip
    known = numbers.select(
        "row", line=pl.col("row") + 1, payment_id=pl.format("p{}", "row"),
        **{
            name: pl.lit(value, dtype=dtypes(PAYMENTS)[name])
            for name, value in payment(1).items()
            if name not in {"row", "line", "payment_id"}
        },
    )  # fmt: skip
    return replace(
        ANSWER,
        rows=told,
        findings=conform(found, FINDINGS),
        faulty=conform(known, PAYMENTS).select,
        payments=count,
        status="RJCT",
    )

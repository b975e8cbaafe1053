"""pain.002 to clients: golden answers of every shape, both versions, and whatever text a client may have sent."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from canonical.contracts import ANSWER_DTYPES, Answer, FileHeader
from canonical.frames import FINDINGS, PAYMENTS, TOTALS, conform, dtypes, empty
from canonical.profiles import ClientProfile
from exporters.pain002 import EXPORT, Options

GOLDEN = Path(__file__).parent / "golden" / "pain002_export"
SWISS = "pain.002.001.03.ch.02"
VERSIONS = ("pain.002.001.10", "pain.002.001.03", SWISS, *(f"pain.002.001.{number}" for number in range(11, 16)))
KEPT = ("pain.002.001.10", "pain.002.001.03", SWISS)
"""Versions of which golden answers are kept; .11 to .15 are written as .10 is."""
CLIENT = ClientProfile(client_id="northwind", name="Northwind", formats=("pain.001",))
HEADER = FileHeader("pain.001", "pain.001.001.09", "PAY & 1", "2026-11-20T08:00:00+01:00", "Northwind")
REASON = ("AM10", "CtrlSum declares 9.00, the payments sum to 5.00. Correct the control sum and send the file again.")


def rows_of(*rows: dict[str, object]) -> pl.DataFrame:
    full = [
        {
            **dict.fromkeys(ANSWER_DTYPES),
            "row": n,
            "line": 10 * n,
            "batch": 1,
            "batch_id": "B-1",
            "status": "ACCP",
            **row,
        }
        for n, row in enumerate(rows, start=1)
    ]
    return pl.DataFrame(full, schema=ANSWER_DTYPES)


ACCEPTED = {
    "instruction_id": "I-1", "end_to_end_id": "E-1", "amount_text": "100.00", "currency": "EUR", "status": "ACCP",
}  # fmt: skip
REJECTED = {
    "instruction_id": "I-2", "end_to_end_id": "E-2", "amount_text": "1,50", "currency": "EUR", "status": "RJCT",
    "reason": "AM12", "message": 'Amount "1,50" is no amount of EUR: <a point> stands before the cents, and nothing stands between thousands.',
    "remedy": "Write 1.50.",
}  # fmt: skip
SHAPES = {
    "accepted": {"rows": rows_of(ACCEPTED, ACCEPTED), "status": "ACCP", "payments": 2, "sums_minor": {"EUR": 20000}},
    "partial": {
        "rows": rows_of(ACCEPTED, REJECTED, {**ACCEPTED, "batch": 2, "batch_id": None, "status": "PDNG", "message": "Waits to be sent."}),
        "status": "PART", "payments": 3, "sums_minor": {"EUR": 20000},
    },
    "rejected": {
        "rows": rows_of(REJECTED, {**REJECTED, "batch": 2, "batch_id": "B-2"}), "status": "RJCT", "payments": 2,
        "reasons": (REASON,),
    },
    "unreadable": {
        "rows": rows_of(), "status": "RJCT", "header": FileHeader("pain.001", "unknown"),
        "reasons": (("FF02", "The file is not well-formed XML in line 3. Correct the XML and send the file again."),),
    },
    "duplicate": {
        "rows": rows_of(ACCEPTED), "status": "ACSP", "payments": 1, "sums_minor": {"EUR": 10000},
        "milestone": "duplicate", "duplicate_of": "pay.xml received 2026-11-20 07:59 UTC (0123456789abcdef0123)",
    },
    "cancelled": {"rows": rows_of({**ACCEPTED, "status": "CANC"}), "status": "CANC", "payments": 1},
}  # fmt: skip


def answer(**changes: object) -> Answer:
    base = Answer(
        answer_id="S0000000000000000042", client=CLIENT, file_id="0123456789abcdef0123", file_name="pay.xml", header=HEADER,
        milestone="validated", created=dt.datetime(2026, 11, 20, 9, 0, tzinfo=dt.UTC), status="ACCP", reasons=(), payments=0,
        sums_minor={}, rows=rows_of(), findings=empty(FINDINGS),
    )  # fmt: skip
    return replace(base, **changes)


def write(told: Answer, version: str = VERSIONS[0], rows: str = "all") -> bytes:
    out = io.BytesIO()
    EXPORT.with_options(Options(version=version, rows=rows)).write(told, out)
    return out.getvalue()


def found(data: bytes, path: str) -> list[str | None]:
    tree = etree.fromstring(data)
    return [element.text for element in tree.findall(".//" + "/".join("{*}" + step for step in path.split("/")))]


# ---------------------------------------------------------------------------------------------- shapes


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_golden_answers(shape, version, xsd):
    data = write(answer(**SHAPES[shape]), version)
    xsd(version).assertValid(etree.fromstring(data))
    if version in KEPT:
        assert data == (GOLDEN / f"{shape}_{version.removeprefix('pain.002.001.')}.xml").read_bytes()
    else:
        assert data == write(answer(**SHAPES[shape])).replace(b"pain.002.001.10", version.encode())


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_exceptions_only(shape, version, xsd):
    data = write(answer(**SHAPES[shape]), version, rows="exceptions")
    xsd(version).assertValid(etree.fromstring(data))
    every = write(answer(**SHAPES[shape]), version)
    assert found(data, "PmtInfSts") == found(every, "PmtInfSts")
    assert found(data, "NbOfTxsPerSts/DtldNbOfTxs") == found(every, "NbOfTxsPerSts/DtldNbOfTxs")
    assert found(data, "TxSts") == [status for status in found(every, "TxSts") if status in {"RJCT", "CANC"}]


def test_the_swiss_version_tells_only_of_what_is_not_accepted():
    data = write(answer(**SHAPES["partial"]), SWISS)
    assert b'xmlns="http://www.six-interbank-clearing.com/de/pain.002.001.03.ch.02.xsd"' in data
    assert found(data, "TxSts") == ["RJCT"]
    assert found(data, "PmtInfSts") == ["PART", "PDNG"]
    assert found(data, "NbOfTxsPerSts") == []
    assert found(data, "InitgPty/Nm") == ["NOTPROVIDED"]


def test_who_answers_is_named():
    out = io.BytesIO()
    EXPORT.with_options(Options(sender="Müller & Co")).write(answer(**SHAPES["accepted"]), out)
    assert found(out.getvalue(), "GrpHdr/InitgPty/Nm") == ["Müller & Co"]


def test_nothing_is_known_of_an_unreadable_file():
    data = write(answer(**SHAPES["unreadable"]))
    assert found(data, "OrgnlMsgId") == ["NOTPROVIDED"]
    assert found(data, "OrgnlMsgNmId") == ["pain.001"]
    assert found(data, "OrgnlPmtInfAndSts") == []


def test_a_duplicate_says_that_the_original_stands():
    data = write(answer(**SHAPES["duplicate"]))
    assert found(data, "GrpSts") == ["ACSP"]
    assert found(data, "OrgnlGrpInfAndSts/StsRsnInf/Rsn/Cd") == ["NARR"]
    said = " ".join(found(data, "OrgnlGrpInfAndSts/StsRsnInf/AddtlInf"))
    assert "Nothing was done with this copy" in said
    assert "The original stands" in said
    assert "RJCT" not in data.decode()


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (("ACCP", "ACCP"), "ACCP"),
        (("ACCP", "RJCT"), "PART"),
        (("ACSC", "CANC"), "PART"),
        (("RJCT", "RJCT"), "RJCT"),
        (("ACSC", "ACSP"), "ACSP"),
        (("PDNG", "ACSC"), "PDNG"),
        (("ACCP", "ACWC"), "ACWC"),
        (("RJCT", "CANC"), "PART"),
        (("XXXX", "YYYY"), "XXXX"),
    ],
)
def test_status_of_a_batch_comes_from_its_rows(statuses, expected):
    told = write(answer(rows=rows_of(*({"status": status} for status in statuses)), payments=2))
    assert found(told, "PmtInfSts") == [expected]


def test_batch_findings_stand_on_their_batch_even_without_payments():
    finding = {
        "rule": "r",
        "reason": "AM10",
        "severity": "error",
        "level": "batch",
        "message": "Sum is wrong.",
        "remedy": "Mend it.",
    }
    findings = pl.DataFrame(
        [
            {**finding, "batch": 1},
            {**finding, "batch": 3, "batch_id": "B-3"},
            {**finding, "batch": 1, "severity": "warning"},
        ],
        schema=dtypes(FINDINGS),
    )
    data = write(answer(rows=rows_of(ACCEPTED), payments=1, findings=findings))
    assert found(data, "OrgnlPmtInfId") == ["B-1", "B-3"]
    assert found(data, "PmtInfSts") == ["ACCP", "RJCT"]
    assert found(data, "OrgnlPmtInfAndSts/StsRsnInf/AddtlInf") == ["Sum is wrong. Mend it."] * 2


# ---------------------------------------------------------------------------------------------- one payment


def findings_of(*told: dict[str, object]) -> pl.DataFrame:
    schema = {name: kind for name, kind in dtypes(FINDINGS).items() if any(name in one for one in told)}
    base = {"rule": "r", "severity": "error", "level": "payment", "remedy": "Mend it."}
    return conform(pl.DataFrame([{**base, **one} for one in told], schema_overrides=schema), FINDINGS)


def payments_of(*told: dict[str, object]) -> pl.DataFrame:
    base = {
        "payment_id": "p", "row": 1, "line": 1, "offset": 0, "length": 1, "batch": 1, "credit_debit": "CRDT", "prenote": False,
        "requested_execution_date": dt.date(2026, 12, 1), "creditor_name": "Grün & Söhne", "debtor_name": "Northwind",
    }  # fmt: skip
    return conform(pl.DataFrame([{**base, **one} for one in told]), PAYMENTS)


TWO_FAULTS = findings_of(
    {"row": 2, "reason": "AM12", "message": "Amount is no amount."},
    {"row": 2, "reason": "RR10", "severity": "warning", "message": "Odd letters."},
    {"row": 2, "reason": "AC01", "message": "Check digits are wrong."},
    {"row": 1, "reason": "RR10", "severity": "warning", "message": "Odd letters."},
)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_all_payments_say_is_said_once_by_the_group(version, xsd):
    says = {**ACCEPTED, "message": "Accepted; it goes out with the next submission."}
    alike = write(answer(rows=rows_of(says, {**says, "batch": 2}), payments=2), version)
    xsd(version).assertValid(etree.fromstring(alike))
    assert found(alike, "OrgnlGrpInfAndSts/StsRsnInf/AddtlInf") == [says["message"]]
    assert found(alike, "StsRsnInf/AddtlInf") == [says["message"]]
    mixed = write(answer(rows=rows_of(says, REJECTED), payments=2), version)
    xsd(version).assertValid(etree.fromstring(mixed))
    assert found(mixed, "OrgnlGrpInfAndSts/StsRsnInf/AddtlInf") == [
        f"Payments with no reason of their own: {says['message']}"
    ]
    assert says["message"] not in found(mixed, "TxInfAndSts/StsRsnInf/AddtlInf")
    data = write(answer(rows=rows_of(says, {**says, "message": "Waits."}), payments=2), version)
    assert found(data, "OrgnlGrpInfAndSts/StsRsnInf/AddtlInf") == []


def test_every_fault_of_a_rejected_payment_is_a_reason_of_its_own(xsd):
    data = write(answer(**{**SHAPES["partial"], "findings": TWO_FAULTS}))
    xsd("pain.002.001.10").assertValid(etree.fromstring(data))
    assert found(data, "TxInfAndSts/StsRsnInf/Rsn/Cd") == ["AM12", "AC01", "RR10"]
    assert found(data, "TxInfAndSts/StsRsnInf/AddtlInf")[:3] == [
        "Row 2, line 20: Amount is no amount. Mend it.", "Check digits are wrong. Mend it.", "Warning: Odd letters. Mend it.",
    ]  # fmt: skip


UNREAD = {"row": 9, "line": 30, "reason": "CH16", "message": "The row has 6 columns.", "remedy": "Quote it."}


def test_a_row_that_could_not_be_read_is_told_with_the_group(xsd):
    told = findings_of(UNREAD, {**UNREAD, "row": 10, "severity": "warning", "message": "It sums up."})
    data = write(answer(**{**SHAPES["partial"], "findings": told}))
    xsd("pain.002.001.10").assertValid(etree.fromstring(data))
    said = found(data, "OrgnlGrpInfAndSts/StsRsnInf/AddtlInf")
    assert [words for words in said if "columns" in words] == ["Row 9, line 30: The row has 6 columns. Quote it."]
    assert not any("sums up" in words for words in said)
    later = write(answer(**{**SHAPES["partial"], "findings": told, "milestone": "sent"}))
    assert b"columns" not in later


def test_of_many_such_rows_the_first_are_told_and_the_others_counted(xsd):
    told = findings_of(*({**UNREAD, "row": row, "line": row} for row in range(100, 125)))
    data = write(answer(**{**SHAPES["partial"], "findings": told}))
    xsd("pain.002.001.10").assertValid(etree.fromstring(data))
    said = found(data, "OrgnlGrpInfAndSts/StsRsnInf/AddtlInf")
    assert sum("columns" in words for words in said) == 20
    assert "5 rows more could not be read." in said


def test_places_are_called_as_the_format_calls_them():
    facts = replace(answer(**SHAPES["partial"]).facts, places=("Payment", "Row"))
    data = write(answer(**{**SHAPES["partial"], "findings": TWO_FAULTS, "facts": facts}))
    assert found(data, "TxInfAndSts/StsRsnInf/AddtlInf")[0] == "Payment 2, row 20: Amount is no amount. Mend it."


def test_a_reason_from_above_is_told_where_the_payment_has_only_warnings():
    told = {**REJECTED, "reason": "AM10", "message": "CtrlSum is wrong.", "remedy": "Mend it."}
    warned = findings_of({"row": 1, "reason": "RR10", "severity": "warning", "message": "Odd letters."})
    data = write(answer(rows=rows_of(told), payments=1, status="RJCT", findings=warned))
    assert found(data, "TxInfAndSts/StsRsnInf/Rsn/Cd") == ["AM10"]
    assert found(data, "TxInfAndSts/StsRsnInf/AddtlInf") == ["Row 1, line 10: CtrlSum is wrong. Mend it."]


def test_in_an_outcome_the_banks_reason_counts():
    data = write(answer(**{**SHAPES["partial"], "findings": TWO_FAULTS, "milestone": "acknowledged"}))
    assert found(data, "TxInfAndSts/StsRsnInf/Rsn/Cd") == ["AM12"]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_original_payment_is_told_where_it_is_known(version, xsd):
    uetr = "00000000-0000-4000-8000-00000000000a"
    known = payments_of({"row": 2, "uetr": uetr}, {"row": 3, "uetr": "no uuid", "credit_debit": "DBIT"})
    rows = rows_of(ACCEPTED, REJECTED, {**REJECTED, "credit_debit": "DBIT"})
    data = write(answer(rows=rows, payments=3, faulty=known.select), version)
    xsd(version).assertValid(etree.fromstring(data))
    choice = version[-2:] >= "10"
    assert found(data, "Cdtr/Pty/Nm" if choice else "Cdtr/Nm") == ["Grün & Söhne"] * 2
    assert found(data, "ReqdExctnDt/Dt" if choice else "ReqdExctnDt") == ["2026-12-01"]
    assert found(data, "ReqdColltnDt") == ["2026-12-01"]
    assert found(data, "OrgnlUETR") == ([uetr] if choice else [])


def test_every_status_has_an_id_that_a_repeat_gives_again():
    data = write(answer(**SHAPES["partial"]))
    assert found(data, "StsId") == [f"S0000000000000000042-{row}" for row in (1, 2, 3)]


def test_slices_change_nothing(monkeypatch):
    told = answer(**{**SHAPES["partial"], "findings": TWO_FAULTS, "faulty": payments_of({"row": 2}).select})
    whole = write(told)
    monkeypatch.setattr("exporters._iso_answer_rows.SLICE_ROWS", 1)
    assert write(told) == whole


def test_amounts_that_are_none_are_left_out_and_long_texts_cut_at_blanks():
    data = write(answer(**SHAPES["partial"]))
    assert found(data, "OrgnlTxRef/Amt/InstdAmt") == ["100.00", "100.00"]
    said = found(data, "TxInfAndSts/StsRsnInf/AddtlInf")
    assert said[0].startswith('Row 2, line 20: Amount "1,50" is no amount')
    assert all(len(text) <= 105 for text in said)
    whole = f"Row 2, line 20: {REJECTED['message']} {REJECTED['remedy']}"
    assert " ".join(said[:-1]) == whole


def test_an_amount_that_the_client_writes_otherwise_is_told_as_it_was_read():
    told = {**ACCEPTED, "amount_text": "1.234,5", "amount_minor": 123450}
    unread = {**ACCEPTED, "amount_text": "98765,", "amount_minor": None}
    data = write(answer(rows=rows_of(ACCEPTED, told, unread), payments=3))
    assert found(data, "OrgnlTxRef/Amt/InstdAmt") == ["100.00", "1234.50"]


def test_sums_of_several_currencies_are_added_as_iso_says():
    sums = {"EUR": 150, "JPY": 7, "BHD": 1}
    assert found(write(answer(rows=rows_of(ACCEPTED), payments=1, sums_minor=sums)), "OrgnlCtrlSum") == ["8.501"]
    assert found(write(answer(rows=rows_of(ACCEPTED), payments=1, sums_minor={"JPY": 7})), "OrgnlCtrlSum") == ["7"]


def declared(*totals: tuple[str, int | None, str, str]) -> pl.DataFrame:
    columns = ("level", "batch", "measure", "declared_text")
    told = pl.DataFrame(
        totals, schema=dict(zip(columns, (pl.String, pl.Int64, pl.String, pl.String), strict=True)), orient="row"
    )
    return conform(told.with_columns(field=pl.lit("X")), TOTALS)


def test_what_the_original_declares_of_itself_is_said_again_as_it_stands():
    rows = rows_of(ACCEPTED, {**ACCEPTED, "batch": 2, "batch_id": "B-2"})
    told = declared(
        ("file", None, "count", "3"),
        ("file", None, "sum", "9.0"),
        ("batch", 1, "count", "02"),
        ("batch", 2, "count", "many"),
    )
    data = write(answer(rows=rows, payments=2, sums_minor={"EUR": 20000}, declared=lambda: told))
    assert found(data, "OrgnlGrpInfAndSts/OrgnlNbOfTxs") == ["3"]
    assert found(data, "OrgnlCtrlSum") == ["9.0"]
    assert found(data, "OrgnlPmtInfAndSts/OrgnlNbOfTxs") == ["02", "1"]


@pytest.mark.parametrize(
    "text", ["", "1e3", "-5", "1.234,50", "1" * 19, "0.123456789012345678", "12345678901234567.89"]
)
def test_a_declared_total_that_is_none_gives_way_to_what_was_read(xsd, text):
    told = declared(("file", None, "count", text or "x"), ("file", None, "sum", text or "x"))
    data = write(answer(rows=rows_of(ACCEPTED), payments=1, sums_minor={"EUR": 150}, declared=lambda: told))
    assert found(data, "OrgnlGrpInfAndSts/OrgnlNbOfTxs") == ["1"]
    assert found(data, "OrgnlCtrlSum") == ["1.50"]
    xsd("pain.002.001.10").assertValid(etree.fromstring(data))


def test_totals_of_other_formats_count_otherwise_and_are_not_said():
    other = replace(HEADER, format="nacha", version="94-character records")
    told = declared(("file", None, "count", "00000009"))
    data = write(
        answer(rows=rows_of(ACCEPTED), payments=1, sums_minor={"EUR": 150}, declared=lambda: told, header=other)
    )
    assert found(data, "OrgnlGrpInfAndSts/OrgnlNbOfTxs") == ["1"]


def test_a_million_batches_would_not_be_a_loop():
    many = rows_of(*[{"batch": n, "batch_id": f"B{n}", "status": "RJCT" if n % 2 else "ACCP"} for n in range(1, 3001)])
    data = write(answer(rows=many, payments=3000))
    assert found(data, "OrgnlPmtInfId") == [f"B{n}" for n in range(1, 3001)]
    assert found(data, "TxSts")[:4] == ["RJCT", "ACCP", "RJCT", "ACCP"]


# ---------------------------------------------------------------------------------------------- any text

ANY = st.one_of(
    st.none(), st.text(st.characters(codec="utf-8"), max_size=300), st.sampled_from(["&<>\"'äöü", "\x00", " ", "\n"])
)
ROW = st.fixed_dictionaries(
    {
        "batch": st.integers(1, 3), "batch_id": ANY, "instruction_id": ANY, "end_to_end_id": ANY, "currency": ANY,
        "amount_text": st.one_of(ANY, st.from_regex(r"[0-9]{1,20}(\.[0-9]{0,7})?", fullmatch=True)),
        "status": st.sampled_from(["ACCP", "RJCT", "PDNG", "ACSP", "ACSC", "CANC", "ACWC"]),
        "reason": st.one_of(st.none(), st.sampled_from(["AM12", "R01"]), ANY), "message": ANY, "remedy": ANY,
    }
)  # fmt: skip
FAULT = st.fixed_dictionaries(
    {
        "row": st.integers(1, 4), "batch": st.integers(1, 4), "batch_id": ANY, "level": st.sampled_from(["payment", "batch"]),
        "reason": st.sampled_from(["AM12", "R01"]), "message": st.text(st.characters(codec="utf-8"), max_size=200),
        "severity": st.sampled_from(["error", "warning"]),
    }
)  # fmt: skip
KNOWN = st.fixed_dictionaries(
    {
        "row": st.integers(1, 6), "creditor_name": ANY, "debtor_name": ANY, "uetr": ANY,
        "requested_execution_date": st.one_of(st.none(), st.dates()), "credit_debit": st.sampled_from(["CRDT", "DBIT"]),
    }
)  # fmt: skip


@given(
    rows=st.lists(ROW, max_size=6), message_id=ANY, created=ANY, reasons=st.lists(st.tuples(st.sampled_from(["FF01", "NARR"]), st.text(max_size=300)), max_size=2),
    version=st.sampled_from(VERSIONS), which=st.sampled_from(["all", "exceptions"]), faults=st.lists(FAULT, max_size=4),
    known=st.lists(KNOWN, max_size=2),
)  # fmt: skip
def test_whatever_the_client_sent_the_answer_is_valid(  # noqa: PLR0917 - each is one thing that a file may hold
    rows, message_id, created, reasons, version, which, faults, known, xsd
):
    told = answer(
        rows=rows_of(*rows), payments=len(rows), status="PART", reasons=tuple(reasons),
        findings=findings_of(*faults) if faults else empty(FINDINGS), faulty=payments_of(*known).select if known else empty(PAYMENTS).select,
        header=FileHeader("pain.001", "pain.001.001.09", message_id, created),
    )  # fmt: skip
    data = write(told, version, which)
    xsd(version).assertValid(etree.fromstring(data))
    if which == "all" and version != SWISS:
        assert len(found(data, "TxInfAndSts")) == len(rows)


def test_the_same_answer_gives_the_same_bytes():
    assert write(answer(**SHAPES["partial"])) == write(answer(**SHAPES["partial"]))


def test_statuses_that_version_03_has_not():
    data = write(answer(**SHAPES["cancelled"]), "pain.002.001.03")
    assert found(data, "TxSts") == found(data, "GrpSts") == ["RJCT"]
    assert found(write(answer(**SHAPES["cancelled"])), "TxSts") == ["CANC"]

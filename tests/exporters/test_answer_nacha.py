"""Returns to NACHA clients: what is written is read back by the house's own reader of return files."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from answer_samples import payments_of, told_of
from hypothesis import given
from hypothesis import strategies as st

from canonical.codes import REASONS
from canonical.contracts import Answer, FileHeader, Source
from canonical.errors import ConfigError
from canonical.frames import FINDINGS, PAYMENTS, empty
from canonical.profiles import ClientProfile
from exporters._answer_nacha_codes import MEANINGS, OTHERWISE, RETURN_CODES
from exporters.answer_nacha import EXPORT, NachaAnswerOptions
from parsers.nacha import FORMAT as PAYMENT_FILES
from parsers.nacha_return import FORMAT as RETURNS

GOLDEN = Path(__file__).parent / "golden" / "answer_nacha"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "exports" / "answer-nacha.md"
OPTIONS = NachaAnswerOptions(immediate_origin="123456780", immediate_origin_name="Example Gateway")
ODFI = "07640125"


def entry(row, **changes):
    """One row of ENTRIES: a salary."""
    return {
        "payment_id": f"p{row}", "row": row, "line": row + 2, "offset": 94 * row, "length": 94, "batch": 1, "batch_id": "0000001",
        "instruction_id": f"{ODFI}{row:07d}", "end_to_end_id": f"EMP-{row}", "credit_debit": "CRDT", "amount_text": f"{row}00.25",
        "amount_minor": row * 10_000 + 25, "currency": "USD", "transaction_code": "22", "local_instrument": "PPD",
        "category_purpose": "PAYROLL", "requested_execution_date": dt.date(2026, 12, 1), "debtor_name": "Birch Supplies",
        "debtor_id": "1123456789", "debtor_agent": ODFI, "creditor_name": "Erika Example", "creditor_account": "000123456",
        "creditor_agent": "091000019", "prenote": False, **changes,
    }  # fmt: skip


DEBIT = {
    "credit_debit": "DBIT", "transaction_code": "37", "local_instrument": "WEB", "batch": 2, "debtor_name": "Max Sample",
    "debtor_account": "77-88", "debtor_agent": "091000019", "creditor_name": "Birch Supplies", "creditor_id": "9876543210",
    "creditor_account": None, "creditor_agent": ODFI, "category_purpose": "BILL",
}  # fmt: skip


def answer_of(payments, reasons, **changes):
    """The answer to a file of these payments; reason None: accepted."""
    rows = told_of(
        *(
            {
                **{name: one[name] for name in ("row", "line", "batch", "instruction_id", "end_to_end_id", "amount_text", "credit_debit")},
                "currency": "USD", "status": "RJCT" if reason else "ACCP", "reason": reason,
                "message": f"Because of “{reason}”…" if reason else None,
            }
            for one, reason in zip(payments, reasons, strict=True)
        )
    )  # fmt: skip
    base = Answer(
        answer_id="S0123456789abcdef012", client=ClientProfile(client_id="birch", name="Birch Supplies Inc", formats=("nacha",), time_zone="America/New_York"),
        file_id="f" * 20, file_name="pay.ach", header=FileHeader("nacha", "94-byte records", "1123456789-2611200800-A"),
        milestone="validated", created=dt.datetime(2026, 11, 20, 13, 30, tzinfo=dt.UTC), status="PART", reasons=(),
        payments=rows.height, sums_minor={}, rows=rows, findings=empty(FINDINGS), faulty=payments_of(*payments).select,
    )  # fmt: skip
    return replace(base, **changes)


ENTRIES = [entry(1), entry(2), entry(3, creditor_name="Jürgen Ünlängbarer-Beispielname"), entry(4, **DEBIT)]
ANSWER = answer_of(ENTRIES, ["AC04", None, "AM05", "RC04"])


def written(answer=ANSWER, options=OPTIONS):
    out = io.BytesIO()
    EXPORT.with_options(options).write(answer, out)
    return out.getvalue()


def read(data):
    feedback = RETURNS.read(Source("f" * 20, "x.ach", data), RETURNS.options())
    assert feedback.findings.rows() == [], feedback.findings
    return feedback.statuses


def test_the_golden_file():
    data = written()
    assert data == (GOLDEN / "answer.ach").read_bytes()
    assert written() == data


def test_records_have_94_characters_in_blocks_of_ten():
    lines = written().decode("ascii").splitlines()
    assert {len(line) for line in lines} == {94}
    assert len(lines) % 10 == 0
    assert lines[0][3:34] == "1123456789 1234567802611200830A"
    assert "".join(line[0] for line in lines).rstrip("9") == "15676785678"


def test_our_own_reader_reads_it_back():
    told = read(written())
    assert told.select(
        "kind", "original_instruction_id", "status", "reason", "amount_minor", "credit_debit"
    ).rows() == [
        ("return", f"{ODFI}0000001", "RJCT", "R02", 10_025, "CRDT"),
        ("return", f"{ODFI}0000003", "RJCT", "R24", 30_025, "CRDT"),
        ("return", f"{ODFI}0000004", "RJCT", "R13", 40_025, "DBIT"),
    ]
    assert told["original_end_to_end_id"].to_list() == ["EMP-1", "EMP-3", "EMP-4"]
    assert told["reason_text"].to_list()[0] == 'AC04 Because of "AC04"...'
    assert told["original_message_id"].unique().to_list() == [ANSWER.answer_id]


def test_each_entry_comes_back_as_it_was():
    lines = [line for line in written().decode("ascii").splitlines() if line[0] in "67"]
    first, addenda, third = lines[0], lines[1], lines[2]
    assert first[1:12] == "21076401251"
    assert first[12:29] == f"{'000123456':17}"
    assert first[29:39] == "0000010025"
    assert first[54:76] == f"{'Erika Example':22}"
    assert first[78] == "1"
    assert addenda[:21] == f"799R02{ODFI}0000001"
    assert addenda[27:35] == "09100001"
    assert addenda[79:] == first[79:] == "123456780000001"
    assert third[54:76] == "Jurgen Unlangbarer-Bei"
    assert lines[4][1:3] == "36"


def test_batches_are_the_clients_own():
    headers = [line for line in written().decode("ascii").splitlines() if line[0] == "5"]
    assert [
        (line[1:4], line[4:20].strip(), line[40:50], line[50:53], line[53:63].strip(), line[69:75]) for line in headers
    ] == [
        ("220", "Birch Supplies", "1123456789", "PPD", "PAYROLL", "261201"),
        ("225", "Birch Supplies", "9876543210", "WEB", "BILL", "261201"),
    ]
    assert [line[79:] for line in headers] == ["123456780000001", "123456780000002"]


@pytest.mark.parametrize(
    "changes", [{"duplicate_of": "pay.ach"}, {"rows": ANSWER.rows.filter(pl.col("status") == "ACCP")}]
)
def test_nothing_refused_nothing_written(changes):
    assert written(replace(ANSWER, **changes)) == b""


def test_without_options_the_profile_is_at_fault():
    with pytest.raises(ConfigError, match="immediate_origin"):
        EXPORT.write(ANSWER, io.BytesIO())


def test_an_entry_that_is_not_at_hand_is_told_by_its_trace_number():
    told = read(written(replace(ANSWER, faulty=empty(PAYMENTS).select)))
    assert told["original_instruction_id"].to_list() == [f"{ODFI}000000{row}" for row in (1, 3, 4)]
    assert told["amount_minor"].to_list() == [10_025, 30_025, 40_025]


def test_a_return_code_of_the_banks_own_is_told_as_it_is_and_a_cancelled_entry_as_wanted_back():
    later = replace(ANSWER, milestone="acknowledged", rows=ANSWER.rows.with_columns(reason=pl.lit("R09")))
    assert read(written(later))["reason"].to_list() == ["R09"] * 3
    cancelled = ANSWER.rows.with_columns(reason=pl.lit(None, dtype=pl.String), status=pl.lit("CANC"))
    assert read(written(replace(ANSWER, rows=cancelled)))["reason"].to_list() == ["R06"] * 4


@pytest.mark.parametrize("code", sorted(REASONS))
def test_every_reason_has_a_return_code_that_the_reader_knows(code):
    (told,) = read(written(answer_of([entry(1)], [code])))["reason"]
    assert told == RETURN_CODES.get(code, OTHERWISE)
    assert told in MEANINGS


def test_the_page_shows_the_table_as_it_is():
    text = PAGE.read_text(encoding="utf-8")
    for code in sorted(set(RETURN_CODES.values()) - {OTHERWISE}):
        reasons = ", ".join(sorted(reason for reason, told in RETURN_CODES.items() if told == code))
        assert f"| {code} | {MEANINGS[code]} | {reasons} |" in text
    assert f"| {OTHERWISE} | {MEANINGS[OTHERWISE]} | every other |" in text


@pytest.mark.parametrize(("sec", "place"), [("CTX", (58, 74)), ("CIE", (39, 54)), ("PPD", (54, 76))])
def test_the_name_stands_where_its_class_has_it(sec, place):
    lines = written(answer_of([entry(1, local_instrument=sec)], ["AC04"])).decode("ascii").splitlines()
    assert lines[2][slice(*place)].strip() == "Erika Example"


def test_an_international_entry_has_its_own_addenda():
    data = written(answer_of([entry(1, local_instrument="IAT")], ["AC04"]))
    lines = data.decode("ascii").splitlines()
    assert (lines[1][50:53], lines[1][20:22], lines[1][63:69]) == ("IAT", "FF", "USDUSD")
    assert lines[2][39:74].strip() == "000123456"
    assert (lines[3][35:45], lines[3][45:79].strip()) == ("0000010025", 'AC04 Because of "AC04"...')
    assert read(data)["reason_text"].to_list() == ['AC04 Because of "AC04"...']


def test_a_batch_that_is_too_long_goes_on_in_a_second_one(monkeypatch):
    monkeypatch.setattr("exporters._answer_nacha_records.ENTRIES_MAX", 2)
    monkeypatch.setattr("exporters.answer_nacha._SLICE_ROWS", 1)
    data = written(answer_of([entry(row) for row in range(1, 6)], ["AC04"] * 5))
    kinds = "".join(line[0] for line in data.decode("ascii").splitlines()).rstrip("9")
    assert kinds == "1567678567678" + "5678"
    assert read(data).height == 5


def test_every_payment_of_the_corpus_can_come_back(corpus):
    written_files = 0
    for file in corpus("nacha"):
        windows = PAYMENT_FILES.windows(
            Source("f" * 20, file.path.name, file.path.read_bytes()), PAYMENT_FILES.options()
        )
        payments = pl.concat([window.payments for window in windows])
        if payments.is_empty():
            continue
        rows = payments.select(
            "row", "line", "batch", "batch_id", "instruction_id", "end_to_end_id", "amount_text", "amount_minor", "currency", "credit_debit",
            counterparty_name=pl.lit("x"), status=pl.lit("RJCT"), reason=pl.lit("AC04"), message=pl.lit("m"), remedy=pl.lit("r"), milestone=pl.lit("validated"),
            booked=pl.lit(0, dtype=pl.Int64), corrections=pl.lit(0, dtype=pl.Int64),
        )  # fmt: skip
        told = read(written(replace(ANSWER, rows=rows, faulty=payments.select)))
        assert told["amount_minor"].to_list() == payments["amount_minor"].fill_null(0).to_list(), file.key
        assert told["credit_debit"].to_list() == payments["credit_debit"].to_list(), file.key
        written_files += 1
    assert written_files > 20


ANY = st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=50))


@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "batch": st.integers(1, 3), "instruction_id": ANY, "end_to_end_id": ANY, "creditor_name": ANY, "debtor_name": ANY,
                "creditor_account": ANY, "debtor_account": ANY, "creditor_agent": ANY, "debtor_agent": ANY, "debtor_id": ANY,
                "transaction_code": st.one_of(st.none(), st.sampled_from(["22", "27", "55", "x"])),
                "local_instrument": st.one_of(st.none(), st.sampled_from(["PPD", "CTX", "odd"])), "category_purpose": ANY,
                "amount_text": st.one_of(st.just("12.34"), st.text(max_size=12)), "credit_debit": st.sampled_from(["CRDT", "DBIT"]),
            }
        ),
        min_size=1, max_size=5,
    ),
    reason=st.sampled_from([*REASONS, "ZZZZ"]), name=st.text(max_size=30),
)  # fmt: skip
def test_whatever_the_client_sent_the_file_is_whole(rows, reason, name):
    payments = [entry(number, **row) for number, row in enumerate(sorted(rows, key=lambda row: row["batch"]), 1)]
    answer = answer_of(payments, [reason] * len(payments))
    answer = replace(answer, client=answer.client.model_copy(update={"name": name}))
    data = written(answer)
    assert {len(line) for line in data.decode("ascii").split("\n")[:-1]} == {94}
    feedback = RETURNS.read(Source("f" * 20, "x.ach", data), RETURNS.options())
    assert feedback.statuses.height == len(payments)
    assert not [
        rule
        for rule in feedback.findings["rule"]
        if rule in {"nacha-return-total", "nacha-return-addenda", "nacha-length"}
    ]

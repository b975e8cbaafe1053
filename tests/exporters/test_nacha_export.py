"""NACHA files for banks: golden, what is refused, splitting, and the way back through the parser."""

from __future__ import annotations

import datetime as dt
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.contracts import ExportSummary, Order, Source, Window
from canonical.errors import ConfigError, FrameBroken
from canonical.frames import PAYMENTS, conform
from canonical.parties import counterparty
from canonical.profiles import Account, Plugin, ProviderProfile, Rail
from canonical.tally import written_as
from exporters import _nacha_batches as batches_module
from exporters import nacha as module
from exporters._nacha_classes import CLASSES, WRITABLE_SEC
from exporters.nacha import EXPORT
from parsers.nacha import FORMAT

GOLDEN = Path(__file__).parent / "golden" / "nacha"
OPTIONS = {"immediate_destination": "076543216", "immediate_origin": "1234567890"}
RAIL = Rail(rail="ach", cut_off=dt.time(17), time_zone="America/New_York", calendar="fed")
ACCOUNT = Account(account="700100200", currency="USD", name="Example Operations", agent="123456780")


def order(options: dict[str, Any] | None = None, **changes: Any) -> Order:
    provider = ProviderProfile(
        provider_id="second-example", name="Second Example Bank",
        export=Plugin(name="nacha", options=OPTIONS if options is None else options),
        transport=Plugin(name="folder"), accounts=(ACCOUNT,), rails=(RAIL,),
    )  # fmt: skip
    made = Order(
        submission_id="S0123456789abcdef012", provider=provider, account=ACCOUNT, rail=RAIL,
        created=dt.datetime(2026, 11, 20, 15, 5, tzinfo=dt.UTC), business_date=dt.date(2026, 11, 23),
        sequence_first=41, file_sequence=0, initiating_party="Harbour Tea Company",
    )  # fmt: skip
    return replace(made, **changes)


DEFAULTS: dict[str, Any] = {
    "credit_debit": "CRDT", "amount_minor": 125_00, "currency": "USD", "creditor_name": "Ada Example",
    "creditor_account": "000123456789", "creditor_agent": "123456780", "end_to_end_id": "INV-1", "prenote": False,
}  # fmt: skip


def turned(row: dict[str, Any]) -> dict[str, Any]:
    """The row as PAYMENTS have it: of a debit the other side, written here as the creditor, is the debtor."""
    if row["credit_debit"] == "CRDT":
        return row
    sides = {"creditor": "debtor", "debtor": "creditor"}
    split = {key: key.partition("_") for key in row}
    return {sides.get(party, party) + rest[0] + rest[1]: row[key] for key, (party, *rest) in split.items()}


def payments(*rows: dict[str, Any], of: Order | None = None) -> pl.DataFrame:
    """PAYMENTS of these rows with reference, position and execution date, as the gateway hands them over."""
    full = [
        {
            "payment_id": f"0-{n:012d}",
            "row": n,
            "line": n,
            "offset": n,
            "length": 1,
            "batch": 1,
            **turned({**DEFAULTS, **row}),
        }
        for n, row in enumerate(rows, start=1)
    ]
    frame = conform(pl.DataFrame(full, infer_schema_length=None), PAYMENTS)
    placed = frame.with_columns(pl.col("row").alias("position"), pl.lit(dt.date(2026, 11, 24)).alias("execution_date"))
    return placed.with_columns(
        EXPORT.reference(of or order(), pl.col("payment_id"), pl.col("position")).alias("reference")
    )


def written(frame: pl.DataFrame, of: Order | None = None, cut: int = 10**6) -> tuple[bytes, ExportSummary]:
    out = io.BytesIO()
    summary = EXPORT.write(of or order(), iter(frame.iter_slices(cut)), out)
    return out.getvalue(), summary


def parsed(data: bytes) -> Window:
    """The file read back, after checking that the parser has nothing to say and all totals hold."""
    (window,) = FORMAT.windows(Source("0" * 20, "written.ach", data), FORMAT.options())
    # A batch that the client described otherwise than its class is goes on as the client wrote it.
    told = window.findings.filter(pl.col("rule") != "nacha-described")
    assert told.is_empty(), told.rows()
    assert window.unreadable == 0
    assert window.totals.filter(pl.col("declared").ne_missing(pl.col("found"))).is_empty()
    return window


def lines(data: bytes, kind: str) -> list[str]:
    return [line for line in data.decode("ascii").splitlines() if line[0] == kind and line != "9" * 94]


def golden_payments() -> pl.DataFrame:
    rows = [json.loads(line) for line in (GOLDEN / "payments.jsonl").read_text(encoding="utf-8").splitlines()]
    return payments(*rows)


def test_golden() -> None:
    data, summary = written(golden_payments())
    assert data == (GOLDEN / "expected.ach").read_bytes()
    assert (summary.payments, summary.sums_minor) == (6, {"USD": 10_099_625_51})
    assert EXPORT.reread(Source("0" * 20, "expected.ach", data), order()) == summary
    assert EXPORT.unfit(golden_payments()).is_empty()
    assert parsed(data).payments.height == 6


def test_the_same_payments_give_the_same_bytes_however_they_are_cut() -> None:
    whole, _ = written(golden_payments())
    assert [written(golden_payments(), cut=cut)[0] for cut in (1, 2, 3)] == [whole] * 3


def test_reference_is_the_trace_number() -> None:
    frame = payments({}, {})
    assert frame["reference"].to_list() == ["123456780000041", "123456780000042"]
    other = order({**OPTIONS, "originating_dfi": "07654321"})
    assert payments({}, of=other)["reference"].to_list() == ["076543210000041"]
    data, _ = written(payments({}, of=other), other)
    assert lines(data, "5")[0][79:87] == "07654321"


def test_file_header() -> None:
    data, _ = written(payments({}), order(file_sequence=26))
    header = lines(data, "1")[0]
    assert header[3:34] == " 07654321612345678902611201005" + "0"  # New York is five hours behind in November
    with pytest.raises(ConfigError, match="36 files a day"):
        written(payments({}), order(file_sequence=36))


def test_names_and_company_from_options_where_the_payment_has_none() -> None:
    options = {**OPTIONS, "company_name": "HARBOUR", "company_id": "9876543210", "company_entry_description": "VENDORS"}
    named = {"debtor_name": "Own Name", "debtor_id": "1112223334", "category_purpose": "SALA"}
    data, _ = written(payments({}, named, {"debtor_id": "longer than ten"}), order(options))
    assert [(line[4:20], line[40:50], line[53:63]) for line in lines(data, "5")] == [
        ("HARBOUR         ", "9876543210", "VENDORS   "),
        ("Own Name        ", "1112223334", "PAYROLL   "),
    ]


@pytest.mark.parametrize(
    ("kind", "direction", "code"),
    [
        (None, "CRDT", "22"), (None, "DBIT", "27"), ("SVGS", "CRDT", "32"), ("SVGS", "DBIT", "37"),
        ("GLAC", "CRDT", "42"), ("LOAN", "CRDT", "52"), ("CASH", "CRDT", "22"),
    ],
)  # fmt: skip
def test_transaction_code_from_account_type(kind: str | None, direction: str, code: str) -> None:
    data, _ = written(payments({"creditor_account_type": kind, "credit_debit": direction}))
    assert lines(data, "6")[0][1:3] == code


@pytest.mark.parametrize(
    ("directions", "service_class"),
    [(("CRDT",), "220"), (("DBIT",), "225"), (("CRDT", "DBIT"), "200")],
)
def test_service_class(directions: tuple[str, ...], service_class: str) -> None:
    data, _ = written(payments(*({"credit_debit": direction} for direction in directions)))
    assert {line[1:4] for kind in "58" for line in lines(data, kind)} == {service_class}


def test_letters_lose_their_accents() -> None:
    data, _ = written(payments({"creditor_name": "Zoë Müller-Ørsted", "remittance": "Straße 1\n½"}))
    assert lines(data, "6")[0][54:76] == "Zoe Muller-?rsted     "
    assert lines(data, "7")[0][3:83].rstrip() == "Stra?e 1 1?2"


UNFIT = {
    "currency": {"currency": "EUR"},
    "amount_text": {"amount_minor": 10**10},
    "counterparty_agent": {"creditor_agent": "EXAMUS33"},
    "counterparty_account": {"creditor_account": "123456789012345678"},
    "local_instrument": {"local_instrument": "COR"},
    "remittance": {"remittance": "x" * 81},
    "remittance not allowed": {"remittance": "x", "local_instrument": "TEL"},
    "remittance too long for an item": {"remittance": "x" * 23, "local_instrument": "XCK"},
    "remittance too long for a terminal": {"remittance": "x" * 77, "local_instrument": "POS"},
    "remittance too long for many addenda": {"remittance": "x\n" * 10_000, "local_instrument": "CTX"},
    "remittance that is needed": {"local_instrument": "MTE"},
    "transaction_code": {"local_instrument": "ACK", "amount_minor": 0},
    "transaction_code of money": {"local_instrument": "ATX", "amount_minor": 0, "transaction_code": "22"},
    "local_instrument with a card number": {"local_instrument": "SHR", "remittance": "x"},
}


@pytest.mark.parametrize("field", UNFIT)
def test_what_does_not_fit_is_named_and_never_cut(field: str) -> None:
    frame = payments({}, UNFIT[field])
    found = EXPORT.unfit(frame)
    assert found.select("row", "severity").rows() == [(2, "error")]
    assert field.split(maxsplit=1)[0] == found["field"][0]
    out = io.BytesIO()
    with pytest.raises(FrameBroken, match=r"Cannot be written as .*: 1 payment; the first"):
        EXPORT.write(order(), iter([frame]), out)
    assert out.getvalue() == b""


def test_references_must_be_ascending_traces_of_the_order() -> None:
    frame = payments({}, {})
    for wrong in (
        frame.reverse(),
        frame.with_columns(reference=pl.lit("987654320000001")),
        payments({}, {}, of=order(sequence_first=10**7)),
    ):
        with pytest.raises(FrameBroken, match="trace numbers"):
            written(wrong)


def test_options_are_checked() -> None:
    with pytest.raises(ConfigError, match="no routing number"):
        payments({}, of=order(account=ACCOUNT.model_copy(update={"agent": "EXAMUS33"})))
    for wrong in ({}, {**OPTIONS, "immediate_destination": "1"}, {**OPTIONS, "unknown": "1"}):
        with pytest.raises(ValueError, match="NachaOptions"):
            written(payments({}), order(wrong))


def test_a_batch_is_split_where_its_control_record_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = payments(*[{"remittance": "note"} if n % 2 else {} for n in range(20)])
    monkeypatch.setattr(batches_module, "BATCH_COUNT_MAX", 7)
    whole, summary = written(frame)
    counts = [int(line[4:10]) for line in lines(whole, "8")]
    assert max(counts) <= 7
    assert sum(counts) == 30
    assert written(frame, cut=3)[0] == whole
    assert parsed(whole).payments.height == summary.payments == 20
    monkeypatch.undo()
    monkeypatch.setattr(batches_module, "ENTRY_SUM_MAX", 300_00)
    by_sum, _ = written(frame)
    assert {int(line[32:44]) for line in lines(by_sum, "8")} == {250_00}


def test_a_sum_beyond_the_file_control_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ENTRY_SUM_MAX", 100_00)
    with pytest.raises(FrameBroken, match="do not fit one ACH file"):
        written(payments({}))


def test_no_payments() -> None:
    data, summary = written(payments({}).clear())
    assert summary == EXPORT.reread(Source("0" * 20, "empty.ach", data), order()) == ExportSummary()


@pytest.mark.parametrize(
    ("line", "position"),
    [(3, 1), (3, 3), (3, 4), (3, 39), (8, 1), (9, 35), (6, 1), (16, 1), (16, 7), (16, 13), (16, 21), (16, 31), (16, 43), (16, 55)],
)  # fmt: skip
def test_reread_notices_a_changed_digit(line: int, position: int) -> None:
    data, _ = written(golden_payments())
    at = (line - 1) * 95 + position - 1
    changed = data[:at] + (b"9" if data[at : at + 1] != b"9" else b"8") + data[at + 1 :]
    with pytest.raises(FrameBroken):
        EXPORT.reread(Source("0" * 20, "changed.ach", changed), order())


@pytest.mark.parametrize("keep", [0, 95, 95 * 10, 95 * 20 - 1])
def test_reread_notices_a_file_that_was_cut(keep: int) -> None:
    data, _ = written(golden_payments())
    with pytest.raises(FrameBroken):
        EXPORT.reread(Source("0" * 20, "cut.ach", data[:keep]), order())


TEXT = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)
ROUTING = st.sampled_from(["123456780", "987654320", "076543216"])
PAYMENT = st.fixed_dictionaries(
    {
        "credit_debit": st.sampled_from(["CRDT", "DBIT"]),
        "amount_minor": st.integers(1, 10**10 - 1),
        "local_instrument": st.sampled_from([*sorted(WRITABLE_SEC - {"IAT"}), None, "NORM"]),
        "sequence_type": st.sampled_from(["R", "S", "RCUR", "OOFF", None]),
        "category_purpose": st.sampled_from(["RENT", "PAYROLL", None]),
        "debtor_name": st.sampled_from(["HARBOUR TEA", "LEAF IMPORTERS", None]),
        "debtor_id": st.sampled_from(["1234567890", None]),
        "creditor_name": TEXT.map(lambda text: text[:22]).filter(
            lambda name: name[:15].strip("0")
        ),  # zeros are no name
        "creditor_account": TEXT.map(lambda text: text[:17]),
        "creditor_account_type": st.sampled_from(["CACC", "SVGS", "GLAC", None]),
        "creditor_agent": ROUTING,
        "end_to_end_id": TEXT.map(lambda text: text[:15]),
        "remittance": st.none() | TEXT.map(lambda text: text[:80]),
    }
)


def writable(row: dict[str, Any]) -> dict[str, Any]:
    """The row with what its class allows and asks for."""
    item = CLASSES.get(row["local_instrument"], CLASSES["PPD"])
    text = row["remittance"]
    if not item.remittance_max:
        text = None
    elif item.needed:
        text = text or "NEEDED"
    changes: dict[str, Any] = {"remittance": text[: item.remittance_max] if text else None}
    if item.no_money:
        changes |= {
            "amount_minor": 0,
            "transaction_code": "24" if row["credit_debit"] == "CRDT" else "29",
            "prenote": True,
        }
        changes |= {"creditor_account_type": None}
    if item.code in {"ARC", "BOC", "POP", "RCK", "XCK", "TRC", "TRX", "POS"}:
        changes |= {"credit_debit": "DBIT", "amount_minor": min(row["amount_minor"], 2_500_00)}
    if item.code in {"CIE", "ACK", "ATX", "DNE"}:
        changes |= {"credit_debit": "CRDT", "transaction_code": "24" if item.no_money else None}
    if item.layout == "item":
        changes |= {"creditor_name": None}
    if item.layout in {"counted", "name 15"}:
        changes |= {"creditor_name": row["creditor_name"][: 16 if item.layout == "counted" else 15]}
    return {**row, **changes}


@given(st.lists(PAYMENT.map(writable), min_size=1, max_size=20), st.integers(1, 30), st.integers(1, 9_999_000))
def test_what_is_written_is_read_back(rows: list[dict[str, Any]], cut: int, first: int) -> None:
    of = order(sequence_first=first)
    frame = payments(*rows, of=of)
    data, summary = written(frame, of, cut)
    assert data == written(frame, of)[0]
    assert summary == EXPORT.reread(Source("0" * 20, "written.ach", data), order())
    assert (summary.payments, summary.sums_minor) == (len(rows), {"USD": sum(row["amount_minor"] for row in rows)})
    assert summary == written_as(frame)
    back = parsed(data).payments.sort("instruction_id")
    same = ["credit_debit", "amount_minor", "currency", counterparty("name"), counterparty("account"),
            counterparty("agent"), "end_to_end_id", "remittance"]  # fmt: skip
    assert back.select(same).equals(frame.select(same))
    types = {"R": "R", "RCUR": "R", "S": "S", "OOFF": "S", None: "S"}
    typed = [
        types[value] if sec in {"WEB", "TEL"} else None
        for sec, value in frame.select("local_instrument", "sequence_type").rows()
    ]
    assert back["sequence_type"].to_list() == typed
    assert back["instruction_id"].to_list() == frame["reference"].to_list()
    assert set(back["requested_execution_date"]) == {dt.date(2026, 11, 24)}
    kinds = frame.select(counterparty("account_type").fill_null("CACC")).to_series().to_list()
    assert back.select(counterparty("account_type")).to_series().to_list() == kinds
    known = [value if value in WRITABLE_SEC else "PPD" for value in frame["local_instrument"]]
    assert back["local_instrument"].to_list() == known


NOT_WRITTEN = {"IAT", "SHR", "ADV", "COR"}
"""Not of a client's own ACH file: its international entries may say what no column holds."""


def test_a_clients_nacha_file_goes_through_unchanged_but_for_traces_and_dates(corpus) -> None:
    files = [
        file for file in corpus("nacha")
        if file.validity == "valid" and not set(file.version.replace(",", "x").split("x")[::2]) & NOT_WRITTEN
        and "return/NOC" not in file.note and "enr" not in file.path.name and file.transactions
    ]  # fmt: skip
    assert len(files) > 50
    for file in files:
        _goes_through(file.path.read_bytes(), file.key)


def test_every_class_goes_through_but_those_that_say_more_than_a_payment() -> None:
    data = (Path(__file__).parents[1] / "parsers" / "golden" / "nacha" / "classes.ach").read_bytes()
    _goes_through(data, "classes.ach")


def _goes_through(data: bytes, name: str) -> None:
    kept = ["credit_debit", "amount_minor", "transaction_code", "end_to_end_id", "remittance", "local_instrument",
            "category_purpose", "prenote", "sequence_type", "purpose", "debtor_id", "creditor_id",
            *(f"{party}_{part}" for party in ("debtor", "creditor") for part in ("name", "account", "account_type")),
            counterparty("agent")]  # fmt: skip
    (window,) = FORMAT.windows(Source("0" * 20, name, data), FORMAT.options())
    payments_read = window.payments.filter(~pl.col("local_instrument").is_in(list(NOT_WRITTEN)))
    frame = payments_read.with_columns(pl.int_range(1, pl.len() + 1).alias("position"))
    frame = frame.with_columns(EXPORT.reference(order(), pl.col("payment_id"), pl.col("position")).alias("reference"))
    written_bytes, summary = written(frame)
    back = parsed(written_bytes).payments.sort("instruction_id")
    fallback = pl.when(pl.col("local_instrument").is_in(["WEB", "TEL"])).then(pl.col("sequence_type").fill_null("S"))
    assert back.select(kept).equals(frame.with_columns(fallback.alias("sequence_type")).select(kept)), name
    assert summary == EXPORT.reread(Source("0" * 20, name, written_bytes), order())


def test_a_class_is_described_as_the_rules_say_where_the_client_says_nothing() -> None:
    rows = [{"local_instrument": "RCK", "credit_debit": "DBIT", "category_purpose": said} for said in (None, "RENT")]
    data, _ = written(payments(*rows))
    assert sorted(line[53:63] for line in lines(data, "5")) == ["REDEPCHECK", "RENT      "]


def test_addenda_of_many_lines_are_numbered() -> None:
    text = "A" * 200 + "\n\nlast"
    data, _ = written(payments({"local_instrument": "CTX", "remittance": text}, {}))
    addenda = lines(data, "7")
    assert [line[3:83].rstrip() for line in addenda] == ["A" * 80, "A" * 80, "A" * 40, "", "last"]
    assert [line[83:] for line in addenda] == [f"{number:04d}0000041" for number in range(1, 6)]
    assert lines(data, "6")[0][54:58] == "0005"
    assert parsed(data).payments["remittance"].to_list()[0] == "\n".join(["A" * 80, "A" * 80, "A" * 40, "", "last"])


def test_the_payment_type_is_the_payments_own_and_else_the_options() -> None:
    rows = [{"local_instrument": "WEB", "sequence_type": kind} for kind in ("R", "S", "RCUR", "OOFF", None)]
    data, _ = written(payments(*rows), order({**OPTIONS, "payment_type_code": "R"}))
    assert [line[76:78] for line in lines(data, "6")] == ["R ", "S ", "R ", "S ", "R "]


# ---------------------------------------------------------------------------------------------- international entries

ABROAD = {
    "local_instrument": "IAT", "creditor_name": "Teehandel Müller GmbH", "creditor_account": "DE02120300000000202051",
    "creditor_agent": "BYLADEM1001", "creditor_street": "Musterweg", "creditor_building": "2", "creditor_town": "Musterstadt",
    "creditor_country": "DE", "creditor_post_code": "60311", "remittance": "Rechnung 77", "category_purpose": "SALA", "end_to_end_id": "INV-77",
}  # fmt: skip
IAT_OPTIONS = {
    **OPTIONS, "iat_gateway": "123456780",
    "originator_address": {"street": "1 HARBOUR ROAD", "town": "ANYTOWN", "state": "VA", "country": "US", "post_code": "20101"},
}  # fmt: skip


def test_an_international_entry_has_its_seven_addenda() -> None:
    of = order(IAT_OPTIONS)
    frame = payments(ABROAD, {**ABROAD, "remittance": None, "creditor_country": "AT"}, {}, of=of)
    assert EXPORT.unfit(frame, EXPORT.options.model_validate(IAT_OPTIONS)).is_empty()
    data, summary = written(frame, of)
    assert summary == EXPORT.reread(Source("0" * 20, "iat.ach", data), of) == written_as(frame)
    assert data == (GOLDEN / "international.ach").read_bytes()
    back = parsed(data).payments.sort("instruction_id")
    assert back["creditor_account"].to_list()[:2] == ["DE02120300000000202051"] * 2
    assert back["creditor_name"].to_list()[:2] == ["Teehandel Muller GmbH"] * 2
    first = back.row(0, named=True)
    told = {name: first[name] for name in ("creditor_street", "creditor_town", "creditor_country", "creditor_post_code", "creditor_agent",
                                           "debtor_street", "debtor_town", "debtor_country", "remittance", "purpose", "end_to_end_id")}  # fmt: skip
    assert told == {
        "creditor_street": "Musterweg 2", "creditor_town": "Musterstadt", "creditor_country": "DE", "creditor_post_code": "60311",
        "creditor_agent": "BYLADEM1001", "debtor_street": "1 HARBOUR ROAD", "debtor_town": "ANYTOWN", "debtor_country": "US",
        "remittance": "Rechnung 77", "purpose": "SAL", "end_to_end_id": "INV-77",
    }  # fmt: skip
    assert [line[50:53] for line in lines(data, "5")] == ["IAT", "IAT", "PPD"]
    assert len(lines(data, "7")) == 8 + 7


UNFIT_ABROAD = {
    "transaction_code": {"transaction_code": "22"},
    "counterparty_town": {"creditor_town": None},
    "counterparty_street": {"creditor_street": None, "creditor_building": None},
    "counterparty_agent": {"creditor_agent": None},
    "counterparty_account": {"creditor_account": "1" * 36},
    "counterparty_post_code": {"creditor_post_code": "a*b"},
    "remittance": {"remittance": "x" * 161},
}


@pytest.mark.parametrize("field", UNFIT_ABROAD)
def test_what_an_international_entry_cannot_say_is_named(field: str) -> None:
    frame = payments(ABROAD, {**ABROAD, **UNFIT_ABROAD[field]})
    found = EXPORT.unfit(frame, EXPORT.options.model_validate(IAT_OPTIONS))
    assert found.select("row", "field").rows() == [(2, field)], found["message"].to_list()


def test_without_a_gateway_operator_or_an_address_there_are_no_international_entries() -> None:
    frame = payments(ABROAD)
    assert set(EXPORT.unfit(frame, EXPORT.options.model_validate(OPTIONS))["field"]) == {
        "local_instrument",
        "debtor_street",
    }
    with pytest.raises(FrameBroken, match="Cannot be written"):
        written(frame)


# ---------------------------------------------------------------------------------------------- balanced files

OFFSET = {**OPTIONS, "offset": {"account": "700100200", "agent": "123456780"}}


@pytest.mark.parametrize("cut", [1, 10])
def test_a_balanced_file_has_offsets_that_are_no_payments(cut: int) -> None:
    of = order(OFFSET)
    rows = [{}, {"credit_debit": "DBIT", "local_instrument": "ARC", "amount_minor": 50_00}, {"local_instrument": "CCD"}]
    frame = payments(*rows, of=of)
    data, summary = written(frame, of, cut)
    assert summary == EXPORT.reread(Source("0" * 20, "balanced.ach", data), of) == written_as(frame)
    control = lines(data, "9")[0]
    assert control[31:43] == control[43:55] == f"{300_00:012d}"
    assert [(line[50:53], line[53:63], line[1:4]) for line in lines(data, "5")][-1] == ("CCD", "OFFSET    ", "200")
    window = parsed(data)
    own = window.payments.filter(pl.col("category_purpose") == "OFFSET")
    assert own.select("transaction_code", "amount_minor").rows() == [("22", 50_00), ("27", 250_00)]
    assert data == written(frame, of)[0]


def test_an_offset_that_passes_ten_digits_is_parted() -> None:
    of = order(OFFSET)
    data, summary = written(payments(*[{"amount_minor": 9_999_999_999}] * 3, of=of), of)
    assert summary == EXPORT.reread(Source("0" * 20, "balanced.ach", data), of)
    assert [line[29:39] for line in lines(data, "6")][3:] == ["9999999999"] * 3


def test_a_file_that_is_not_balanced_is_seen() -> None:
    data, _ = written(payments({}))
    with pytest.raises(FrameBroken, match="not balanced"):
        EXPORT.reread(Source("0" * 20, "unbalanced.ach", data), order(OFFSET))


@pytest.mark.parametrize(
    ("row", "description"),
    [
        ({"category_purpose": "SALA"}, "PAYROLL   "), ({"category_purpose": "BONU"}, "PAYROLL   "),
        ({"category_purpose": "EPAY", "local_instrument": "WEB", "credit_debit": "DBIT"}, "PURCHASE  "),
        ({"category_purpose": "EPAY", "local_instrument": "WEB"}, "EPAY      "), ({}, "PAYMENT   "),
    ],
)  # fmt: skip
def test_descriptions_that_the_rules_prescribe_since_2026(row, description) -> None:
    data, _ = written(payments(row))
    assert lines(data, "5")[0][53:63] == description

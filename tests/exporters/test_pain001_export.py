"""pain.001 to banks: a golden file, XSD, and writing and reading back whatever text there is."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from canonical.contracts import ExportSummary, Order, Source
from canonical.errors import FrameBroken
from canonical.frames import PAYMENTS, dtypes
from canonical.profiles import Account, Plugin, ProviderProfile, Rail
from exporters.pain001 import EXPORT

GOLDEN = Path(__file__).parent / "golden" / "pain001_export"
EXECUTION = dt.date(2026, 11, 23)
OURS = Account(account="DE75512108001245126199", currency="EUR", name="Gateway Payments", agent="SOGEDEFFXXX")
NS = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.09}"


def order(account: Account = OURS, *, transliterate: bool = False) -> Order:
    rail = Rail(rail="sepa", cut_off=dt.time(15), time_zone="Europe/Berlin", calendar="target")
    provider = ProviderProfile(
        provider_id="bank", name="Bank", export=Plugin(name="pain.001", options={"transliterate": transliterate}),
        transport=Plugin(name="folder"), accounts=(account,), rails=(rail,),
    )  # fmt: skip
    created = dt.datetime(2026, 11, 20, 9, 30, 15, tzinfo=dt.UTC)
    return Order("S0000000000000000001", provider, account, rail, created, dt.date(2026, 11, 20), 1, 0, "Gateway & Co")


def payments(frame: pl.DataFrame) -> pl.DataFrame:
    """PAYMENTS columns with reference, position and execution_date, as the gateway gives them."""
    filled = frame.with_columns(credit_debit=pl.lit("CRDT"), reference=pl.col("payment_id"))
    missing = {name: dtype for name, dtype in dtypes(PAYMENTS).items() if name not in filled.columns}
    return filled.with_columns(
        *(pl.lit(None, dtype=dtype).alias(name) for name, dtype in missing.items()),
        position=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        execution_date=pl.lit(EXECUTION),
    )


def made(**columns: list[object]) -> pl.DataFrame:
    size = len(next(iter(columns.values())))
    base = {"payment_id": [f"p-{n}" for n in range(size)], "currency": ["EUR"] * size, "amount_minor": [100] * size}
    wanted = dtypes(PAYMENTS)
    data = {**base, **columns}
    return payments(pl.DataFrame(data, schema={name: wanted[name] for name in data}))


def write(window: pl.DataFrame, an_order: Order | None = None, parts: int = 1) -> tuple[bytes, ExportSummary]:
    out = io.BytesIO()
    size = max(1, -(-window.height // parts))
    summary = EXPORT.write(an_order or order(), window.iter_slices(size), out)
    return out.getvalue(), summary


def reread(data: bytes) -> ExportSummary:
    return EXPORT.reread(Source("f", "out.xml", data), order())


def texts(data: bytes, path: str) -> list[str | None]:
    return [
        element.text
        for element in etree.fromstring(data).findall(".//" + "/".join(NS + step for step in path.split("/")))
    ]


def golden_payments() -> pl.DataFrame:
    return payments(pl.read_csv(GOLDEN / "payments.csv", infer_schema=False).cast({"amount_minor": pl.Int64}))


# ---------------------------------------------------------------------------------------------- golden


@pytest.mark.parametrize("transliterate", [False, True])
def test_golden_file(transliterate, xsd):
    data, summary = write(golden_payments(), order(transliterate=transliterate))
    name = "expected_sepa_set.xml" if transliterate else "expected.xml"
    assert data == (GOLDEN / name).read_bytes()
    assert summary == reread(data)
    assert (summary.payments, summary.sums_minor) == (3, {"EUR": 100010004})
    xsd("pain.001.001.09").assertValid(etree.fromstring(data))


def test_what_stands_where():
    data, _ = write(golden_payments())
    assert texts(data, "GrpHdr/MsgId") == texts(data, "PmtInf/PmtInfId") == ["S0000000000000000001"]
    assert texts(data, "PmtInf/ReqdExctnDt/Dt") == ["2026-11-23"]
    assert texts(data, "CdtTrfTxInf/PmtId/EndToEndId") == ["INV-1", "NOTPROVIDED", "INV-3"]
    assert texts(data, "CdtTrfTxInf/UltmtDbtr/Nm") == ["Northwind Handel", "Northwind Tochter"]
    assert texts(data, "CdtrAgt/FinInstnId/BICFI") == ["BNPAFRPP"]
    assert texts(data, "CdtrAgt/FinInstnId/ClrSysMmbId/MmbId") == ["12345678"]
    assert texts(data, "CdtrAcct/Id/Othr/Id") == ["12345678"]
    assert texts(data, "CtgyPurp/Prtry") == ["SALARY RUN"]
    assert texts(data, "CtrlSum") == ["1000100.04"] * 2
    assert texts(data, "RmtInf/Ustrd") == ["Invoice 1 of 'May'", "second line"]
    assert texts(data, "Strd/CdtrRefInf/Ref") == ["RF18539007547034"]


def test_the_same_payments_in_more_windows_give_the_same_bytes():
    window = golden_payments()
    assert write(window)[0] == write(window, parts=3)[0] == write(window)[0]


def test_clearing_systems_and_other_accounts(xsd):
    usd = Account(account="000123456789", currency="USD", name="Gateway", agent="021000021")
    window = made(currency=["USD"], creditor_account=["0012345"], creditor_agent=["026009593"], creditor_name=["A"])
    data, summary = write(window, order(usd))
    assert texts(data, "CdtrAgt/FinInstnId/ClrSysMmbId/ClrSysId/Cd") == ["USABA"]
    assert texts(data, "DbtrAcct/Id/Othr/Id") == ["000123456789"]
    assert texts(data, "DbtrAgt/FinInstnId/ClrSysMmbId/MmbId") == ["021000021"]
    assert summary == reread(data)
    assert (summary.payments, summary.sums_minor) == (1, {"USD": 100})
    xsd("pain.001.001.09").assertValid(etree.fromstring(data))


def test_an_iban_alone_names_the_bank_in_sepa():
    data, _ = write(made(creditor_account=["FR1420041010050500013M02606"], creditor_agent=["20041"]))
    assert texts(data, "CdtrAgt/FinInstnId/ClrSysMmbId/MmbId") == []


def test_execution_date_falls_back_to_the_business_date():
    data, _ = write(golden_payments().drop("execution_date"))
    assert texts(data, "ReqdExctnDt/Dt") == ["2026-11-20"]


# ---------------------------------------------------------------------------------------------- any text

ALLOWED = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn"), exclude_characters="\ufffe\uffff")
LINE = st.text(st.one_of(ALLOWED, st.sampled_from("&<>\"'äöüßéŁθ]]>\t")), max_size=70)
MINOR = st.integers(0, 10**12)


@given(rows=st.lists(st.tuples(MINOR, LINE, LINE, LINE), min_size=1, max_size=8), parts=st.integers(1, 3))
def test_any_text_is_written_validly_and_read_back(rows, parts, xsd):
    amounts, names, towns, lines = (list(column) for column in zip(*rows, strict=True))
    window = made(
        amount_minor=amounts, creditor_name=names, creditor_street=towns, creditor_address_lines=[f"{a}\n{b}" for a, b in zip(lines, names, strict=True)],
        remittance=[f"{name}\n{line}\n\n{name}" for name, line in zip(names, lines, strict=True)],
    )  # fmt: skip
    data, summary = write(window, parts=parts)
    assert summary == reread(data)
    assert (summary.payments, summary.sums_minor) == (len(rows), {"EUR": sum(amounts)})
    tree = etree.fromstring(data)
    assert xsd("pain.001.001.09").validate(tree)
    written = tree.findall(f".//{NS}CdtTrfTxInf")
    for row, (amount, name, street, line) in zip(written, rows, strict=True):
        assert row.findtext(f"{NS}Amt/{NS}InstdAmt") == f"{amount // 100}.{amount % 100:02d}"
        assert (row.findtext(f"{NS}Cdtr/{NS}Nm") or "") == name
        assert (row.findtext(f"{NS}Cdtr/{NS}PstlAdr/{NS}StrtNm") or "") == street
        told = [element.text for element in row.findall(f"{NS}RmtInf/{NS}Ustrd")]
        assert told == [text for text in (name, line, name) if text]


@given(names=st.lists(st.text(ALLOWED, min_size=1, max_size=140), min_size=1, max_size=5))
def test_transliterated_text_is_in_the_set_and_never_cut(names, xsd):
    data, _ = write(made(creditor_name=names), order(transliterate=True))
    tree = etree.fromstring(data)
    assert xsd("pain.001.001.09").validate(tree)
    told = [element.text or "" for element in tree.findall(f".//{NS}Cdtr/{NS}Nm")]
    assert all(
        set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-?:().,'+ ") for text in told
    )
    assert len(told) == len(names)


def test_a_name_that_would_outgrow_its_element_gets_a_letter_for_a_letter():
    data, _ = write(made(creditor_name=["Θ" * 140, "Θεός"]), order(transliterate=True))
    assert texts(data, "Cdtr/Nm") == ["T" * 140, "THeos"]


# ---------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "columns",
    [
        {"creditor_name": ["x" * 141]},
        {"creditor_name": ["a\x00b"]},
        {"creditor_name": ["a\ufffeb"]},
        {"remittance": ["short\n" + "x" * 141]},
        {"creditor_address_lines": ["x" * 71]},
        {"end_to_end_id": ["x" * 36]},
        {"creditor_country": ["de"]},
        {"charge_bearer": ["OUR"]},
        {"uetr": ["8A562C67-CA16-48BA-B074-65581BE6F001"]},
        {"currency": ["USD"]},
    ],
)
def test_what_does_not_fit_is_refused_not_cut(columns):
    with pytest.raises(FrameBroken):
        write(made(**columns))


def test_collections_two_dates_and_nothing_are_refused():
    window = golden_payments()
    for broken in (
        window.with_columns(credit_debit=pl.lit("DBIT")),
        window.with_columns(execution_date=pl.Series([EXECUTION, EXECUTION, dt.date(2026, 11, 24)])),
        window.clear(),
    ):
        with pytest.raises(FrameBroken):
            write(broken)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b">100.00<", b">100.01<"),
        (b">100.00<", b">1e2<"),
        (b"<NbOfTxs>3<", b"<NbOfTxs>2<"),
        (b"</Document>", b""),
        (b"&amp;", b"&"),
        (b"</Nm>", b"\xff</Nm>"),
        (b"pain.001.001.09", b"pain.001.001.08"),
        (b"<CdtTrfTxInf><PmtId><InstrId>00000000000000000001-000000000200", b"<CdtTrfTxInf/><CdtTrfTxInf><PmtId><InstrId>0"),
    ],
)  # fmt: skip
def test_reread_sees_what_was_changed(before, after):
    data, _ = write(golden_payments())
    assert before in data
    changed = data.replace(before, after, 1)
    try:
        again = reread(changed)
    except FrameBroken:
        return
    pytest.fail(f"a changed file was read back as {again}")


def test_reference_is_the_payment_id_and_fits():
    window = golden_payments()
    references = window.select(EXPORT.reference(order(), pl.col("payment_id"), pl.col("position")))
    assert references.to_series().str.len_chars().max() <= 35
    assert EXPORT.suffix == ".xml"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("creditor_name", "x" * 141), ("remittance", "short\n" + "y" * 141), ("creditor_country", "Germany"),
        ("charge_bearer", "OURS"), ("service_level", "URGENT"), ("creditor_town", "Bell\x07ville"),
        ("debtor_name", "z" * 141),
    ],
)  # fmt: skip
def test_what_no_element_can_carry_is_named_before_it_is_written(field, value) -> None:
    good = made(row=[1], creditor_name=["Anna"], creditor_account=["DE75512108001245126199"]).select(
        dtypes(PAYMENTS).keys()
    )
    assert EXPORT.unfit(good).is_empty()
    found = EXPORT.unfit(good.with_columns(pl.lit(value).alias(field)))
    assert found["field"].to_list() == [field]
    assert found["row"].to_list() == [1]

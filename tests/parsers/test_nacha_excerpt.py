"""A part of a NACHA file as a file of its own: it reads as the same payments, and says nothing wrong of itself."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from whole_files import one_window

from canonical.contracts import Source, Window
from parsers import _nacha_lines
from parsers.nacha import FORMAT

GOLDEN = Path(__file__).parent / "golden" / "nacha"
FILES = {name: (GOLDEN / f"{name}.ach").read_bytes() for name in ("origination", "classes")}
KEPT = ["row", "offset", "length", "batch", "batch_offset", "batch_length", "credit_debit", "amount_minor", "currency"]
PLACE = ["payment_id", "row", "line", "offset", "batch", "batch_line"]


def source(data: bytes) -> Source:
    return Source("0" * 20, "test.ach", data)


def read(data: bytes) -> Window:
    return one_window(FORMAT.windows(source(data), FORMAT.options()))


def cut_out(data: bytes, payments: pl.DataFrame) -> bytes:
    return FORMAT.excerpt(source(data), payments.select(KEPT), FORMAT.options())


def same_payments(before: pl.DataFrame, data: bytes) -> Window:
    """The excerpt read again, after checking that it holds these payments and that all it says of itself is right."""
    after = read(data)
    assert_frame_equal(after.payments.drop(PLACE), before.drop(PLACE))
    assert after.totals.filter(pl.col("declared").ne_missing(pl.col("found"))).is_empty()
    return after


DIALECTS = {
    "lf": lambda data: data,
    "crlf": lambda data: data.replace(b"\n", b"\r\n"),
    "cr": lambda data: data.replace(b"\n", b"\r"),
    "blocks": lambda data: data.replace(b"\n", b""),
    "no final line end": lambda data: data.rstrip(b"\n"),
    "no filler": lambda data: data.replace(b"9" * 94 + b"\n", b""),
}


@given(st.sampled_from(sorted(FILES)), st.sampled_from(sorted(DIALECTS)), st.data())
def test_an_excerpt_holds_the_same_payments_and_no_fault(name: str, dialect: str, data: st.DataObject) -> None:
    file = DIALECTS[dialect](FILES[name])
    payments = read(file).payments
    chosen = data.draw(st.lists(st.integers(1, payments.height), min_size=1, unique=True))
    some = payments.filter(pl.col("row").is_in(chosen))
    out = cut_out(file, some)
    after = same_payments(some, out)
    assert after.findings.is_empty(), after.findings.rows()
    assert {end for end in (b"\n", b"\r", b"\r\n") if end in out} == {
        end for end in (b"\n", b"\r", b"\r\n") if end in file
    }
    assert out.endswith((b"\n", b"\r")) == file.endswith((b"\n", b"\r"))
    lines = out.split() if dialect != "blocks" else [out[at : at + 94] for at in range(0, len(out), 94)]
    assert len(out.replace(b"\r", b"").replace(b"\n", b"")) % 940 == 0
    spans = [file[offset : offset + length] for offset, length in some.select("offset", "length").iter_rows()]
    assert all(span in out for span in spans)
    assert len(lines) >= some.height


def test_golden() -> None:
    file = FILES["origination"]
    some = read(file).payments.filter(pl.col("row").is_in([2, 5]))
    assert cut_out(file, some) == (GOLDEN / "excerpt.ach").read_bytes()


def test_the_next_modifier_tells_it_from_the_original() -> None:
    file = FILES["origination"]
    payments = read(file).payments
    first = cut_out(file, payments)
    assert read(first).header.message_id == "1234567890-2611201015-B"
    assert read(cut_out(first, read(first).payments)).header.message_id == "1234567890-2611201015-C"
    assert first.replace(b"1015B", b"1015A", 1) == file


@pytest.mark.parametrize("size", [1200, 2500])
def test_where_windows_are_cut_does_not_matter(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in FILES.values():
        some = read(file).payments.filter(pl.col("row") % 2 == 1)
        whole = cut_out(file, some)
        with monkeypatch.context() as patch:
            patch.setattr(_nacha_lines, "_WINDOW_BYTES", size)
            assert cut_out(file, some) == whole


def test_the_clients_own_bytes_stay_as_they_are() -> None:
    file = (
        FILES["origination"]
        .replace(b"BEN SPECIMEN", b"BEN SP\xc9CIMEN"[:12])
        .replace(b"CLEO PRENOTE  ", b"CLEO PRENOTE", 1)
    )
    payments = read(file).payments
    out = cut_out(file, payments.filter(pl.col("row").is_in([2, 3, 4])))
    assert b"BEN SP\xc9CIMEN"[:12] in out
    assert read(out).findings["rule"].to_list().count("nacha-character") == 1


def test_controls_that_were_missing_or_wrong_are_made() -> None:
    lines = FILES["origination"].decode().splitlines()
    wrong = [line for line in lines if line[0] != "8" or "0000003" in line[87:]]
    file = "\n".join(wrong).replace("9000003000002", "9000009000009").encode() + b"\n"
    payments = read(file).payments
    assert payments.height == 8
    after = same_payments(payments, cut_out(file, payments))
    assert after.findings.is_empty()


def test_the_corpus(corpus) -> None:
    files = [file for file in corpus("nacha") if file.path.stat().st_size < 10_000]
    assert len(files) > 100
    for file in files:
        data = file.path.read_bytes()
        window = read(data)
        some = window.payments.filter(pl.col("row") % 2 == 1)
        if some.is_empty() or "return/NOC" in file.note:
            continue
        after = same_payments(some, cut_out(data, some))
        # Where the source has no batch control, the new one lets its entries be compared for the first time.
        unclosed = {"nacha-incomplete", "nacha-order"} & set(window.findings["rule"])
        first_seen = {"nacha-service-class-entries", "nacha-trace-odfi"} if unclosed else set()
        assert set(after.findings["rule"]) - first_seen <= set(window.findings["rule"]), file.key

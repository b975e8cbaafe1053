"""`bulkrail read`: the real command on files of every format, packed files, dialects, faults and exit codes."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli.app import app

RUNNER = CliRunner()
GOLDEN = Path(__file__).parents[1] / "parsers" / "golden"
NACHA = (GOLDEN / "nacha/origination.ach").read_bytes()
PER_FORMAT = 4
SIZE_MAX = 60_000


def run(*arguments: str) -> tuple[int, str]:
    found = RUNNER.invoke(app, ["read", *arguments])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.output


def told(path: Path, *arguments: str) -> dict[str, Any]:
    code, output = run(str(path), "--output", "json", *arguments)
    found: dict[str, Any] = json.loads(output)
    assert code == {"clean": 0, "findings": 1, "unreadable": 2}[found["verdict"]]
    assert (code == 0) == (found["findings"] == [])
    return found


def test_an_origination_file_that_is_cut_is_told_as_one(tmp_path):
    path = tmp_path / "cut.ach"
    path.write_bytes((GOLDEN / "nacha/origination.ach").read_bytes()[: 95 * 4])
    found = told(path)
    assert (found["format"], found["verdict"]) == ("nacha", "unreadable")
    assert "nacha-incomplete" in {item["rule"] for item in found["findings"]}


@pytest.mark.parametrize(
    ("name", "kind", "file_format", "count", "sums"),
    [
        ("camt053/statement.xml", "statement", "camt.053", ("entries", 6), {"CRDT": 12000, "DBIT": 125050}),
        ("camt052/report.xml", "statement", "camt.052", ("entries", 2), {"CRDT": 8000, "DBIT": 25050}),
        ("camt054/notification.xml", "statement", "camt.054", ("details", 3), {"CRDT": 10000, "DBIT": 30000}),
        ("pacs004/return.xml", "feedback", "pacs.004", ("statuses", 2), {"CRDT": 12000, "returned": 11900}),
        ("camt029/resolution.xml", "feedback", "camt.029", ("statuses", 3), {"CRDT": 10000}),
        ("camt055/request.xml", "cancellation", "camt.055", ("requests", None), None),
        ("nacha/origination.ach", "payment", "nacha", ("payments", None), None),
        ("nacha_return/returns.ach", "feedback", "nacha-return", ("statuses", None), None),
        ("mt940/german.sta", "statement", "mt940", ("entries", None), None),
    ],
)
def test_what_files_hold(name, kind, file_format, count, sums):
    found = told(GOLDEN / name)
    assert (found["kind"], found["format"]) == (kind, file_format)
    what, number = count
    assert found["counts"][what] == number if number else found["counts"][what] > 0
    if sums is not None:
        (only,) = found["sums"].values()
        assert only == sums


def test_statements_are_told_with_their_balances():
    (statement,) = told(GOLDEN / "camt052/report.xml")["statements"]
    assert [(item["kind"], item["balance_minor"]) for item in statement["balances"]] == [
        ("PRCD", 100000), ("ITBD", 74950), ("ITAV", 574950),
    ]  # fmt: skip
    code, output = run(str(GOLDEN / "camt052/report.xml"))
    assert code == 0
    for word in ("clean", "camt.052.001.08", "ITAV 5749.50 EUR", "DE75512108001245126199"):
        assert word in output


def test_declared_totals_are_held_against_the_payments(tmp_path):
    path = GOLDEN / "pain001/two_batches.xml"
    assert told(path)["declared"]
    broken = tmp_path / "broken.xml"
    text = path.read_text(encoding="utf-8")
    start = text.index("<NbOfTxs>") + len("<NbOfTxs>")
    broken.write_text(f"{text[:start]}9{text[start:]}", encoding="utf-8")
    found = told(broken)
    assert "transaction_count" in {item["rule"] for item in found["findings"]}


def test_declared_hashes_are_held_against_the_entries(tmp_path):
    lines = NACHA.splitlines(keepends=True)
    (control,) = (number for number, line in enumerate(lines) if line.startswith(b"9") and not line.startswith(b"99"))
    lines[control] = lines[control][:21] + b"0000000001" + lines[control][31:]
    broken = tmp_path / "broken.ach"
    broken.write_bytes(b"".join(lines))
    assert "file_structure" in {item["rule"] for item in told(broken)["findings"]}


def test_statements_of_one_file_must_chain(tmp_path):
    text = (GOLDEN / "camt053/statement.xml").read_text(encoding="utf-8")
    head, _, rest = text.partition("<Stmt>")
    one = f"<Stmt>{rest.partition('</Stmt>')[0]}</Stmt>"
    second = one.replace(">2026-224<", ">2026-226<").replace(">224<", ">226<")
    both = tmp_path / "both.xml"
    both.write_text(f"{head}{one}{second}{text.partition('</Stmt>')[2]}", encoding="utf-8")
    assert "statement-chain" in {item["rule"] for item in told(both)["findings"]}


def test_packed_files_are_read_alike(tmp_path):
    plain = GOLDEN / "camt054/notification.xml"
    expected = told(plain)
    packed = tmp_path / "notification.xml.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    archive = tmp_path / "notification.zip"
    with zipfile.ZipFile(archive, "w") as out:
        out.write(plain, "notification.xml")
    for path in (packed, archive):
        assert {**told(path), "file": expected["file"]} == expected
    packed.write_bytes(gzip.compress(plain.read_bytes())[:-9])
    assert told(packed)["verdict"] == "unreadable"


def test_each_file_of_an_archive_is_read(tmp_path):
    names = ("camt054/notification.xml", "mt940/german.sta", "bai2/report.bai")
    archive = tmp_path / "day.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for name in names:
            out.writestr(f"bank/{name.partition('/')[2]}", (GOLDEN / name).read_bytes())
        out.writestr("bank/noise.txt", b"Dear customer")
        out.writestr("__MACOSX/bank/._noise.txt", b"x")
    code, output = run(str(archive), "--output", "json")
    found = json.loads(output)
    assert code == 2
    assert [(item["file"], item["format"], item["verdict"]) for item in found] == [
        ("day.zip/bank/notification.xml", "camt.054", "clean"),
        ("day.zip/bank/german.sta", "mt940", told(GOLDEN / "mt940/german.sta")["verdict"]),
        ("day.zip/bank/report.bai", "bai2", told(GOLDEN / "bai2/report.bai")["verdict"]),
        ("day.zip/bank/noise.txt", "unknown", "unreadable"),
    ]
    assert found[0]["sums"] == told(GOLDEN / names[0])["sums"]
    code, output = run(str(archive))
    assert code == 2
    assert "day.zip/bank/report.bai" in output
    code, output = run(str(archive), "--output", "csv")
    assert output.splitlines()[0].startswith("file,rule,reason,")
    assert output.count("file,rule") == 1


def test_an_archive_in_an_archive_and_one_that_is_too_much_are_told_by_name(tmp_path):
    inner, outer = tmp_path / "inner.zip", tmp_path / "outer.zip"
    with zipfile.ZipFile(inner, "w") as out:
        out.writestr("a.ach", NACHA)
        out.writestr("b.ach", NACHA)
    with zipfile.ZipFile(outer, "w", zipfile.ZIP_DEFLATED) as out:
        out.write(inner, "inner.zip")
        out.writestr("c.ach.gz", gzip.compress(NACHA))
        out.writestr("bomb.txt", b"0" * 300_000_000)
    found = json.loads(run(str(outer), "--output", "json")[1])
    assert [(item["file"], item["verdict"]) for item in found] == [
        ("outer.zip/inner.zip/a.ach", told(GOLDEN / "nacha/origination.ach")["verdict"]),
        ("outer.zip/inner.zip/b.ach", told(GOLDEN / "nacha/origination.ach")["verdict"]),
        ("outer.zip/c.ach", told(GOLDEN / "nacha/origination.ach")["verdict"]),
        ("outer.zip/bomb.txt", "unreadable"),
    ]


def test_amounts_that_are_none_are_told_with_their_payment(tmp_path):
    text = (GOLDEN / "pain001/two_batches.xml").read_text(encoding="utf-8")
    before, _, rest = text.partition('<InstdAmt Ccy="EUR">')
    path = tmp_path / "comma.xml"
    path.write_text(f'{before}<InstdAmt Ccy="EUR">1.000,50{rest[rest.index("</InstdAmt>") :]}', encoding="utf-8")
    (finding,) = [item for item in told(path)["findings"] if item["rule"] == "amount"]
    assert "is not an amount" in finding["message"]
    assert (finding["row"], finding["field"]) == (1, "Amt/InstdAmt")


def test_a_format_and_its_options_may_be_named(tmp_path):
    path = GOLDEN / "camt053/statement.xml"
    assert told(path, "--format", "pain.002")["verdict"] == "unreadable"
    assert run(str(path), "--format", "camt.053", "--option", "encoding=guess")[0] == 3
    assert run(str(path), "--format", "nothing")[0] == 3
    assert run(str(path), "--option", "encoding")[0] == 2
    assert run(str(tmp_path / "absent.xml"))[0] == 3


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no format that is known"),
        (b"\x00\x01\x02", "no format that is known"),
        (
            b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.009.001.08"/>',
            "pacs.009.001.08, which is not read here",
        ),
        (
            b"<?xml version='1.0'?><BACSDocument><Data>\n <InputReport/></Data></BACSDocument>",
            "Bacs report InputReport, which is not read here",
        ),
        (
            b'<VocaDocument><Data><Document created="2026-11-27" type="AdviceOfDDIC"/></Data></VocaDocument>',
            "Bacs report AdviceOfDDIC, which is not read here",
        ),
        (b"{1:F01EXMPGB2LAXXX0000000000}{2:I103EXMPFRPPXXXXN}{4:\n:20:X\n-}", "MT103, which is not read here"),
        (b"\xef\xbb\xbf" + NACHA, "looks like nacha, but begins with a byte order mark"),
        (NACHA.decode().encode("utf-16"), "looks like nacha, but is written as UTF-16"),
        (b"$$ADD ID=ABC BID='NWFACH'\r\n" + NACHA, "looks like nacha from line 2 on"),
        (
            b"<Document><CstmrCdtTrfInitn><GrpHdr/></CstmrCdtTrfInitn></Document>",
            "no format that is known here: it begins with <Document>, without a namespace",
        ),
        (
            b"<BACSDocument><Reports><InputReport/></Reports></BACSDocument>",
            "no format that is known here: it begins with <BACSDocument>",
        ),
    ],
)
def test_what_nobody_knows_is_unreadable(tmp_path, data, words):
    path = tmp_path / "file.bin"
    path.write_bytes(data)
    found = told(path)
    assert found["verdict"] == "unreadable"
    assert words in found["findings"][0]["message"]
    # What is known to be something else is not to be called something that is read.
    assert ("--format" in found["findings"][0]["remedy"]) == ("no format that is known" in words)


def test_findings_as_a_table_of_commas(tmp_path):
    path = tmp_path / "cut.xml"
    path.write_bytes((GOLDEN / "camt053/statement.xml").read_bytes()[:900])
    code, output = run(str(path), "--output", "csv")
    assert code == 2
    assert output.startswith("rule,reason,")
    assert "xml-truncated" in output


# ---------------------------------------------------------------------------------------------- corpus

COUNTED = {
    "pain.001": "payments",
    "pain.008": "payments",
    "camt.052": "entries",
    "camt.053": "entries",
    "camt.054": "entries",
}
READ_AS = {"nacha": {"nacha", "nacha-return"}}


@pytest.mark.parametrize(
    "name",
    [
        "bacs18", "bai2", "camt.052", "camt.053", "camt.054", "mt101", "mt940", "mt942", "nacha", "pacs.002", "pain.001",
        "pain.002", "pain.008",
    ],
)  # fmt: skip
def test_corpus_files_of_every_format(corpus, name):
    small = [file for file in corpus(name) if file.validity == "valid" and file.path.stat().st_size < SIZE_MAX]
    files = [file for file in small if file.path.suffix != ".csproj"][:PER_FORMAT] or corpus(name)[:1]
    for file in files:
        found = told(file.path)
        assert found["format"] in READ_AS.get(name, {name}), file.key
        if name in COUNTED:
            assert found["counts"][COUNTED[name]] == file.transactions, file.key
            assert found["version"] == file.version, file.key


def test_returns_are_told_from_originations(corpus):
    kinds = {told(file.path)["kind"] for file in corpus("nacha")[:12]}
    assert kinds == {"payment", "feedback"}


def test_a_page_that_does_not_go_on_is_told_once(tmp_path):
    pages = tmp_path / "pages.sta"
    first = (
        ":20:A\n:25:123456789\n:28C:1/1\n:60F:C261125EUR100,00\n:61:2611251125C1,00NTRFX\n:62M:C261125EUR101,00\n-\n"
    )
    second = (
        ":20:A\n:25:123456789\n:28C:1/2\n:60M:C261125EUR103,00\n:61:2611251125C1,00NTRFY\n:62F:C261125EUR104,00\n-\n"
    )
    pages.write_text(first + second, encoding="ascii")
    assert [item["rule"] for item in told(pages)["findings"]] == ["mt940-page"]

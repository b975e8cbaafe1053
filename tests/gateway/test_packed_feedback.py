"""What a bank sends packed: each file of an archive is followed by itself, once, however often and in whatever it comes."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from gateway.composition import Gateway
from gateway.feedback.follow import follow
from gateway.registry import tables as t

GOLDEN = Path(__file__).parents[1] / "parsers" / "golden"
STATEMENT = (GOLDEN / "camt053/statement.xml").read_bytes()
BANK = "euro_bank"


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), data)
    return out.getvalue()


@pytest.fixture
def sends(gateway: Gateway):
    """Put a file where the bank's files are fetched from, and follow; what became of it by name."""
    profile = gateway.profiles.provider(BANK)
    outbox = Path(str(profile.transport.options["outbox"]))
    outbox.mkdir(parents=True, exist_ok=True)

    def send(name: str, data: bytes) -> dict[str, str]:
        (outbox / name).write_bytes(data)
        return {item.name: item.outcome for item in follow(gateway, BANK)}

    return send


def later(data: bytes) -> bytes:
    """The next day's statement, told by its number alone."""
    return data.replace(b">2026-224<", b">2026-225<").replace(b">224<", b">225<")


def statements(gateway: Gateway) -> list[str]:
    return sorted(row["statement_id"] for row in gateway.registry.rows(t.STATEMENTS))


def test_a_packed_statement_is_the_plain_one(gateway: Gateway, sends) -> None:
    assert sends("a.camt053.xml", gzip.compress(STATEMENT)) == {"a.camt053.xml": "applied"}
    (row,) = gateway.registry.rows(t.FEEDBACK)
    assert gateway.store.get(f"feedback/{row['feedback_id']}") == STATEMENT
    # The same bytes, plain or in a zip, are the same file.
    assert sends("b.camt053.xml", STATEMENT) == {}
    assert sends("c.camt053.xml", zipped(whatever_xml=STATEMENT)) == {}
    assert len(gateway.registry.rows(t.FEEDBACK)) == 1


def test_each_file_of_an_archive_is_followed(gateway: Gateway, sends) -> None:
    archive = zipped(one_xml=STATEMENT, day__two_xml=later(STATEMENT))
    assert sends("day.camt053.xml", archive) == {
        "day.camt053.xml/one.xml": "applied", "day.camt053.xml/day/two.xml": "applied",
    }  # fmt: skip
    assert len(statements(gateway)) == 2
    assert {row["name"] for row in gateway.registry.rows(t.REMOTE_FILES)} == {"day.camt053.xml"}
    assert sends("day.camt053.xml", archive) == {}


def test_a_file_of_an_archive_is_read_as_its_own_name_says(gateway: Gateway, sends) -> None:
    report = (GOLDEN / "pain002/report.xml").read_bytes()
    archive = zipped(**{"x.pain002.xml": report, "one_xml": STATEMENT})
    sends("day.camt053.xml", archive)
    assert {row["name"]: row["format"] for row in gateway.registry.rows(t.FEEDBACK)} == {
        "day.camt053.xml/x.pain002.xml": "pain.002", "day.camt053.xml/one.xml": "camt.053",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (gzip.compress(STATEMENT)[:-20], "ends too early"),
        (zipped(one_xml=STATEMENT)[:-30], "damaged or incomplete"),
        (zipped(one_xml=STATEMENT, bomb=b"0" * 300_000_000), "as no payment file does"),
        (zipped(), "holds no file"),
    ],
)
def test_what_cannot_be_opened_is_unreadable_as_a_whole(gateway: Gateway, sends, data: bytes, words: str) -> None:
    assert sends("day.camt053.xml", data) == {"day.camt053.xml": "unreadable"}
    (row,) = gateway.registry.rows(t.FEEDBACK)
    assert words in row["note"]
    assert statements(gateway) == []

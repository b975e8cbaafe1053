"""The documentation is true: links lead somewhere, the glossary knows the code's words, the how-to pages work as they stand.

Each how-to page holds one whole module. It is written into a folder, found as any other, and used by the real gateway.
"""

from __future__ import annotations

import datetime as dt
import importlib
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from world import EURO_BANK, US_BANK, Clock, upload

from canonical.codes import Level, Severity, Status
from canonical.contracts import DeliveryState
from canonical.plugins import discover
from canonical.profiles import DEFAULT_CLIENT
from gateway.books.settle import settle
from gateway.composition import Gateway, open_gateway
from gateway.config import check_profiles
from gateway.delivery.dispatch import dispatch, due
from gateway.feedback.follow import follow
from gateway.intake.check import check
from gateway.intake.receive import receive
from gateway.registry import tables as t
from gateway.settings import Settings
from gateway.stages import run_journey
from reconciliation.frames import STATE_NAMES
from sandbox.day import salaries_pain001

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
TODAY = dt.date(2026, 11, 20)
FOLDERS = ("parsers", "validators", "exporters", "providers")
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_TERM = re.compile(r"^- \*\*(.+?)\*\*: .+\*.+\*$")


def pages() -> list[Path]:
    found = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
    assert len(found) > 10
    return found


def blocks(page: str, language: str) -> list[str]:
    """Code blocks of a page of docs/ in one language."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = [code for kind, code in _FENCE.findall(text) if kind == language]
    assert found, f"{page} has no block of {language}"
    return found


def named(block: str) -> tuple[str, str]:
    """Path in the first line's comment, and the rest."""
    first, _, rest = block.partition("\n")
    assert first.startswith("# "), f"the block does not begin with its path: {first}"
    return first.removeprefix("# ").strip(), rest


# ---------------------------------------------------------------------------------------------- pages


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    dead = []
    for link in _LINK.findall(text):
        if re.match(r"\w+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            dead.append(link)
    assert not dead, f"{page.name}: {', '.join(dead)}"


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_decisions_are_numbered_and_complete() -> None:
    records = sorted((DOCS / "adr").glob("*.md"))
    assert records
    for number, record in enumerate(records, start=1):
        text = record.read_text(encoding="utf-8")
        assert record.name.startswith(f"{number:04d}-")
        assert text.startswith(f"# {number:04d}: ")
        for part in ("**Context.**", "**Decision.**", "**Consequences.**"):
            assert part in text, f"{record.name} has no {part}"


def terms() -> list[str]:
    lines = [line for line in (DOCS / "glossary.md").read_text(encoding="utf-8").splitlines() if line.startswith("- ")]
    assert lines
    wrong = [line for line in lines if not _TERM.match(line)]
    assert not wrong, "\n".join(["not of the form - **term**: meaning. *source*", *wrong])
    return [match.group(1) for line in lines if (match := _TERM.match(line))]


def test_the_glossary_is_in_order() -> None:
    order = [re.sub(r"[`_ ,-]+", " ", term).strip().lower() for term in terms()]
    for before, after in pairwise(order):
        assert before <= after, f"{after!r} stands behind {before!r}"
    assert len(set(terms())) == len(terms())


def test_the_glossary_knows_every_status_and_state() -> None:
    known = {term.strip("`").lower() for term in terms()}
    words = [*(item.value for kind in (Status, Severity, Level, DeliveryState) for item in kind), *STATE_NAMES]
    words += re.findall(r"\w+", _file_states())
    words += [str(kind) for kind in _break_kinds()]
    missing = sorted({word for word in words if word.lower() not in known})
    assert not missing, ", ".join(missing)


def _file_states() -> str:
    """The line below the table that lists the states of a file."""
    source = Path(str(t.__file__)).read_text(encoding="utf-8")
    found = re.search(r'^"""state: ([^"]+)\."""$', source, re.MULTILINE)
    assert found, "gateway/registry/tables.py no longer lists the states of a file"
    return found.group(1)


def _break_kinds() -> list[str]:
    from canonical.frames import BREAKS

    (check_,) = BREAKS.columns["kind"].checks
    return list(check_.statistics["allowed_values"])


# ---------------------------------------------------------------------------------------------- rehearsals


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Put the module of a how-to page where the others are found; its import name."""
    before = {name: list(importlib.import_module(name).__path__) for name in FOLDERS}
    added: list[str] = []

    def put(page: str) -> str:
        (block,) = blocks(page, "python")
        path, code = named(block)
        target = tmp_path / "added" / path
        target.parent.mkdir(parents=True)
        target.write_text(code, encoding="utf-8")
        package = target.parent.name
        assert not (ROOT / path).exists(), f"{path} is there already: the page needs another example"
        importlib.import_module(package).__path__.append(str(target.parent))
        importlib.invalidate_caches()
        discover.cache_clear()
        added.append(f"{package}.{target.stem}")
        return added[-1]

    yield put
    for name, places in before.items():
        importlib.import_module(name).__path__[:] = places
    for name in added:
        package, _, module = name.partition(".")
        sys.modules.pop(name, None)
        vars(sys.modules[package]).pop(module, None)
    discover.cache_clear()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The shipped clients and two banks behind folders."""
    folder = tmp_path / "config"
    (folder / "providers").mkdir(parents=True)
    shutil.copytree(ROOT / "examples/config/clients", folder / "clients")
    for name, text in (("euro_bank", EURO_BANK), ("us_bank", US_BANK)):
        (folder / "providers" / f"{name}.yaml").write_text(text.replace("ROOT", str(tmp_path)), encoding="utf-8")
    for place in ("euro/in", "euro/out", "us/in", "us/out"):
        (tmp_path / place).mkdir(parents=True)
    return folder


def opened(config: Path) -> Gateway:
    return open_gateway(Settings(home=config.parent / "home", config_dir=config), Clock())


def test_a_new_format_is_read(install, tmp_path, config) -> None:
    install("adding-a-format.md")
    (sample,) = blocks("adding-a-format.md", "text")
    file = tmp_path / "sample.txt"
    file.write_text(sample, encoding="utf-8")
    sound = check(file, DEFAULT_CLIENT, TODAY)
    assert (sound.header.format, sound.header.message_id, sound.verdict) == ("pipe", "ACME-2026-1", "accepted")
    assert (sound.payments, sound.control_sums) == (2, {"EUR": 133_990})
    file.write_text(sample.replace("|1250.00|EUR", "|1250.00").replace("END|2", "END|3"), encoding="utf-8")
    broken = check(file, DEFAULT_CLIENT, TODAY)
    assert broken.unreadable == 1
    assert broken.findings["rule"].to_list() == ["transaction_count", "pipe-row"]
    file.write_bytes(sample.encode().replace(b"Muster", b"M\xfcller"))
    assert check(file, DEFAULT_CLIENT, TODAY).verdict == "unreadable"
    for end in range(0, len(sample), 9):
        file.write_text(sample[:end], encoding="utf-8")
        check(file, DEFAULT_CLIENT, TODAY)
    _travels(config, sample)


def _travels(config: Path, sample: str) -> None:
    profile = config / "clients" / "cedar.yaml"
    profile.write_text(profile.read_text(encoding="utf-8").replace("[csv]", "[csv, pipe]"), encoding="utf-8")
    gateway = opened(config)
    upload(gateway, "cedar", "invoices.txt", sample.encode())
    (found,) = receive(gateway)
    run_journey(gateway, str(found.file_id))
    assert gateway.registry.one(t.FILES, file_id=found.file_id)["state"] == "routed"
    planned = gateway.lake.whole(str(found.file_id), "routes")
    assert planned.height == 2
    assert planned["execution_date"].null_count() == 0, "kept for the day it asks for"


def test_a_new_rule_finds_its_fault(install, tmp_path) -> None:
    install("adding-a-rule.md")
    header = "end_to_end_id,execution_date,debtor_account,creditor_name,creditor_account,amount,currency\n"
    iban, other = "DE89370400440532013000", "FR1420041010050500013M02606"
    file = tmp_path / "sample.csv"
    file.write_text(f"{header}A,2026-12-01,{iban},Muster,{other},1.00,EUR\n", encoding="utf-8")
    assert check(file, DEFAULT_CLIENT, TODAY).findings.is_empty()
    file.write_text(f"{header}A,2026-12-01,{iban},Muster,{iban},1.00,EUR\n", encoding="utf-8")
    found = check(file, DEFAULT_CLIENT, TODAY)
    assert found.findings.select("rule", "reason", "row", "value").rows() == [("own_account", "AG01", 1, "DE89…3000")]
    assert found.verdict == "rejected"
    off = DEFAULT_CLIENT.model_copy(update={"rules": {"own_account": "off"}})
    assert check(file, off, TODAY).verdict == "accepted"


def test_a_new_report_is_written_at_the_close(install, config) -> None:
    install("adding-a-report.md")
    gateway = opened(config)
    upload(gateway, "alder", "a.xml", salaries_pain001(TODAY))
    (found,) = receive(gateway)
    run_journey(gateway, str(found.file_id))
    keys = [key for key in settle(gateway, TODAY.isoformat()) if key.endswith(".md")]
    assert len(keys) == 6, "two reports for each of two banks and for all"
    for key in keys:
        text = gateway.store.get(key).decode()
        assert text.startswith("# ")
        assert "\n## " in text
        assert "\n| --- |" in text


def test_a_new_transport_delivers_and_fetches(install, config, tmp_path) -> None:
    install("adding-a-transport.md")
    profile = config / "providers" / "euro_bank.yaml"
    options = f"{{inbox: 'file://{tmp_path}/euro/in', outbox: 'file://{tmp_path}/euro/out'}}"
    transport = f"transport: {{name: bucket, options: {options}}}"
    text = profile.read_text(encoding="utf-8")
    profile.write_text(re.sub(r"^transport: .*$", transport, text, flags=re.MULTILINE), encoding="utf-8")
    gateway = opened(config)
    upload(gateway, "alder", "a.xml", salaries_pain001(TODAY))
    (found,) = receive(gateway)
    run_journey(gateway, str(found.file_id))
    (row,) = due(gateway)
    assert [dispatch(gateway, row["submission_id"]) for _ in range(2)] == ["DELIVERED", "DELIVERED"]
    (sent,) = (tmp_path / "euro/in").iterdir()
    assert sent.name == row["name"]
    (tmp_path / "euro/out/x.pain002.xml").write_bytes(b"<nothing/>")
    assert [item.outcome for item in follow(gateway, "euro_bank")] == ["unreadable"]


def test_a_new_client_and_provider_are_accepted(config) -> None:
    for block in blocks("adding-a-client-or-provider.md", "yaml"):
        path, text = named(block)
        (config / path).write_text(text, encoding="utf-8")
    profiles, faults = check_profiles(config)
    assert [str(fault) for fault in faults] == []
    assert "dogwood" in profiles.clients
    assert "example_bank" in profiles.providers


def test_a_fault_in_a_profile_is_told_with_its_line(config) -> None:
    path, text = named(blocks("adding-a-client-or-provider.md", "yaml")[0])
    (config / path).write_text(text.replace("currencies: [EUR]", "currencies: [EURO]"), encoding="utf-8")
    _, faults = check_profiles(config)
    line = text.splitlines().index("currencies: [EUR]") + 1
    assert [(fault.path.name, fault.line) for fault in faults] == [("dogwood.yaml", line)]
    assert "EURO" in str(faults[0])


def test_options_of_a_feedback_format_are_checked_with_its_line(config) -> None:
    path, text = named(blocks("adding-a-client-or-provider.md", "yaml")[1])
    told = "format: camt.053, options: {encoding: guess}}"
    (config / path).write_text(text.replace("format: camt.053}", told), encoding="utf-8")
    _, faults = check_profiles(config)
    line = next(number for number, item in enumerate(text.splitlines(), 1) if "camt053" in item)
    assert [(fault.path.name, fault.line) for fault in faults] == [("example_bank.yaml", line)]
    assert "encoding" in str(faults[0])


def test_every_guard_has_a_test_that_is_there() -> None:
    lines = (DOCS / "security.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| ") and "::" in line]
    assert len(rows) > 20
    for row in rows:
        named = re.findall(r"`(tests/\S+?\.py)::(\w+)`", row)
        assert named, row
        for path, test in named:
            assert f"\ndef {test}(" in (ROOT / path).read_text(encoding="utf-8"), f"{path}::{test}"

"""The command line as its users call it: exit codes, one JSON object, plain words for every fault."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner
from world import REPOSITORY, upload

from gateway.cli.app import app
from gateway.feedback.news import note_news
from gateway.intake.reading import facts_of
from gateway.registry import tables as t
from sandbox.day import invoices_csv, salaries_pain001, suppliers_nacha
from validators.engine import in_terms

TODAY = dt.date(2026, 11, 20)
RUNNER = CliRunner()


def run(*arguments: str) -> tuple[int, str]:
    found = RUNNER.invoke(app, list(arguments))
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.output


@pytest.fixture
def here(gateway, monkeypatch, tmp_path: Path):
    """The environment of an operator: the gateway of this test."""
    monkeypatch.setenv("BULKRAIL_HOME", str(gateway.settings.home))
    monkeypatch.setenv("BULKRAIL_CONFIG_DIR", str(gateway.settings.config_dir))
    return gateway


def wholly_good(data: bytes) -> bytes:
    """The CSV of the day without its bad rows."""
    bad = (b"INV-1003", b"INV-1004", b"INV-1009", b"TOTAL")
    return b"".join(line for line in data.splitlines(keepends=True) if not line.startswith(bad))


@pytest.mark.parametrize(
    ("name", "data", "code", "verdict", "file_format", "payments", "sums"),
    [
        ("a.xml", salaries_pain001(TODAY), 1, "partial", "pain.001", 12, {"EUR": 3403420}),
        ("b.ach", suppliers_nacha(TODAY), 1, "partial", "nacha", 8, {"USD": 2228949}),
        ("c.csv", invoices_csv(TODAY), 1, "partial", "csv", 9, {"EUR": 4607395, "USD": 575024}),
        ("good.csv", wholly_good(invoices_csv(TODAY)), 0, "accepted", "csv", 6, {"EUR": 4569495, "USD": 575024}),
        ("empty.csv", b"", 2, "unreadable", "unknown", 0, {}),
        ("cut.xml", salaries_pain001(TODAY)[:3000], 2, "unreadable", "pain.001", None, None),
    ],
)  # fmt: skip
def test_check_gives_one_object(  # noqa: PLR0917  the columns of the table above
    tmp_path, name, data, code, verdict, file_format, payments, sums
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    exit_code, output = run("check", str(path), "--output", "json", "--day", "2026-11-20")
    told = json.loads(output)
    assert (exit_code, told["verdict"], told["format"], told["file"]) == (code, verdict, file_format, name)
    if payments is not None:
        assert (told["payments"], told["control_sums"]) == (payments, sums)
    assert bool(told["findings"]) == (code != 0)
    for finding in told["findings"]:
        assert finding["message"]
        assert finding["remedy"]


def test_check_needs_no_database_and_no_configuration(tmp_path) -> None:
    (tmp_path / "c.csv").write_bytes(invoices_csv(TODAY))
    environment = {**os.environ, "BULKRAIL_HOME": str(tmp_path / "none"), "BULKRAIL_CONFIG_DIR": str(tmp_path / "none")}
    code = "import socket\nsocket.socket.connect = None\nfrom gateway.cli.app import app\napp()"
    found = subprocess.run(
        [sys.executable, "-c", code, "check", str(tmp_path / "c.csv")],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1, found.stderr
    assert "INV-1003" in found.stdout
    assert not (tmp_path / "none").exists()


def test_check_says_what_the_gateway_says(here, tmp_path) -> None:
    data = invoices_csv(TODAY)
    (tmp_path / "c.csv").write_bytes(data)
    upload(here, "cedar", "c.csv", data)
    assert run("receive")[0] == 0
    (file,) = here.registry.rows(t.FILES)
    arguments = ("--client", "cedar", "--output", "json", "--day", file["received_on"])
    _, output = run("check", str(tmp_path / "c.csv"), *arguments)
    told = in_terms(
        here.lake.whole(file["file_id"], "findings", "validate"), facts_of("csv", here.profiles.client("cedar"))
    ).to_dicts()
    assert json.loads(output)["findings"] == told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "/nowhere/file.xml"), "NotFound: no file"),
        (("check", "/"), "cannot be read"),
        (("check", "{csv}", "--client", "nobody"), "no client named 'nobody'"),
        (("status", "unknown-id"), "no file and no payment is known"),
        (("run", "polish", "x"), "no stage named 'polish'"),
        (("run", "parse", "f" * 20), "no such file"),
        (("approve", "f" * 20), "no such file"),
        (("replay", "f" * 20), "no such file"),
        (("follow", "no_bank"), "no provider named"),
        (("reconcile", "no_bank"), "no provider named"),
        (("settle", "yesterday"), "is not a day"),
    ],
)
def test_faults_are_one_plain_line(here, tmp_path, arguments, words) -> None:
    (tmp_path / "c.csv").write_bytes(invoices_csv(TODAY))
    code, output = run(*[item.format(csv=tmp_path / "c.csv") for item in arguments])
    assert code == 3
    assert words in output
    assert "Traceback" not in output


def test_config_check_names_file_and_line(here) -> None:
    assert run("config", "check")[0] == 0
    folder = here.settings.config_dir
    path = folder / "clients" / "alder.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("{EUR: 25000000}", "{EUX: 1}"), encoding="utf-8")
    (folder / "clients" / "bad.yaml").write_text("client_id: bad\nname: [unclosed\n", encoding="utf-8")
    provider = folder / "providers" / "us_bank.yaml"
    provider.write_text(provider.read_text(encoding="utf-8").replace("name: folder", "name: pigeon"), encoding="utf-8")
    code, output = run("config", "check")
    assert code == 1
    flat = output.replace("\n", " ")
    line = next(n for n, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if "EUX" in text)
    assert f"alder.yaml:{line}: approval_limit_minor.EUX" in flat
    assert "bad.yaml:3: no YAML" in flat
    assert "us_bank.yaml" in flat
    assert "no transport named 'pigeon'" in flat


def test_a_registry_that_is_down_says_so_and_nothing_is_lost(here, monkeypatch) -> None:
    upload(here, "alder", "a.xml", salaries_pain001(TODAY))
    monkeypatch.setenv("BULKRAIL_REGISTRY_URL", "postgresql+psycopg://nobody@127.0.0.1:9/none")
    code, output = run("receive")
    assert code == 3
    assert "TransientError" in output
    monkeypatch.delenv("BULKRAIL_REGISTRY_URL")
    assert here.store.head("clients/alder/inbox/a.xml") is not None
    code, _ = run("receive")
    assert code == 0
    assert here.store.head("clients/alder/inbox/a.xml") is None


def test_the_help_reads_well() -> None:
    code, output = run("--help")
    assert code == 0
    for word in ("check", "receive", "status", "approve", "run", "reconcile", "settle", "replay", "config"):
        assert word in output


def test_an_operators_day(here) -> None:
    upload(here, "birch", "b.ach", suppliers_nacha(TODAY))
    assert run("receive")[0] == 0
    code, output = run("dispatch")
    assert code == 0
    assert "DELIVERED" in output
    (file,) = here.registry.rows(t.FILES)
    code, output = run("status", file["file_id"], "--output", "json")
    assert json.loads(output)["tied"] is True
    assert run("status", "INV-2200")[0] == 0
    for stage in ("parse", "validate", "approve", "route", "answer"):
        assert run("run", stage, file["file_id"])[0] == 0
    assert run("replay", file["file_id"])[0] == 0
    assert run("follow", "us_bank")[0] == 0
    assert run("reconcile")[0] == 0
    assert run("settle", "2026-11-21")[0] == 0


def test_a_client_that_cannot_be_answered_stops_no_other(here) -> None:
    """Its OpenPGP key is not to be had: its payments go on, and so does everybody else."""
    clients, key = here.settings.config_dir / "clients", "A" * 40
    with (clients / "alder.yaml").open("a") as profile:
        profile.write(
            f"pgp: {{signers: [{key}], encrypt_to: {key}, required: false, public_keys: [lost], private_keys: [lost]}}\n"
        )
    upload(here, "alder", "a.xml", salaries_pain001(TODAY))
    upload(here, "birch", "b.ach", suppliers_nacha(TODAY))
    code, output = run("receive")
    assert code == 3, output
    files = {row["client_id"]: row for row in here.registry.rows(t.FILES)}
    assert {client: row["state"] for client, row in files.items()} == {"alder": "routed", "birch": "routed"}
    assert f"{files['alder']['file_id']}: " in output
    assert (files["alder"]["answered"], files["birch"]["answered"]) == (0, 1)
    with here.registry.transaction() as connection:
        note_news(connection, [row["file_id"] for row in files.values()])
    for command in (("dispatch",), ("follow", "us_bank")):
        assert run(*command)[0] == 3, "alder is told nothing still"
    told = {row["client_id"]: row["told"] for row in here.registry.rows(t.FILES)}
    assert (told["alder"], told["birch"]) == (0, 1)


@pytest.mark.parametrize("bytes_max", [2_000, 200_000])
def test_a_full_disk_says_so_and_the_next_run_goes_on(here, bytes_max) -> None:
    """No file may grow beyond the limit: neither the registry's (first case) nor the archive's (second) can be written."""
    data = salaries_pain001(TODAY).replace(b"</GrpHdr>", b"</GrpHdr>" + b" " * 300_000)
    upload(here, "alder", "a.xml", data)
    assert len(data) > 200_000
    code = (
        "import resource\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({bytes_max}, resource.RLIM_INFINITY))\n"
        "from gateway.cli.app import app\napp()"
    )
    found = subprocess.run([sys.executable, "-c", code, "receive"], capture_output=True, text=True, check=False)
    assert found.returncode in {1, 3}, found.stderr
    assert "Traceback" not in found.stderr
    assert "failed" in found.stdout + found.stderr
    assert here.store.get("clients/alder/inbox/a.xml") == data
    assert run("receive")[0] == 0
    (file,) = here.registry.rows(t.FILES)
    assert file["state"] == "routed"


def test_a_folder_nobody_may_write_says_so(here, monkeypatch) -> None:
    upload(here, "alder", "a.xml", salaries_pain001(TODAY))
    # root may write anywhere: a file where the archive's folder should be stands in for the missing permission
    (here.settings.home / "store" / "archive").write_text("in the way")
    code, output = run("receive")
    assert code == 1
    assert "failed" in output
    (here.settings.home / "store" / "archive").unlink()
    assert run("receive")[0] == 0
    assert len(here.registry.rows(t.FILES)) == 1


def test_a_cancellation_request_is_looked_at_as_one() -> None:
    request = REPOSITORY / "tests/parsers/golden/camt055/request.xml"
    _, output = run("check", str(request), "--output", "json")
    assert json.loads(output)["verdict"] == "request"
    _, told = run("check", str(request))
    assert "asks to cancel" in told
    assert "accepted" not in told, "it holds no payments"


def test_a_findings_table_says_payment_and_row_of_a_workbook(tmp_path) -> None:
    """A sheet has rows and no lines: what is looked up there is called so."""
    book = openpyxl.Workbook()
    book.active.append(["end_to_end_id", "execution_date", "amount", "currency", "creditor_name", "creditor_account"])
    book.active.append(["E-1", "2026-11-30", "much", "EUR", "Alder AG", "DE74999123451000000001"])
    book.save(tmp_path / "pay.xlsx")
    _, told = run("check", str(tmp_path / "pay.xlsx"))
    heads = next(line for line in told.splitlines() if "what is wrong" in line)
    assert "row" in heads.split("payment")[0], heads
    assert "line" not in heads

"""Names that others choose lead nowhere: of clients' uploads, of what a provider offers, of our answers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from crash_day import DAY, enter, lay_out

from canonical.errors import BulkrailError
from gateway.feedback.follow import follow
from gateway.intake.receive import receive
from gateway.registry import tables as t
from gateway.stages import run_journey
from sandbox.day import invoices_csv

NAMES = (
    "..xml", "...csv", "-rf.csv", "a b.csv", "%2e%2e%2fbirch%2fa.csv", "..\\birch\\a.csv", "$(reboot).csv", "`id`.csv", "a\nb.csv",
    "a;b.csv", "ü\u202egpj.csv", "=1+1.csv", "x" * 200 + ".csv", "C:.csv", "~root.csv", "#1.csv", "a?b#c.csv",
)  # fmt: skip


def everything(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", NAMES, ids=[ascii(name)[:30] for name in NAMES])
def test_a_clients_name_stays_in_its_home(tmp_path: Path, name: str) -> None:
    """Guard: keys are made from ids and the last part of a name; the store refuses a key that climbs."""
    lay_out(tmp_path)
    town = enter(tmp_path, "")
    others = everything(tmp_path)
    town.upload("cedar", name, invoices_csv(DAY))
    for item in receive(town.gateway):
        assert (item.outcome == "failed") == ("\n" in name), item.note
        if item.file_id:
            run_journey(town.gateway, item.file_id)
    new = everything(tmp_path) - others
    allowed = re.compile(
        r"(home/registry\.sqlite.*|home/store/(lake|archive|answers|plain|clients/cedar/(inbox|outbox))/.*)", re.DOTALL
    )
    assert new
    assert [path for path in new if not allowed.fullmatch(path)] == []
    answers = [row["name"] for row in town.gateway.registry.rows(t.SUBMISSIONS, t.SUBMISSIONS.c.kind == "answer")]
    assert answers or name.startswith(".") or "\n" in name
    for answer in answers:
        assert (tmp_path / "home/store/clients/cedar/outbox" / answer).is_file()


def test_a_name_that_cannot_be_listed_stops_no_other_client(tmp_path: Path) -> None:
    """Guard: each inbox is listed on its own. One newline in a name used to keep every client's files out."""
    lay_out(tmp_path)
    town = enter(tmp_path, "")
    town.upload("alder", "a\nb.csv", invoices_csv(DAY))
    town.upload("cedar", "fine.csv", invoices_csv(DAY))
    told = {item.client_id: item for item in receive(town.gateway)}
    assert told["cedar"].outcome == "new"
    assert told["alder"].outcome == "failed"
    assert "control character" in told["alder"].note


@pytest.mark.parametrize(
    "name", ["../../x.pain002.xml", "a/../b.pain002.xml", "/etc/x.pain002.xml", "..", "a\0.pain002.xml"]
)
def test_a_providers_name_is_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Guard: `check_plain` in every transport; and what is fetched is stored under its digest, never under its name."""
    from canonical.contracts import RemoteFile
    from providers.folder import FolderRemote

    lay_out(tmp_path)
    town = enter(tmp_path, "")
    offered = RemoteFile(name, 3, "v1")
    monkeypatch.setattr(FolderRemote, "feedback", lambda *_: iter([offered]))
    before = everything(tmp_path)
    try:
        follow(town.gateway, "euro_bank")
    except BulkrailError as fault:
        assert "name" in str(fault)  # noqa: PT017
    kept = {path for path in everything(tmp_path) - before if not path.startswith("home/registry")}
    assert kept == set()

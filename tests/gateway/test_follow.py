"""Follow: what a provider sends is kept once and applied once, whatever dies, comes again or cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from played import TODAY, bank

from canonical.errors import ConfigError
from gateway.composition import Gateway
from gateway.feedback import follow as following
from gateway.feedback.follow import follow
from gateway.registry import tables as t
from providers.folder import FolderRemote


def _dies(*_: object) -> None:
    raise KeyboardInterrupt


def _files(gateway: Gateway) -> list[tuple[str, str]]:
    return [(row["name"], row["state"]) for row in gateway.registry.rows(t.FEEDBACK, order=t.FEEDBACK.c.name)]


def test_a_feedback_file_that_cannot_be_applied_stops_no_other(gateway: Gateway, tmp_path: Path, monkeypatch) -> None:
    """It was fetched, and before it was applied its pattern was taken out of the profile."""
    for name in ("a.pain002.xml", "b.pain002.xml", "read.me"):
        (tmp_path / "euro/out" / name).write_text(f"<Document>{name}", encoding="ascii")
    with monkeypatch.context() as patched:
        patched.setattr(following, "apply", _dies)
        with pytest.raises(KeyboardInterrupt):
            follow(gateway, "euro_bank")
    assert _files(gateway) == [("a.pain002.xml", "archived"), ("b.pain002.xml", "archived")]
    bank = gateway.profiles.providers["euro_bank"]
    (source,) = (item for item in bank.feedback if item.format == "pain.002")
    only_b = (source.model_copy(update={"pattern": "b.*"}),)
    gateway.profiles.providers["euro_bank"] = bank.model_copy(update={"feedback": only_b})
    for _ in range(2):
        with pytest.raises(ConfigError, match="put the pattern back"):
            follow(gateway, "euro_bank")
        assert _files(gateway) == [("a.pain002.xml", "archived"), ("b.pain002.xml", "unreadable")]
    gateway.profiles.providers["euro_bank"] = bank
    assert [(item.name, item.outcome) for item in follow(gateway, "euro_bank")] == [("a.pain002.xml", "unreadable")]


def _entries(gateway: Gateway) -> int:
    return sum(gateway.lake.whole(row["feedback_id"], "entries").height for row in gateway.registry.rows(t.FEEDBACK))


def _told_again(tmp_path: Path) -> Path:
    """The euro bank's statement in another file, of other bytes."""
    (first,) = (tmp_path / "euro/out").glob("*.camt053.xml")
    second = first.with_name(f"again-{first.name}")
    second.write_bytes(first.read_bytes() + b"<!-- sent again -->")
    return second


def test_a_statement_in_another_file_is_booked_once(salaries_told: Gateway, tmp_path: Path) -> None:
    before = _entries(salaries_told)
    _told_again(tmp_path)
    (item,) = follow(salaries_told, "euro_bank")
    assert item.outcome == "applied"
    assert "was known" in salaries_told.registry.one(t.FEEDBACK, feedback_id=item.feedback_id)["note"]
    assert _entries(salaries_told) == before > 0


def test_of_two_workers_with_one_statement_in_two_files_one_books_it(
    salaries_paid: Gateway, tmp_path: Path, monkeypatch
) -> None:
    """The second looked which statements are known before the first had committed."""
    bank(tmp_path, "euro_bank").close_day(TODAY)
    second, known = _told_again(tmp_path), following._known_statements
    with monkeypatch.context() as patched:
        patched.setattr(following, "apply", _dies)
        with pytest.raises(KeyboardInterrupt):
            follow(salaries_paid, "euro_bank")
    rows = salaries_paid.registry.rows(t.FEEDBACK, t.FEEDBACK.c.format == "camt.053")
    ids = {row["name"]: row["feedback_id"] for row in rows}
    ours = ids.pop(second.name)
    (theirs,) = ids.values()

    def overtaken(*given: object) -> object:
        found = known(*given)
        monkeypatch.setattr(following, "_known_statements", known)
        following.apply(salaries_paid, theirs)
        return found

    monkeypatch.setattr(following, "_known_statements", overtaken)
    assert following.apply(salaries_paid, ours).outcome == "applied"
    entries = [salaries_paid.lake.whole(feedback_id, "entries").height for feedback_id in (theirs, ours)]
    assert entries[0] > entries[1] == 0
    assert "was known" in salaries_paid.registry.one(t.FEEDBACK, feedback_id=ours)["note"]


def test_a_statement_that_came_in_pieces_is_booked_when_it_is_whole(salaries_paid: Gateway, tmp_path: Path) -> None:
    """Of what cannot be read to its end nothing counts: neither its entries nor that the statement is known."""
    follow(salaries_paid, "euro_bank")
    whole = bank(tmp_path, "euro_bank").close_day(TODAY)
    assert whole is not None
    data = whole.read_bytes()
    whole.write_bytes(data[: data.rindex(b"</Stmt>") + len(b"</Stmt>")])
    (broken,) = follow(salaries_paid, "euro_bank")
    assert (broken.outcome, _entries(salaries_paid)) == ("unreadable", 0)
    assert salaries_paid.registry.rows(t.STATEMENTS) == []
    whole.with_name(f"again-{whole.name}").write_bytes(data)
    (item,) = follow(salaries_paid, "euro_bank")
    assert item.outcome == "applied"
    assert _entries(salaries_paid) > 0
    assert len(salaries_paid.registry.rows(t.STATEMENTS)) == 1


def test_what_was_kept_is_put_aside_by_the_next_run(gateway: Gateway, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "euro/out/a.pain002.xml").write_text("<Document>", encoding="ascii")
    aside = list[str]()
    with monkeypatch.context() as patched:
        patched.setattr(FolderRemote, "archive", _dies)
        with pytest.raises(KeyboardInterrupt):
            follow(gateway, "euro_bank")
    monkeypatch.setattr(FolderRemote, "archive", lambda _, file: aside.append(file.name))
    assert [item.outcome for item in follow(gateway, "euro_bank")] == ["unreadable"]
    assert aside == ["a.pain002.xml"]
    trail = gateway.registry.rows(t.AUDIT, t.AUDIT.c.action.like("feedback%"))
    assert [row["action"] for row in trail] == ["feedback_received"]

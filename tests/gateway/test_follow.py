"""Follow: what a provider sends is kept once and applied once, whatever dies, comes again or cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from canonical.errors import ConfigError
from gateway import follow as following
from gateway.composition import Gateway
from gateway.follow import follow
from gateway.registry import tables as t


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

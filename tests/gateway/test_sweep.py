"""Sweeping: what died is taken away, what counts or may yet count never is."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner
from world import Clock

from canonical.errors import ConfigError, TransientError
from canonical.frames import FINDINGS, conform
from canonical.limits import ATTEMPT_S_MAX, SWEEP_AGE_S_MIN
from gateway.cli.app import app
from gateway.composition import Gateway, open_gateway
from gateway.lake import Draft
from gateway.registry import tables as t
from gateway.settings import Settings
from gateway.sweep import litter, sweep

HOUR_S = 3600
_FAULT = {
    "rule": "x", "reason": "FF02", "severity": "fatal", "level": "file", "message": "Broken.", "remedy": "Mend it.",
}  # fmt: skip


@pytest.fixture(autouse=True)
def temporaries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporaries"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def anywhere(tmp_path: Path, config_dir: Path, store_url: str) -> Iterator[Gateway]:
    """On each store. Its clock begins at the time that the store's own clock shows."""
    settings = Settings(home=tmp_path / "home", config_dir=config_dir, store_url=store_url)
    opened = open_gateway(settings, Clock(dt.datetime.now(dt.UTC)))
    yield opened
    opened.registry.engine.dispose()


def attempt(gateway: Gateway, subject: str = "F" * 20) -> Draft:
    """An attempt that has written, and neither committed nor died."""
    draft = gateway.lake.draft(subject, "validate")
    draft.write("findings", conform(pl.DataFrame([_FAULT]), FINDINGS))
    return draft


def later(gateway: Gateway, seconds: float) -> None:
    assert isinstance(gateway.clock, Clock)
    gateway.clock.move(seconds=seconds)


def test_only_what_died_is_taken(anywhere: Gateway) -> None:
    died, counts = attempt(anywhere), attempt(anywhere)
    assert counts.commit({})
    anywhere.store.put("archive/F", b"nobody has committed it yet, and it is a client's")
    later(anywhere, SWEEP_AGE_S_MIN - HOUR_S)
    assert litter(anywhere) == [], "any attempt may still work"
    later(anywhere, 2 * HOUR_S)
    found = litter(anywhere)
    assert [item.name for item in found] == [died.manifests[0].key]
    assert anywhere.store.head(died.manifests[0].key) is not None, "to list is not to take"
    assert sweep(anywhere, found, "alice") == 1
    assert anywhere.store.head(died.manifests[0].key) is None
    assert anywhere.lake.whole("F" * 20, "findings")["message"].to_list() == ["Broken."]
    assert anywhere.store.head("archive/F") is not None
    assert sweep(anywhere, found, "alice") == 0
    assert litter(anywhere) == []
    (told,) = anywhere.registry.rows(t.AUDIT, t.AUDIT.c.action == "swept")
    assert (told["actor"], told["detail"]) == ("alice", f'{{"bytes": {found[0].size}, "things": 1}}')


@pytest.mark.parametrize("slept_s", [ATTEMPT_S_MAX - 60, ATTEMPT_S_MAX + 60, SWEEP_AGE_S_MIN + 60])
def test_what_a_sleeper_commits_is_there(gateway: Gateway, slept_s: int) -> None:
    """A worker that was stopped wakes before a sweep, or after it: what counts is there in either case."""
    assert isinstance(gateway.clock, Clock)
    gateway.clock.now = dt.datetime.now(dt.UTC)
    sleeper = attempt(gateway)
    later(gateway, slept_s)
    sweep(gateway, litter(gateway), "alice")
    if slept_s > ATTEMPT_S_MAX:
        with pytest.raises(TransientError, match="run it again"):
            sleeper.commit({})
        assert not gateway.registry.rows(t.STAGES)
        return
    assert sleeper.commit({})
    later(gateway, 10 * SWEEP_AGE_S_MIN)
    assert litter(gateway) == []
    assert gateway.lake.whole("F" * 20, "findings").height == 1


def test_files_that_a_killed_process_left(gateway: Gateway, temporaries: Path) -> None:
    root = Path(gateway.settings.store.removeprefix("file://"))
    old = [root / "archive" / "F#17", temporaries / "bulkrail-abc", temporaries / "bulkrail-spool-x" / "frame.arrow"]
    kept = [
        root / "clients" / "alder" / "inbox" / "pay#17", root / "archive" / "F", temporaries / "foreign",
        root / "archive" / "G#now", temporaries / "bulkrail-live" / "frame.arrow",
    ]  # fmt: skip
    then = gateway.clock().timestamp() - SWEEP_AGE_S_MIN - 60
    for path in (*old, *kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")
        os.utime(path, (then, then))
        os.utime(path.parent, (then, then))
    now = gateway.clock().timestamp()
    os.utime(kept[-1], (now, now))
    found = litter(gateway)
    assert [item.name for item in found] == [str(old[0]), str(old[1]), str(old[2].parent)]
    assert sweep(gateway, found, "alice") == len(old)
    assert not any(path.exists() for path in old)
    assert all(path.exists() for path in kept)


def test_the_command_lists_first(gateway: Gateway, temporaries: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BULKRAIL_HOME", str(gateway.settings.home))
    monkeypatch.setenv("BULKRAIL_CONFIG_DIR", str(gateway.settings.config_dir))
    left = temporaries / "bulkrail-gpg-1"
    left.write_bytes(b"12345")
    os.utime(left, (0, 0))
    told = CliRunner().invoke(app, ["sweep"])
    assert told.exit_code == 0
    assert str(left) in told.output
    assert "1 found, 5 bytes, 0 taken away" in told.output
    assert left.exists()
    assert "5 bytes, 1 taken away" in CliRunner().invoke(app, ["sweep", "--delete"]).output
    assert not left.exists()
    assert CliRunner().invoke(app, ["sweep", "--hours", "23"]).exit_code == 3


def test_a_younger_age_is_refused(gateway: Gateway) -> None:
    with pytest.raises(ConfigError):
        litter(gateway, SWEEP_AGE_S_MIN - 1)


def test_what_a_running_task_takes_away_meanwhile_is_passed_over(
    gateway: Gateway, temporaries: Path, monkeypatch
) -> None:
    for name in ("bulkrail-a", "bulkrail-b"):
        (temporaries / name).touch()
    known = Path.is_symlink

    def gone_at_once(path: Path) -> bool:
        if path.name == "bulkrail-a":
            path.unlink()
        return known(path)

    monkeypatch.setattr(Path, "is_symlink", gone_at_once)
    later(gateway, 1000 * 24 * HOUR_S)
    assert [Path(item.name).name for item in litter(gateway)] == ["bulkrail-b"]

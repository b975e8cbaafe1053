"""A gateway of its own for every test: both registries, both stores, a clock that stands still until it is moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import played
import pytest
from s3 import s3_server
from world import Clock, lay_registry, postgres_url

from gateway.books import close_run
from gateway.books.close_run import Made
from gateway.composition import Gateway, open_gateway
from gateway.lake import Draft
from gateway.registry.engine import Registry, open_registry
from gateway.settings import Settings
from reconciliation.totals import Totals


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def registry_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{lay_registry(tmp_path / 'registry.sqlite')}" if request.param == "sqlite" else postgres_url()


@pytest.fixture
def registry(registry_url: str, clock: Clock) -> Iterator[Registry]:
    opened = open_registry(registry_url, clock)
    yield opened
    opened.engine.dispose()


@pytest.fixture
def config_dir(tmp_path: Path) -> Path:
    """The shipped clients, and two banks behind folders of this test."""
    return played.write_config(tmp_path)


@pytest.fixture(params=["folder", "s3"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if request.param == "folder":
        yield f"file://{tmp_path}/store"
        return
    with s3_server(monkeypatch) as bucket:
        yield f"s3://{bucket}"


@pytest.fixture
def gateway(tmp_path: Path, clock: Clock) -> Iterator[Gateway]:
    """A gateway on SQLite and a folder."""
    yield from _until_done(played.opened(tmp_path, clock))


@pytest.fixture
def gateway_anywhere(tmp_path: Path, config_dir: Path, clock: Clock, registry_url: str) -> Iterator[Gateway]:
    """A gateway on each registry, whose clients may send cancellation requests."""
    settings = Settings(home=tmp_path / "home", config_dir=config_dir, registry_url=registry_url)
    opened = open_gateway(settings, clock)
    for name, profile in opened.profiles.clients.items():
        formats = (*profile.formats, "camt.055", "pain.007")
        opened.profiles.clients[name] = profile.model_copy(update={"formats": formats})
    yield opened
    opened.registry.engine.dispose()


def _until_done(opened: Gateway) -> Iterator[Gateway]:
    yield opened
    opened.registry.engine.dispose()


def _kept(play: Callable[[Gateway, Path], None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp(play.__name__)
    for opened in _until_done(played.opened(root, Clock())):
        play(opened, root)
    return root


@pytest.fixture(scope="session")
def kept_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _kept(played.whole_day, tmp_path_factory)


@pytest.fixture(scope="session")
def kept_paid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _kept(played.salaries_paid, tmp_path_factory)


@pytest.fixture(scope="session")
def kept_told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _kept(played.salaries_told, tmp_path_factory)


@pytest.fixture
def bank_day(kept_day: Path, tmp_path: Path, clock: Clock) -> Iterator[Gateway]:
    """A gateway after `played.whole_day`."""
    yield from _until_done(played.copy_of(kept_day, tmp_path, clock))


@pytest.fixture
def salaries_paid(kept_paid: Path, tmp_path: Path, clock: Clock) -> Iterator[Gateway]:
    """A gateway after `played.salaries_paid`."""
    yield from _until_done(played.copy_of(kept_paid, tmp_path, clock))


@pytest.fixture
def salaries_told(kept_told: Path, tmp_path: Path, clock: Clock) -> Iterator[Gateway]:
    """A gateway after `played.salaries_told`."""
    yield from _until_done(played.copy_of(kept_told, tmp_path, clock))


@pytest.fixture
def both_ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every close is made from scratch as well, and comes to the same, byte by byte. The subjects of those that carried."""
    run, carried = close_run.run, list[str]()

    def twice(draft: Draft, found: Any, opening: Any, ledger: Any, *rest: Any) -> tuple[Totals, Made]:
        scratch = draft.lake.draft(draft.subject, draft.stage)
        as_new = None if opening is None else replace(opening, posted=None)
        of_all, all_made = run(scratch, found, as_new, ledger, *rest)
        totals, made = run(draft, found, opening, ledger, *rest)
        assert [(item.dataset, item.sha256) for item in draft.manifests] == [
            (item.dataset, item.sha256) for item in scratch.manifests
        ]
        for whole, part in ((of_all, totals), (all_made, made)):
            for name in (field.name for field in fields(whole) if field.name not in ("draft", "journal")):
                ours, theirs = (getattr(side, name) for side in (part, whole))
                assert ours.sort(ours.columns).equals(theirs.sort(ours.columns)), name
        assert made.journal.rows(1).equals(all_made.journal.rows(1))
        if opening is not None and opening.posted is not None and opening.posted == ledger.last_before:
            carried.append(draft.subject)
        return totals, made

    monkeypatch.setattr(close_run, "run", twice)
    return carried

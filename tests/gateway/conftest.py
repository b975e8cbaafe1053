"""A gateway of its own for every test: both registries, both stores, a clock that stands still until it is moved."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from s3 import s3_server
from world import EURO_BANK, REPOSITORY, US_BANK, Clock, postgres_url

from gateway.composition import Gateway, open_gateway
from gateway.registry.engine import Registry, open_registry
from gateway.settings import Settings


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def registry_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'registry.sqlite'}" if request.param == "sqlite" else postgres_url()


@pytest.fixture
def registry(registry_url: str, clock: Clock) -> Iterator[Registry]:
    opened = open_registry(registry_url, clock)
    yield opened
    opened.engine.dispose()


@pytest.fixture
def config_dir(tmp_path: Path) -> Path:
    """The shipped clients, and two banks behind folders of this test."""
    folder = tmp_path / "config"
    (folder / "providers").mkdir(parents=True)
    shutil.copytree(REPOSITORY / "examples/config/clients", folder / "clients")
    for name, text in (("euro_bank", EURO_BANK), ("us_bank", US_BANK)):
        (folder / "providers" / f"{name}.yaml").write_text(text.replace("ROOT", str(tmp_path)), encoding="utf-8")
    for place in ("euro/in", "euro/out", "us/in", "us/out"):
        (tmp_path / place).mkdir(parents=True)
    return folder


@pytest.fixture(params=["folder", "s3"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if request.param == "folder":
        yield f"file://{tmp_path}/store"
        return
    with s3_server(monkeypatch) as bucket:
        yield f"s3://{bucket}"


@pytest.fixture
def gateway(tmp_path: Path, config_dir: Path, clock: Clock) -> Iterator[Gateway]:
    """A gateway on SQLite and a folder."""
    settings = Settings(home=tmp_path / "home", config_dir=config_dir)
    opened = open_gateway(settings, clock)
    yield opened
    opened.registry.engine.dispose()


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

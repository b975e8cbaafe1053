"""Bank days on SQLite and a folder, played once and kept: a test that begins where one ends is given a copy of its own.

A day is a folder with the gateway, its profiles and the banks around it.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from world import BANK_TERMS, EURO_BANK, NOON, REPOSITORY, US_BANK, Clock, intake, lay_registry, upload

from canonical.plugins import lookup
from gateway.answers.answer import files_with_news
from gateway.books.reconcile import reconcile
from gateway.composition import Gateway, open_gateway
from gateway.delivery.dispatch import dispatch, due
from gateway.feedback.follow import follow
from gateway.reports import held_reports
from gateway.settings import Settings
from gateway.stages import outcome_answer
from sandbox.banks import Bank
from sandbox.day import salaries_pain001, uploads

TODAY = NOON.date()
FOLDERS = {"euro_bank": "euro", "us_bank": "us"}


def write_config(root: Path) -> Path:
    """The shipped clients, and two banks behind folders of this root; the folder of the profiles."""
    folder = root / "config"
    (folder / "providers").mkdir(parents=True, exist_ok=True)
    shutil.copytree(REPOSITORY / "examples/config/clients", folder / "clients", dirs_exist_ok=True)
    for name, text in (("euro_bank", EURO_BANK), ("us_bank", US_BANK)):
        (folder / "providers" / f"{name}.yaml").write_text(text.replace("ROOT", str(root)), encoding="utf-8")
    for place in FOLDERS.values():
        for end in ("in", "out"):
            (root / place / end).mkdir(parents=True, exist_ok=True)
    return folder


def opened(root: Path, clock: Clock, registry_url: str = "", store_url: str = "") -> Gateway:
    """The gateway of a folder; without URLs on SQLite and a folder."""
    config_dir = write_config(root)
    if not registry_url:
        lay_registry(root / "home" / "registry.sqlite")
    return open_gateway(
        Settings(home=root / "home", config_dir=config_dir, registry_url=registry_url, store_url=store_url), clock
    )


@contextmanager
def small(root: Path, clock: Clock, registry_url: str = "") -> Iterator[Gateway]:
    """The gateway of a folder with the euro bank alone, and its reports as text alone."""
    text_alone = {"report-text": lookup("exporters", "EXPORT", "report-text")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(held_reports, "discover", lambda *_: text_alone)
        found = opened(root, clock, registry_url)
        object.__setattr__(found.profiles, "providers", {"euro_bank": found.profiles.provider("euro_bank")})
        yield found
        found.registry.engine.dispose()


def copy_of(day: Path, root: Path, clock: Clock) -> Gateway:
    """The gateway of a copy of a day, whose banks are beside it."""
    shutil.copytree(day, root, dirs_exist_ok=True)
    return opened(root, clock)


def bank(root: Path, name: str) -> Bank:
    """A bank of a folder, with its books."""
    return Bank(BANK_TERMS[name], root / FOLDERS[name], root / f"{FOLDERS[name]}.sqlite")


def deliver(gateway: Gateway) -> None:
    for row in due(gateway):
        assert dispatch(gateway, row["submission_id"]) == "DELIVERED"


def feedback(gateway: Gateway) -> None:
    for provider in gateway.profiles.providers:
        follow(gateway, provider)
        reconcile(gateway, provider)
    for file_id in files_with_news(gateway):
        outcome_answer(gateway, file_id)


def whole_day(gateway: Gateway, root: Path) -> None:
    """What all clients upload of a day, until the banks' statements are matched; not closed."""
    for item in uploads(TODAY):
        upload(gateway, item.client_id, item.name, item.data)
    intake(gateway)
    deliver(gateway)
    for name in FOLDERS:
        bank(root, name).tick(dt.datetime(2026, 11, 20, 18, 0, tzinfo=dt.UTC))
    feedback(gateway)
    for name in FOLDERS:
        bank(root, name).close_day(TODAY)
    feedback(gateway)


def salaries_paid(gateway: Gateway, root: Path) -> None:
    """One file of salaries, until the euro bank has paid it; it has not told of it yet."""
    upload(gateway, "alder", "a.xml", salaries_pain001(TODAY))
    intake(gateway)
    deliver(gateway)
    bank(root, "euro_bank").tick(NOON)


def salaries_told(gateway: Gateway, root: Path) -> None:
    """The same, with the statement of the day followed and not matched yet."""
    salaries_paid(gateway, root)
    bank(root, "euro_bank").close_day(TODAY)
    follow(gateway, "euro_bank")

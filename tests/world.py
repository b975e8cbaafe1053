"""What the tests of the gateway share: a clock, databases, two banks behind folders, clients that upload."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
import uuid
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from gateway.answers.answer import answer_duplicates, repeated_files
from gateway.composition import Gateway
from gateway.intake.receive import receive
from gateway.registry.engine import open_registry
from gateway.stages import run_journey, unfinished_files
from sandbox._examples import BankAccount, BankTerms

REPOSITORY = Path(__file__).resolve().parents[1]
NOON = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)

AWS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
"""What every AWS client finds in its environment, whatever the machine has."""


class Clock:
    """Stands still; `move` sets it on."""

    def __init__(self, now: dt.datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += dt.timedelta(**by)


@cache
def migrated_sqlite() -> bytes:
    """An empty registry on SQLite. What the migrations make is looked at in `gateway/test_registry.py`, not by every gateway."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "registry.sqlite"
        open_registry(f"sqlite:///{path}", Clock()).engine.dispose()
        return path.read_bytes()


def lay_registry(path: Path) -> Path:
    """The same as a file of its own."""
    if not path.exists():
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
        path.write_bytes(migrated_sqlite())
    return path


def postgres_url() -> str:
    """URL of a new registry on the server the environment names, empty and migrated; skips where it names none."""
    return empty_postgres_url(_migrated_postgres(_server()))


def empty_postgres_url(template: str = "template1") -> str:
    """URL of a new database without tables on that server, or of a copy of another database."""
    server, name = _server(), f"test_{uuid.uuid4().hex[:12]}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
    admin.dispose()
    return f"{server.rpartition('/')[0]}/{name}"


def _server() -> str:
    server = os.environ.get("BULKRAIL_TEST_POSTGRES_URL")
    if not server:
        pytest.skip("no PostgreSQL server here (BULKRAIL_TEST_POSTGRES_URL is not set)")
    return server


@cache
def _migrated_postgres(server: str) -> str:
    """Name of a database that was migrated once, to be copied."""
    url = empty_postgres_url()
    assert url.startswith(server.rpartition("/")[0])
    open_registry(url, Clock()).engine.dispose()
    return url.rpartition("/")[2]


EURO_BANK = """
provider_id: euro_bank
name: Sandbox Euro Bank
export: {name: pain.001, options: {}}
transport: {name: folder, options: {inbox: ROOT/euro/in, outbox: ROOT/euro/out}}
accounts:
  - {account: DE32100100100123456789, currency: EUR, name: Bulkrail Clearing, agent: EUROBANKXXX}
rails:
  - {rail: sepa_credit_transfer, currencies: [EUR], account: iban, cut_off: "18:00", time_zone: Europe/Berlin,
     calendar: target, cost_minor: 5}
feedback:
  - {pattern: "*.pain002.xml", format: pain.002}
  - {pattern: "*.camt053.xml", format: camt.053}
"""
US_BANK = """
provider_id: us_bank
name: Sandbox US Bank
export:
  name: nacha
  options: {immediate_destination: "091000776", immediate_destination_name: SANDBOX US BANK,
            immediate_origin: "123000455", immediate_origin_name: BULKRAIL, originating_dfi: "09100077",
            company_id: "1234567890", company_name: BULKRAIL}
transport: {name: folder, options: {inbox: ROOT/us/in, outbox: ROOT/us/out}}
accounts:
  - {account: "700100200", currency: USD, name: Bulkrail Clearing, agent: "091000776"}
rails:
  - {rail: ach_credit, currencies: [USD], account: aba, cut_off: "17:00", time_zone: America/New_York, calendar: fed}
  - {rail: ach_debit, credit_debit: [DBIT], currencies: [USD], account: aba, cut_off: "17:00",
     time_zone: America/New_York, calendar: fed}
feedback:
  - {pattern: "*.return.ach", format: nacha-return}
  - {pattern: "*.camt053.xml", format: camt.053}
"""


BANK_TERMS = {
    "euro_bank": BankTerms(
        bank_id="euro_bank",
        code="EUBK",
        format="pain.001",
        accounts=(
            BankAccount(account="DE32100100100123456789", currency="EUR", agent="EUROBANKXXX", opening_minor=10**8),
        ),
        booking="alternate",
        fee_minor=250,
        unknown_credit_minor=12_345,
    ),
    "us_bank": BankTerms(
        bank_id="us_bank",
        code="USBK",
        format="nacha",
        accounts=(BankAccount(account="700100200", currency="USD", agent="091000776", opening_minor=10**8),),
        fee_minor=150,
    ),
}
"""The other side of the two providers."""


def upload(gateway: Gateway, client_id: str, name: str, data: bytes) -> None:
    """Put a file into a client's inbox, as the SFTP front does."""
    gateway.store.put(f"clients/{client_id}/inbox/{name}", data)


def agree(gateway: Gateway, client_id: str, **terms: object) -> None:
    """Change what was agreed with a client, for this gateway alone."""
    known = dict(gateway.profiles.clients)
    known[client_id] = known[client_id].model_validate({**known[client_id].model_dump(), **terms})
    object.__setattr__(gateway.profiles, "clients", known)


def intake(gateway: Gateway) -> None:
    """What the intake DAG does in one run."""
    receive(gateway)
    for file in unfinished_files(gateway):
        run_journey(gateway, file["file_id"])
    for file_id in repeated_files(gateway):
        answer_duplicates(gateway, file_id)

"""A gateway of the benchmarks' own: one client that may do everything, and four banks where a whole journey is measured."""

from __future__ import annotations

import datetime as dt
import mmap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import structlog

from canonical.contracts import Source
from canonical.frames import KEYS, dtypes
from canonical.plugins import lookup
from canonical.profiles import ClientProfile
from gateway.composition import Gateway, open_gateway
from gateway.intake.duplicates import earlier_hits
from gateway.registry import tables as t
from gateway.registry.engine import insert_new
from gateway.settings import Settings

DAY = dt.datetime(2026, 11, 25, 9, tzinfo=dt.UTC)
"""When it is: the day on which the seeded files are to be executed."""
CLIENT = """client_id: bench
name: Bench
formats: [pain.001, pain.008]
complete: renamed
duplicate_payment: reject
answers: [{name: pain.002}]
approval_limit_minor: {EUR: 1000000000000000, USD: 1000000000000000}
format_options: {pain.001: {xsd: XSD}, pain.008: {xsd: XSD}}
"""


BANK = """provider_id: bankN
name: Bank N
export: {name: pain.001, options: {transliterate: true}}
transport: {name: folder, options: {inbox: HOME/bankN}}
accounts: [{account: ACCOUNT, currency: EUR, name: Bench, agent: EUBKDEFFXXX}]
rails:
  - {rail: sepa_credit_transfer, currencies: [EUR], account: iban, cost_minor: N, cut_off: "23:59:59", time_zone: UTC,
     calendar: every_day, capacity: {payments: SHARE}}
feedback: []
"""
ACCOUNTS = ("DE74999123451000000001", "DE47999123451000000002", "DE20999123451000000003", "DE90999123451000000004")


def banks(home: Path, payments_each: int) -> None:
    """Four banks that take so many payments each, the cheapest first."""
    (home / "config" / "providers").mkdir(parents=True)
    for number, account in enumerate(ACCOUNTS, start=1):
        (home / f"bank{number}").mkdir()
        text = BANK.replace("ACCOUNT", account).replace("HOME", str(home)).replace("SHARE", str(payments_each))
        text = (
            text.replace("bankN", f"bank{number}")
            .replace("Bank N", f"Bank {number}")
            .replace("cost_minor: N", f"cost_minor: {number}")
        )
        (home / "config" / "providers" / f"bank{number}.yaml").write_text(text, encoding="utf-8")


@contextmanager
def opened(home: Path) -> Iterator[Gateway]:
    """The gateway of a folder; `home/xsd` says if files are held to their schema."""
    config = home / "config"
    for name in ("clients", "providers"):
        (config / name).mkdir(parents=True, exist_ok=True)
    xsd = "reject" if (home / "xsd").exists() else "off"
    (config / "clients" / "bench.yaml").write_text(CLIENT.replace("XSD", f'"{xsd}"'), encoding="utf-8")
    structlog.configure(logger_factory=structlog.WriteLoggerFactory((home / "log").open("a", encoding="utf-8")))
    gateway = open_gateway(Settings(home=home, config_dir=config), lambda: DAY)
    yield gateway
    gateway.registry.engine.dispose()


def searched(home: Path, known: int, new: int, files: int = 7) -> dict[str, Any]:
    """Seconds to look `new` keys up among `known` ones, half of `new` being known; the known ones lie in `files` runs."""
    rng = np.random.default_rng(7)
    with opened(home) as gateway:
        samples, low = [], 1
        for n, rows in enumerate(np.diff(np.linspace(0, known, files + 1).astype(int)).tolist()):
            keys = np.sort(rng.integers(0, 2**64, rows, dtype=np.uint64, endpoint=False))
            sequence = n + 1
            frame = pl.DataFrame(
                {
                    "key": keys,
                    "check": keys ^ np.uint64(1),
                    "offset": np.arange(rows),
                    "sequence": np.full(rows, sequence),
                },
                schema=dtypes(KEYS),
            )
            file_id = f"{n:020x}"
            with gateway.registry.transaction() as connection:
                insert_new(
                    connection, t.FILES, file_id=file_id, client_id="bench", name="b", sha256=file_id, round=1, size_bytes=1,
                    complete=1, received_at="2026-11-21T00:00:00", received_on="2026-11-21", state="rejected", answered=1,
                    news=0, told=0, sequence=sequence,
                )  # fmt: skip
            draft = gateway.lake.draft(file_id, "validate")
            draft.write_run("keys", iter([frame]))
            draft.commit({})
            samples.append(rng.choice(keys, new // (2 * files)))
            low += rows
            del frame, keys
        asked = np.concatenate([*samples, rng.integers(0, 2**64, new - sum(map(len, samples)), dtype=np.uint64)])
        wanted = pl.DataFrame({"key": asked, "check": asked ^ np.uint64(1), "offset": np.arange(new)})
        today = gateway.clock().date()
        client: ClientProfile = gateway.profiles.client("bench")
        first = time.perf_counter()
        # The files stand as rejected, so that every hit is searched and none has to be confirmed by payments that are not there.
        hits = earlier_hits(gateway, client, "f" * 20, wanted, files + 1, today)
        seconds = time.perf_counter() - first
    assert hits.is_empty()
    return {"seconds": round(seconds, 3), "known": known, "new": new}


def followed(home: Path, kind: str, path: Path) -> dict[str, Any]:
    """A feedback file into the lake, as the stage that follows providers writes it; what it held."""
    with opened(home) as gateway, path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = lookup("parsers", "FORMAT", kind)
        said = found.read(Source("0" * 20, path.name, data), found.options())
        draft = gateway.lake.draft("B0", "follow")
        for dataset in ("findings", "statuses", "statements", "entries", "balances"):
            draft.write(dataset, getattr(said, dataset))
        draft.commit({})
    return {"entries": int(said.statements["entries"].sum()), "findings": said.findings.height}

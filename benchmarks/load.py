"""Load: many clients' files at once, through the whole journey, by a few worker processes as Airflow would run them.

Every file waits in its inbox from the start. One task receives, a pool of workers takes each file to its provider's inbox, the banks
book and answer, and the feedback is followed, reconciled and told to the clients. At the end the banks' books are held against what
was written: each payment once, none lost.
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
import resource
import shutil
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks import make_pain001
from benchmarks.runner import Bench
from sandbox._examples import BankAccount, BankTerms
from sandbox.banks import Bank

NOW: Final = dt.datetime(2026, 11, 24, 9, 0, tzinfo=dt.UTC)
"""The generator's payments are for the next day."""
_ACCOUNTS: Final = {"bank_a": "DE75512108001245126199", "bank_b": "DE12500105170648489890"}
_CLIENT: Final = """client_id: NAME
name: Client NAME
formats: [pain.001]
complete: renamed
answers: [{name: pain.002}]
duplicate_payment: reject
approval_limit_minor: {EUR: 1000000000000000}
execution_dates: {future_days_max: 60}
"""
_BANK: Final = """provider_id: NAME
name: Bank NAME
export: {name: pain.001, options: {}}
transport: {name: folder, options: {inbox: ROOT/NAME/in, outbox: ROOT/NAME/out, temporaries_cleared: false}}
accounts: [{account: ACCOUNT, currency: EUR, name: Load, agent: SOGEDEFFXXX}]
rails:
  - {rail: sepa_credit_transfer, currencies: [EUR], clients: [CLIENTS], cut_off: "22:00", time_zone: UTC, calendar: every_day,
     lead_days: 1}
feedback:
  - {pattern: "*.pain002.xml", format: pain.002}
  - {pattern: "*.camt053.xml", format: camt.053}
"""


@dataclass(frozen=True)
class Load:
    """So many clients with so many files each, of so many payments."""

    clients: int = 20
    files: int = 10
    payments: int = 5_000
    workers: int = 2

    @property
    def total(self) -> int:
        """Payments of all files."""
        return self.clients * self.files * self.payments

    @property
    def names(self) -> list[str]:
        """Client ids."""
        return [f"client{n:02d}" for n in range(self.clients)]


def lay_out(home: Path, load: Load) -> int:
    """Profiles, banks' folders and full inboxes; the sum of all payments in cents."""
    (home / "config/clients").mkdir(parents=True)
    (home / "config/providers").mkdir()
    for name in load.names:
        (home / f"config/clients/{name}.yaml").write_text(_CLIENT.replace("NAME", name), encoding="utf-8")
    for n, (bank, account) in enumerate(_ACCOUNTS.items()):
        text = _BANK.replace("NAME", bank).replace("ROOT", str(home)).replace("ACCOUNT", account)
        text = text.replace("CLIENTS", ", ".join(load.names[n :: len(_ACCOUNTS)]))
        (home / f"config/providers/{bank}.yaml").write_text(text, encoding="utf-8")
        for side in ("in", "out"):
            (home / bank / side).mkdir(parents=True)
    total = 0
    for n, name in enumerate(load.names):
        inbox = home / "store/clients" / name / "inbox"
        inbox.mkdir(parents=True)
        for number in range(load.files):
            total += make_pain001.write(inbox / f"{number:03d}.xml", load.payments, 1000 * n + number + 1)
    return total


# ---------------------------------------------------------------------------------------------------- what a worker does


def opened(home: Path) -> Any:
    """The gateway of this process, opened once in it, its clock at `NOW` and running on."""
    import structlog

    from gateway.composition import open_gateway
    from gateway.settings import Settings

    if home not in _OPENED:
        structlog.configure(logger_factory=structlog.WriteLoggerFactory((home / "log").open("a", encoding="utf-8")))
        started = time.monotonic()
        settings = Settings(home=home, config_dir=home / "config")
        _OPENED[home] = open_gateway(settings, lambda: NOW + dt.timedelta(seconds=time.monotonic() - started))
    return _OPENED[home]


_OPENED: dict[Path, Any] = {}


def carry(task: tuple[Path, str]) -> float:
    """Take one received file to its provider; when it was there (`time.monotonic`, one clock for all processes)."""
    from gateway.planning.plans import live_submissions
    from gateway.stages import deliver, run_journey

    home, file_id = task
    gateway = opened(home)
    run_journey(gateway, file_id)
    for row in live_submissions(gateway, file_id):
        state = deliver(gateway, row["submission_id"])
        assert state == "DELIVERED", state
    return time.monotonic()


def bank_of(home: Path, name: str) -> Bank:
    """The other side of a provider."""
    account = BankAccount(account=_ACCOUNTS[name], currency="EUR", agent="SOGEDEFFXXX")
    terms = BankTerms(bank_id=name, code=name[-1:].upper() + "BK", format="pain.001", accounts=(account,))
    return Bank(terms, home / name, home / f"{name}.sqlite")


def book(task: tuple[Path, str]) -> None:
    """Let a bank take, book and answer what it was sent, and tell the next day's statement. The outside world: no part of the figures."""
    home, name = task
    bank = bank_of(home, name)
    bank.tick(NOW)
    bank.close_day(NOW.date() + dt.timedelta(days=1))


def hear(task: tuple[Path, str]) -> None:
    """Follow and reconcile one provider."""
    from gateway.books.reconcile import reconcile
    from gateway.feedback.follow import follow

    home, provider = task
    follow(opened(home), provider)
    reconcile(opened(home), provider)


def tell(task: tuple[Path, str]) -> None:
    """Answer one file's client."""
    from gateway.stages import outcome_answer

    home, file_id = task
    outcome_answer(opened(home), file_id)


# ----------------------------------------------------------------------------------------------------------- the whole


def played(home: Path, load: Load) -> dict[str, Any]:
    """Seconds of each part, waiting times, and what the books hold; raises AssertionError where anything is lost or twice."""
    from gateway.answers.answer import files_with_news
    from gateway.intake.receive import receive

    written = lay_out(home, load)
    gateway = opened(home)
    banks = [bank_of(home, name) for name in _ACCOUNTS]
    context = multiprocessing.get_context("spawn")
    cpu_before = _cpu_of_workers()
    with context.Pool(load.workers) as pool:
        pool.map(opened_only, [home] * load.workers, chunksize=1)
        begun = time.monotonic()
        received = receive(gateway)
        assert [item.outcome for item in received] == ["new"] * (load.clients * load.files), received
        received_s = time.monotonic() - begun
        files = [str(item.file_id) for item in received]
        waits = sorted(at - begun for at in pool.imap_unordered(carry, [(home, file) for file in files]))
        out_s = time.monotonic() - begun
        begun = time.monotonic()
        pool.map(book, [(home, name) for name in _ACCOUNTS], chunksize=1)
        booked_s = time.monotonic() - begun
        begun = time.monotonic()
        pool.map(hear, [(home, name) for name in _ACCOUNTS], chunksize=1)
        heard_s = time.monotonic() - begun
        pool.map(tell, [(home, file) for file in files_with_news(gateway)], chunksize=1)
        back_s = time.monotonic() - begun
        pool.close()
        pool.join()
    cpu_s = _cpu_of_workers() - cpu_before
    booked = [
        row
        for bank in banks
        for row in bank.books.rows("SELECT count(*) AS n, sum(amount_minor) AS minor FROM payments")
    ]
    once = [
        row["n"] for bank in banks
        for row in bank.books.rows("SELECT count(*) AS n FROM (SELECT DISTINCT instruction_id FROM payments)")
    ]  # fmt: skip
    assert sum(row["n"] for row in booked) == sum(once) == load.total, (booked, once)
    assert sum(row["minor"] for row in booked) == written, (booked, written)
    outboxes = [item.key for item in gateway.store.list("clients") if "/outbox/" in item.key]
    states = _states(gateway)
    assert states == {"settled": load.total}, states
    assert len(outboxes) >= 2 * load.clients * load.files, len(outboxes)
    return {
        "files_s": len(files) / out_s, "payments_s": load.total / out_s, "received_s": received_s, "out_s": out_s,
        "cpu_s": cpu_s, "booked_s": booked_s, "heard_s": heard_s, "back_s": back_s, "median_s": statistics.median(waits),
        "p95_s": waits[int(0.95 * (len(waits) - 1))], "max_s": waits[-1],
    }  # fmt: skip


def opened_only(home: Path) -> None:
    """Let each worker have its gateway before the clock starts."""
    opened(home)
    time.sleep(0.2)  # so that no worker takes another one's turn


def _cpu_of_workers() -> float:
    """Seconds of the processor that ended children took; on a machine that others use it says more than the clock on the wall."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _states(gateway: Any) -> dict[str, int]:
    from gateway.books.settle import position_of_everything

    found = position_of_everything(gateway, NOW.date() + dt.timedelta(days=1)).states
    return dict(found["state"].value_counts().iter_rows())


def case(bench: Bench) -> None:
    """`--only load`: a share of the files' payments, all of the files."""
    load = Load(payments=max(200, round(5_000 * bench.share))) if bench.share >= 0.04 else Load(8, 1, 100)
    home = bench.folder / "load"
    home.mkdir()
    found = played(home, load)
    label = f"load: {load.clients * load.files} files of {load.payments:,} payments, {load.clients} clients at once"
    told = (
        f"{load.workers} workers: {found['files_s']:.2f} files/s, {found['payments_s']:,.0f} payments/s; wait median "
        f"{found['median_s']:.1f}, p95 {found['p95_s']:.1f}, max {found['max_s']:.1f} s; the banks booked for {found['booked_s']:.1f} s; back: followed and reconciled "
        f"{found['heard_s']:.1f} s, answered after {found['back_s']:.1f} s; books equal"
    )
    bench.rows.append((label, f"{found['out_s']:.2f}", f"{found['cpu_s']:.0f}", "", "", "", "", "", told))
    print(" | ".join(bench.rows[-1]), flush=True)
    shutil.rmtree(home)

"""Two bank days as one script, step by step, so that a worker can be killed in any step and another one carry on.

Four clients send files: salaries (one wrong IBAN, one amount of three decimals, one that the bank rejects, one that comes
back), the same bytes again, suppliers as NACHA (one returned), invoices as CSV, and a second payroll for a bank that
promises nothing about its renames. Two cancellations, one in time and one too late. One bank is down at first; another
takes a file and the line breaks before it could say so (UNKNOWN). A person asks the bank about what nobody knows.
"""

from __future__ import annotations

import datetime as dt
import errno
import hashlib
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
import structlog
from crash_worker import Points
from world import BANK_TERMS, EURO_BANK, REPOSITORY, US_BANK, Clock

from canonical.errors import BulkrailError, TransientError
from gateway.answers.answer import answer_duplicates, files_with_news, repeated_files
from gateway.books.reconcile import reconcile
from gateway.books.settle import position_of_everything, settle
from gateway.composition import Gateway, open_gateway
from gateway.delivery.dispatch import doubtful, due
from gateway.delivery.resolve import resolve
from gateway.feedback.follow import follow
from gateway.feedback.watch import watch
from gateway.intake.receive import receive
from gateway.registry import tables as t
from gateway.registry.trail import verify
from gateway.settings import Settings
from gateway.stages import deliver, outcome_answer, run_journey, unfinished_files
from providers.folder import _FolderPlace
from sandbox._examples import BankAccount, BankTerms
from sandbox.banks import Bank
from sandbox.day import invoices_csv, salaries_pain001, suppliers_nacha

DAY: Final = dt.date(2026, 11, 20)
NEXT_DAY: Final = dt.date(2026, 11, 23)
"""The Monday after."""
MORNING: Final = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)
FOLDERS: Final = {"euro_bank": "euro", "us_bank": "us", "free_bank": "free"}
TERMS: Final = {
    "euro_bank": BANK_TERMS["euro_bank"],
    "us_bank": BANK_TERMS["us_bank"].model_copy(update={"marker": True}),
    "free_bank": BankTerms(
        bank_id="free_bank", code="FREE", format="pain.001", fee_minor=100,
        accounts=(BankAccount(account="DE02100100100006820101", currency="EUR", agent="FREEDEFFXXX", opening_minor=10**8),),
    ),
}  # fmt: skip

_FREE_BANK: Final = """
provider_id: free_bank
name: A bank that promises nothing
export: {name: pain.001, options: {}}
transport: {name: folder, options: {inbox: ROOT/free/in, outbox: ROOT/free/out, rename_atomic: false}}
accounts:
  - {account: DE02100100100006820101, currency: EUR, name: Bulkrail Clearing, agent: FREEDEFFXXX}
rails:
  - {rail: sepa_credit_transfer, currencies: [EUR], clients: [dogwood], account: iban, cut_off: "18:00",
     time_zone: Europe/Berlin, calendar: target, cost_minor: 1}
feedback:
  - {pattern: "*.pain002.xml", format: pain.002}
  - {pattern: "*.camt053.xml", format: camt.053}
"""


def lay_out(root: Path) -> None:
    """Profiles and empty folders of a town."""
    clients, providers = root / "config" / "clients", root / "config" / "providers"
    clients.mkdir(parents=True)
    providers.mkdir()
    shipped = REPOSITORY / "examples/config/clients"
    for name in ("alder", "birch", "cedar"):
        (clients / f"{name}.yaml").write_text((shipped / f"{name}.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    alder = (clients / "alder.yaml").read_text(encoding="utf-8").replace("[pain.001]", "[pain.001, camt.055]")
    (clients / "alder.yaml").write_text(alder, encoding="utf-8")
    (clients / "dogwood.yaml").write_text(
        alder.replace("alder", "dogwood").replace("Alder", "Dogwood"), encoding="utf-8"
    )
    euro = EURO_BANK.replace("outbox: ROOT/euro/out}", "outbox: ROOT/euro/out, temporaries_cleared: false}")
    us = US_BANK.replace("outbox: ROOT/us/out}", "outbox: ROOT/us/out, release: marker}")
    for name, text in (("euro_bank", euro), ("us_bank", us), ("free_bank", _FREE_BANK)):
        (providers / f"{name}.yaml").write_text(text.replace("ROOT", str(root)), encoding="utf-8")
    for folder in FOLDERS.values():
        (root / folder / "in").mkdir(parents=True)
        (root / folder / "out").mkdir()


# -------------------------------------------------------------------------------------------- what clients and banks do


@dataclass(frozen=True)
class Town:
    """The gateway and everybody around it, in one folder."""

    root: Path
    gateway: Gateway
    clock: Clock

    def bank(self, name: str) -> Bank:
        return Bank(TERMS[name], self.root / FOLDERS[name], self.root / f"{FOLDERS[name]}.sqlite")

    def upload(self, client: str, name: str, data: bytes) -> None:
        """As the SFTP front does: written aside, renamed into place; not over what was uploaded before a restart."""
        inbox = self.root / "home" / "store" / "clients" / client / "inbox"
        inbox.mkdir(parents=True, exist_ok=True)
        aside = self.root / f"upload-{name}"
        aside.write_bytes(data)
        aside.rename(inbox / name)


def _uploads(town: Town) -> None:
    salaries = salaries_pain001(DAY)
    town.upload("alder", "salaries.xml", salaries)
    town.upload("birch", "suppliers.ach", suppliers_nacha(DAY))
    town.upload("cedar", "invoices.csv", invoices_csv(DAY))
    town.upload("dogwood", "payroll.xml", salaries.replace(b"ALD", b"DOG").replace(b"SAL-", b"DOG-"))
    town.upload("alder", "salaries-again.xml", salaries)


def _cancels(town: Town) -> None:
    town.upload("alder", "stop-1.xml", _camt055("STOP-1", f"SAL-{DAY:%m}-1001"))


def _cancels_too_late(town: Town) -> None:
    town.upload("alder", "stop-2.xml", _camt055("STOP-2", f"SAL-{DAY:%m}-1002"))


def _camt055(request_id: str, end_to_end_id: str) -> bytes:
    return (
        '<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.055.001.08"><CstmrPmtCxlReq><Assgnmt>'
        f"<Id>{request_id}</Id><Assgnr><Pty><Nm>Alder</Nm></Pty></Assgnr><Assgne><Pty><Nm>Bank</Nm></Pty></Assgne>"
        "<CreDtTm>2026-11-20T09:00:00</CreDtTm></Assgnmt><CtrlData><NbOfTxs>1</NbOfTxs></CtrlData><Undrlyg>"
        f"<OrgnlGrpInfAndCxl><OrgnlMsgId>ALDER-{DAY:%Y%m%d}-1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>"
        "<CxlRsnInf><Rsn><Cd>DUPL</Cd></Rsn></CxlRsnInf></OrgnlGrpInfAndCxl>"
        f"<OrgnlPmtInfAndCxl><OrgnlPmtInfId>ALDER-{DAY:%Y%m%d}-B1</OrgnlPmtInfId><TxInf><OrgnlEndToEndId>{end_to_end_id}"
        "</OrgnlEndToEndId></TxInf></OrgnlPmtInfAndCxl></Undrlyg></CstmrPmtCxlReq></Document>"
    ).encode()


def _us_bank_goes_down(town: Town) -> None:
    (town.root / "us" / "in").rename(town.root / "us" / "closed")


def _us_bank_comes_up(town: Town) -> None:
    (town.root / "us" / "closed").rename(town.root / "us" / "in")


def _banks_work(town: Town) -> None:
    for name in TERMS:
        town.bank(name).tick(dt.datetime.combine(DAY, dt.time(18), dt.UTC))


def _banks_close(town: Town) -> None:
    for name in TERMS:
        town.bank(name).close_day(DAY)


def _banks_close_again(town: Town) -> None:
    for name in TERMS:
        town.bank(name).close_day(NEXT_DAY)


def _person_asks(town: Town) -> None:
    """About what nobody knows, somebody calls the bank: it is in the books, or it is not and never will be."""
    for row in doubtful(town.gateway):
        known = {item["name"] for item in town.bank(row["destination"]).books.rows("SELECT name FROM files")}
        resolve(town.gateway, row["submission_id"], delivered=row["name"] in known, by="olga", reason="called the bank")


# ---------------------------------------------------------------------------------------------- what the gateway does


def _receive(town: Town) -> None:
    receive(town.gateway)


def _journeys(*clients: str) -> Callable[[Town], None]:
    def journeys(town: Town) -> None:
        for file in unfinished_files(town.gateway):
            if file["client_id"] in clients:
                run_journey(town.gateway, file["file_id"])

    return journeys


def _duplicates(town: Town) -> None:
    for file_id in repeated_files(town.gateway):
        answer_duplicates(town.gateway, file_id)


def _deliver(town: Town) -> None:
    gateway = town.gateway
    for row in (*due(gateway), *doubtful(gateway), *due(gateway, "answer")):
        try:
            deliver(gateway, row["submission_id"])
        except BulkrailError:  # one bank's trouble does not stop the others, as in `bulkrail dispatch`
            continue


def _deliver_over_a_bad_line(town: Town) -> None:
    with _lines_break_after_a_rename(town.root / "free" / "in", town.bank("free_bank")):
        _deliver(town)


@contextmanager
def _lines_break_after_a_rename(inbox: Path, bank: Bank) -> Iterator[None]:
    """Whatever is renamed in that folder is taken away at once, and the one who asked is told that the line broke."""
    whole = _FolderPlace.rename

    def rename(place: _FolderPlace, temporary: str, final: str) -> None:
        whole(place, temporary, final)
        if place._folder == inbox:
            bank._take()
            raise TransientError("the line broke") from OSError(errno.ECONNRESET, "reset")

    _FolderPlace.rename = rename  # type: ignore[method-assign]
    try:
        yield
    finally:
        _FolderPlace.rename = whole  # type: ignore[method-assign]


def _hear(provider: str) -> Callable[[Town], None]:
    def hear(town: Town) -> None:
        follow(town.gateway, provider)
        reconcile(town.gateway, provider)

    return hear


def _tell(town: Town) -> None:
    for file_id in files_with_news(town.gateway):
        outcome_answer(town.gateway, file_id)
    watch(town.gateway)


def _close(day: dt.date) -> Callable[[Town], None]:
    def close(town: Town) -> None:
        settle(town.gateway, day.isoformat())

    return close


@dataclass(frozen=True)
class Step:
    """`struck`: the gateway's worker does it and is killed in it; the others happen whole."""

    name: str
    act: Callable[[Town], None]
    struck: bool
    day: dt.date = DAY


def _world(act: Callable[[Town], None], day: dt.date = DAY) -> Step:
    return Step(act.__name__.strip("_"), act, struck=False, day=day)


def _feedback(name: str, day: dt.date = DAY) -> tuple[Step, ...]:
    heard = [Step(f"{name}: {provider}", _hear(provider), struck=True, day=day) for provider in sorted(TERMS)]
    return (*heard, Step(f"{name}: answers", _tell, struck=True, day=day))


STEPS: Final = (
    _world(_uploads),
    Step("receive", _receive, struck=True),
    *[Step(f"files of {name}", _journeys(name), struck=True) for name in ("alder", "birch", "cedar", "dogwood")],
    Step("a file that came again", _duplicates, struck=True),
    _world(_cancels),
    _world(_receive),
    Step("cancellation", _journeys("alder"), struck=True),
    _world(_us_bank_goes_down),
    Step("deliver", _deliver_over_a_bad_line, struck=True),
    _world(_us_bank_comes_up),
    _world(_cancels_too_late),
    Step("deliver again", _deliver, struck=True),
    _world(_receive),
    Step("cancellation too late", _journeys("alder"), struck=True),
    _world(_banks_work),
    *_feedback("words"),
    # What a strike left unknown, or unsent, is settled here; in undisturbed days there is nothing of it.
    _world(_person_asks),
    _world(_deliver),
    _world(_banks_work),
    *_feedback("late words"),
    _world(_banks_close),
    *_feedback("statements"),
    Step("close", _close(DAY), struck=True),
    _world(_banks_close_again, NEXT_DAY),
    *_feedback("statements of Monday", NEXT_DAY),
    Step("close of Monday", _close(NEXT_DAY), struck=False, day=NEXT_DAY),
)
"""The smaller a step, the less a strike costs. Monday is closed by the code that closed Friday."""


def enter(root: Path, registry_url: str, day: dt.date = DAY) -> Town:
    """The town of a folder, on a day."""
    clock = Clock(dt.datetime.combine(day, MORNING.timetz()))
    settings = Settings(home=root / "home", config_dir=root / "config", registry_url=registry_url)
    return Town(root, open_gateway(settings, clock), clock)


# ---------------------------------------------------------------------------------------------------- what came of it


def outcome(town: Town) -> dict[str, Any]:
    """What must be the same after any crash, as JSON would keep it."""
    gateway = town.gateway
    found = position_of_everything(gateway, NEXT_DAY)
    files = gateway.registry.rows(t.FILES)
    submissions = gateway.registry.rows(t.SUBMISSIONS)
    names = {row["file_id"]: row["name"] for row in files}
    with gateway.registry.transaction() as connection:
        _, fault_of_the_trail = verify(connection)
    told = {
        "banks": _booked(town),
        "files": sorted([row["client_id"], row["name"], row["state"], row["answered"]] for row in files),
        "news_left": sorted(row["name"] for row in files if row["told"] < row["news"]),
        "arrivals": sorted([row["name"], row["duplicate"], row["answered"]] for row in gateway.registry.rows(t.ARRIVALS)),
        "inboxes": [item.key for item in gateway.store.list("clients") if "/inbox/" in item.key],
        "open": sorted(
            [row["kind"], row["state"]] for row in submissions
            if row["state"] in {"PREPARED", "UPLOADING", "UPLOADED", "RELEASING", "UNKNOWN"}
        ),
        "states": sorted(
            [row["client"], row["end_to_end_id"], row["amount_minor"], row["state"], row["provider"] or ""]
            for row in found.states.iter_rows(named=True)
        ),
        "answers": _answers(gateway, names),
        "balances": _balances(gateway),
        "closes": sorted([row["day"], row["provider_id"]] for row in gateway.registry.rows(t.CLOSES)),
        "reports": sorted(item.key for item in gateway.store.list("reports")),
        "breaks": found.matched.ambiguous.height,
        "fault_of_the_trail": fault_of_the_trail,
    }  # fmt: skip
    return json.loads(json.dumps(told, default=str))


def _booked(town: Town) -> list[list[Any]]:
    """Each payment that a bank has in its books, as often as it was told to make it."""
    return sorted(
        [name, row["end_to_end_id"], row["amount_minor"]]
        for name in TERMS for row in town.bank(name).books.rows("SELECT * FROM payments")
    )  # fmt: skip


def _answers(gateway: Gateway, names: dict[str, str]) -> list[list[Any]]:
    """client, file, milestone, export: every answer that lies in an outbox."""
    rows = gateway.registry.rows(t.SUBMISSIONS, t.SUBMISSIONS.c.kind == "answer")
    there = {item.key.rpartition("/")[2] for item in gateway.store.list("clients") if "/outbox/" in item.key}
    assert {row["name"] for row in rows} == there, "what was planned as an answer, and what lies in the outboxes"
    return sorted([row["destination"], names[row["file_id"]], *row["slot"].split("/")[:2]] for row in rows)


def _balances(gateway: Gateway) -> list[list[Any]]:
    """account, currency, balance after all postings of the closes over everything."""
    rows = gateway.registry.rows(t.CLOSES, t.CLOSES.c.provider_id == "all")
    posted = pl.concat([gateway.lake.whole(f"close-all-{row['day']}-{row['revision']}", "postings") for row in rows])
    sides = [
        posted.select("currency", account=side, minor=pl.col("amount_minor") * sign)
        for side, sign in (("debit_account", 1), ("credit_account", -1))
    ]
    totals = pl.concat(sides).group_by("account", "currency").agg(pl.sum("minor")).sort("account", "currency")
    assert totals.group_by("currency").agg(pl.sum("minor"))["minor"].eq(0).all(), "the trial balance is not zero"
    return [list(row) for row in totals.iter_rows()]


# ----------------------------------------------------------------------------------------------------- a worker's run

_VOLATILE: Final = {
    "submissions": {"attempt", "detail", "key"}, "stages": {"attempt"}, "manifests": {"key"}, "closes": {"reports"},
    "arrivals": {"arrival_id", "version"}, "remote_files": {"version"},
}  # fmt: skip
_NOT_COMPARED: Final = {"audit", "audit_end", "provider_health"}
"""Who did what when, and how often a provider failed in a row (nobody else here could take its payments)."""


def left(town: Town) -> str:
    """All that the rest of the days depends on, as one text: equal texts go on to equal ends.

    Left out is what says how often something was tried: attempts, the litter they leave, and the trail.
    """
    registry, store = town.gateway.registry, town.gateway.store
    rows = {table.name: registry.rows(table) for table in t.METADATA.sorted_tables if table.name not in _NOT_COMPARED}
    arrivals = {row["arrival_id"]: f"arrival of {row['name']}" for row in rows["arrivals"]}
    told = {
        name: sorted(json.dumps({k: v for k, v in row.items() if k not in _VOLATILE.get(name, ())}) for row in found)
        for name, found in rows.items()
    }
    # The answer to a repeated file is named by its arrival, whose id is another one in every copy of the town.
    own = [row for row in rows["submissions"] if row["slot"].rpartition("/")[2] in arrivals]
    for row in own:
        arrivals |= {row["submission_id"]: "answer", row["sha256"]: "bytes", f'"size_bytes": {row["size_bytes"]}': ""}
    skipped = {row["name"] for row in own}
    outside = {
        str(path.relative_to(town.root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in FOLDERS.values() for path in sorted((town.root / folder).rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }  # fmt: skip
    shown = {
        item.key: hashlib.sha256(store.get(item.key)).hexdigest()
        for prefix in ("clients", "reports") for item in store.list(prefix)
        if item.key.rpartition("/")[2] not in skipped
    }  # fmt: skip
    text = json.dumps({**told, "outside": outside, "shown": shown}, indent=1)
    for known, name in arrivals.items():
        text = text.replace(known, name)
    return text


@dataclass(frozen=True)
class Job:
    """Steps `first` to `last` in the town at `root`; killed or stopped at point `at` of the gateway's own work.

    `report`: where to write, as JSON, what is left, and after the last step the outcome, if it `tells`.
    """

    root: Path
    registry_url: str
    first: int
    last: int
    report: Path
    at: int | None = None
    how: int = signal.SIGKILL
    tells: bool = False


LOST: Final = 3
"""Exit code of a worker that lost to another one, or found the registry or a bank out of reach; a bug ends it with 1."""


def work_day(job: Job) -> None:
    """Run as a process."""
    points = Points(job.at, job.how)
    if job.first == job.last:
        points.around_commits()
        points.around_effects()
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(job.report.with_suffix(".log").open("a")))
    try:
        town = _worked(job, points)
    except BulkrailError as fault:
        job.report.with_suffix(".fault").write_text(repr(fault), encoding="utf-8")
        raise SystemExit(LOST) from fault
    if job.tells:
        found = {"left": left(town), "outcome": outcome(town) if job.last == len(STEPS) - 1 else None}
        job.report.write_text(json.dumps(found), encoding="utf-8")


def _worked(job: Job, points: Points) -> Town:
    town = enter(job.root, job.registry_url, STEPS[job.first].day)
    for step in STEPS[job.first : job.last + 1]:
        town.clock.now = dt.datetime.combine(step.day, MORNING.timetz())
        points.seen = 0  # opening the registry is no work
        step.act(town)
    return town

"""Answer: what became of a client's file, told in the client's own terms, delivered by the submission protocol."""

from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

import polars as pl
from sqlalchemy import Connection

from canonical.codes import Level, Severity
from canonical.contracts import ANSWER_DTYPES, Answer, FileHeader
from canonical.identifiers import make_id
from canonical.masking import mask_of
from canonical.parties import counterparty
from canonical.plugins import lookup
from canonical.profiles import ClientProfile, Plugin
from gateway.book import reasons_of, states_of
from gateway.composition import Gateway
from gateway.dispatch import dispatch
from gateway.files import file_row
from gateway.lake import RowSlices
from gateway.pgp import PgpKeyring
from gateway.reading import asks_to_cancel
from gateway.registry import tables as t
from gateway.registry.engine import insert_new, move, take_numbers

_ISO_STATUS = {
    "rejected": "RJCT", "provider_rejected": "RJCT", "returned": "RJCT", "cancelled": "CANC", "waiting": "PDNG", "accepted": "ACCP",
    "submitted_unknown": "PDNG", "outstanding": "ACSP", "settled": "ACSC",
}  # fmt: skip
_WORDS = {
    "waiting": "Waits.",
    "accepted": "Accepted; it goes out with the next submission.",
    "submitted_unknown": "Sent; the provider has not confirmed it yet.",
    "outstanding": "Sent to the bank.",
    "settled": "Booked by the bank.",
    "returned": "The bank sent the money back.",
}


def answer(gateway: Gateway, file_id: str, milestone: str) -> list[str]:
    """Write and deliver the client's answers for a milestone ("validated" or "outcome"); the submission ids.

    The same state of the file gives the same answer once; a repeat delivers what is left on the way and writes nothing new.
    That the client was told is noted last, so that a crash before leaves the file among those to be answered.
    """
    file = file_row(gateway, file_id)
    sent = _send(gateway, file, milestone, _whole(gateway, file, milestone), duplicate=None)
    told = t.FILES.update().where(t.FILES.c.file_id == file_id)
    with gateway.registry.transaction() as connection:
        if milestone == "validated":
            connection.execute(told.values(answered=1))
        else:
            # What became known while the answer was written is not in it: the file stays among those with news.
            connection.execute(told.where(t.FILES.c.told < file["news"]).values(told=file["news"]))
    return sent


def answer_duplicates(gateway: Gateway, file_id: str) -> list[str]:
    """Answer every arrival that brought the bytes of a known file again: the original stands, nothing was done twice."""
    file = file_row(gateway, file_id)
    rows = _whole(gateway, file, "outcome")
    sent = []
    for arrival in gateway.registry.rows(t.ARRIVALS, *_unanswered(), t.ARRIVALS.c.file_id == file_id):
        sent += _send(gateway, file, "duplicate", rows, duplicate=arrival)
        with gateway.registry.transaction() as connection:
            move(connection, t.ARRIVALS, {"arrival_id": arrival["arrival_id"]}, answered=1)
    return sent


def repeated_files(gateway: Gateway) -> list[str]:
    """Files that came again, whose further arrivals are not answered yet and whose own answer is out."""
    arrivals = gateway.registry.rows(t.ARRIVALS, *_unanswered())
    known = {row["file_id"] for row in arrivals}
    files = gateway.registry.rows(t.FILES, t.FILES.c.file_id.in_(sorted(known)), t.FILES.c.answered == 1)
    return [row["file_id"] for row in files]


def files_with_news(gateway: Gateway) -> list[str]:
    """Files of whose payments more is known than their clients were told."""
    files = gateway.registry.rows(t.FILES, t.FILES.c.told < t.FILES.c.news, order=t.FILES.c.received_at)
    return [row["file_id"] for row in files]


def note_news(connection: Connection, file_ids: Iterable[str]) -> None:
    """More became known of the payments of these files; part of the transaction that makes it known."""
    update = t.FILES.update().where(t.FILES.c.file_id.in_(sorted(file_ids)))
    connection.execute(update.values(news=t.FILES.c.news + 1))


def _unanswered() -> tuple[Any, ...]:
    return (t.ARRIVALS.c.duplicate == 1, t.ARRIVALS.c.answered == 0)


def _send(
    gateway: Gateway, file: Mapping[str, Any], milestone: str, rows: pl.DataFrame, duplicate: Mapping[str, Any] | None
) -> list[str]:
    client = gateway.profiles.client(file["client_id"])
    digest = hashlib.sha256(rows.select("row", "status", "reason").write_csv().encode()).hexdigest()
    content = duplicate["arrival_id"] if duplicate else ("" if milestone == "validated" else digest)
    sent = []
    for plugin in client.answers:
        slot = f"{plugin.name}/{milestone}/{content}"
        submission_id = make_id("S", file["file_id"], slot)
        if gateway.registry.one(t.SUBMISSIONS, submission_id=submission_id) is None:
            _write(gateway, file, plugin, milestone, slot, submission_id, rows, duplicate)
        dispatch(gateway, submission_id)
        sent.append(submission_id)
    return sent


def _write(  # noqa: PLR0913, PLR0917
    gateway: Gateway, file: Mapping[str, Any], plugin: Plugin, milestone: str, slot: str, submission_id: str,
    rows: pl.DataFrame, duplicate: Mapping[str, Any] | None,
) -> None:  # fmt: skip
    export = lookup("exporters", "EXPORT", plugin.name)
    told = _answer(gateway, file, milestone, submission_id, rows, duplicate)
    with tempfile.TemporaryDirectory(prefix="answer-") as folder:
        path = Path(folder) / "answer"
        with path.open("wb") as out:
            export.with_options(export.options.model_validate(plugin.options)).write(told, out)
        path, suffix = _sealed(gateway, told.client, path, export.suffix)
        with path.open("rb") as written:
            sha256 = hashlib.file_digest(written, "sha256").hexdigest()
        size = path.stat().st_size
        key = f"answers/{submission_id}-{sha256[:16]}"
        gateway.store.put(key, path)
    registry = gateway.registry
    counter = f"{file['file_id']}:{plugin.name}:{milestone}"
    original = PurePath(duplicate["name"] if duplicate else file["name"]).name
    with registry.transaction() as connection:
        number = ""
        if milestone != "validated":
            # Taken in the transaction that names the answer: two workers never give one name to two answers.
            number = f"-{take_numbers(connection, f'answer:{counter}')}"
        name = f"{original}.{file['file_id'][:6]}.{milestone}{number}{suffix}"
        insert_new(
            connection, t.SUBMISSIONS,
            submission_id=submission_id, kind="answer", file_id=file["file_id"], slot=slot,
            destination=file["client_id"], payments=rows.height, sum_minor=0, name=name, key=key, sha256=sha256,
            size_bytes=size, business_date=gateway.clock().date().isoformat(), state="PREPARED", attempt=0,
            detail="", created_at=registry.now(), changed_at=registry.now(),
        )  # fmt: skip


def _sealed(gateway: Gateway, client: ClientProfile, path: Path, suffix: str) -> tuple[Path, str]:
    """The answer as it leaves, and its suffix: encrypted for the client and signed where that was agreed."""
    if client.pgp is None or client.pgp.encrypt_to is None:
        return path, suffix
    sealed = path.with_suffix(".pgp")
    PgpKeyring(client.pgp, gateway.secret).close(path, sealed)
    return sealed, f"{suffix}.pgp"


def _answer(
    gateway: Gateway, file: Mapping[str, Any], milestone: str, submission_id: str, rows: pl.DataFrame,
    duplicate: Mapping[str, Any] | None,
) -> Answer:  # fmt: skip
    findings = gateway.lake.whole(file["file_id"], "findings", "validate")
    parsed = gateway.lake.committed(file["file_id"], "parse") or {"payments": 0, "sums": {}}
    return Answer(
        answer_id=submission_id,
        client=gateway.profiles.client(file["client_id"]),
        file_id=file["file_id"],
        file_name=duplicate["name"] if duplicate else file["name"],
        header=FileHeader(**{name: file[name] or "unknown" for name in ("format", "version")},
                          **{name: file[name] for name in ("message_id", "created", "initiating_party")}),
        milestone=milestone,
        created=gateway.clock().replace(microsecond=0),
        status=group_status(rows),
        reasons=_file_reasons(findings),
        payments=parsed["payments"],
        sums_minor=parsed["sums"],
        rows=rows,
        findings=findings,
        duplicate_of=_original(file) if duplicate else None,
    )  # fmt: skip


def _original(file: Mapping[str, Any]) -> str:
    received = dt.datetime.fromisoformat(file["received_at"])
    return f"{file['name']} received {received:%Y-%m-%d %H:%M} UTC ({file['file_id']})"


def _file_reasons(findings: pl.DataFrame) -> tuple[tuple[str, str], ...]:
    of_file = findings.filter(
        (pl.col("level") == Level.FILE) & pl.col("severity").is_in([Severity.FATAL.value, Severity.ERROR.value])
    )
    return tuple((row["reason"], f"{row['message']} {row['remedy']}") for row in of_file.iter_rows(named=True))


def group_status(rows: pl.DataFrame) -> str:
    """Group status from the payments': one word where all agree, PART where some are rejected, RJCT for no payment."""
    statuses = rows["status"].unique().to_list()
    if not statuses:
        return "RJCT"
    if len(statuses) == 1:
        return str(statuses[0])
    if "RJCT" in statuses or "CANC" in statuses:
        return "PART"
    return "PDNG" if "PDNG" in statuses else "ACSP"


def _told_columns() -> list[pl.Expr]:
    names = [
        "row", "line", "batch", "batch_id", "instruction_id", "end_to_end_id", "amount_text", "currency", "credit_debit",
    ]  # fmt: skip
    return [pl.col(*names), mask_of(counterparty("name")).alias("counterparty_name")]


def _whole(gateway: Gateway, file: Mapping[str, Any], milestone: str) -> pl.DataFrame:
    return pl.concat([pl.DataFrame(schema=ANSWER_DTYPES), *_rows(gateway, file, milestone)])


def _rows(gateway: Gateway, file: Mapping[str, Any], milestone: str) -> Iterator[pl.DataFrame]:
    """ANSWER rows of a file, a part at a time, in file order."""
    if asks_to_cancel(file["format"] or ""):
        yield _requests(gateway, file["file_id"])
        return
    own, above = _found(gateway, file["file_id"])
    said = _decided(gateway, file) if milestone == "validated" else _happened(gateway, file["file_id"])
    for payments, states in said:
        told = payments.join(states, on="row", how="left", maintain_order="left")
        told = told.join(own, on="row", how="left", maintain_order="left")
        yield _worded(told.join(above, on="rule", how="left", maintain_order="left"), file)


def _requests(gateway: Gateway, request_id: str) -> pl.DataFrame:
    """What became of a cancellation request, as ANSWER rows."""
    outcomes = gateway.lake.whole(request_id, "outcomes").with_columns(row="position", batch=pl.lit(1, dtype=pl.Int64))
    return outcomes.select(ANSWER_DTYPES.keys())


def _decided(gateway: Gateway, file: Mapping[str, Any]) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Payments of a part beside what validation, approval and plan decided of them: row, state, rule, reason, why."""
    file_id, lake = file["file_id"], gateway.lake
    waiting = pl.concat([
        part.filter(pl.col("waiting").is_not_null()).select("row", why="waiting") for part in lake.parts(file_id, "routes")
    ] or [pl.DataFrame(schema={"row": pl.Int64, "why": pl.String})])  # fmt: skip
    cancelled = lake.whole(file_id, "cancelled").select("row", taken=pl.lit(value=True))
    state = (
        pl.when((pl.col("status") == "RJCT") | (file["state"] == "rejected"))
        .then(pl.lit("rejected"))
        .when(pl.col("taken") | (file["state"] == "refused"))
        .then(pl.lit("cancelled"))
        .when(pl.lit(file["state"] == "held") | pl.col("why").is_not_null())
        .then(pl.lit("waiting"))
        .otherwise(pl.lit("accepted"))
    )
    verdicts = RowSlices(lake.parts(file_id, "verdicts"))
    for part in lake.parts(file_id, "payments"):
        verdict = verdicts.of(part)
        joined = verdict.join(waiting, on="row", how="left", maintain_order="left").join(
            cancelled, on="row", how="left"
        )
        nothing = pl.lit(None, dtype=pl.String)
        columns = ("row", "rule", state.alias("state"), "reason", nothing.alias("provider_reason"))
        yield part.select(*_told_columns()), joined.select(*columns, provider_message="why")


def _happened(gateway: Gateway, file_id: str) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Payments of a part beside where they stand now: row, state, rule, reason, provider_reason, provider_message."""
    states = states_of(gateway, [file_id])
    # What is planned but not sent yet is accepted, to the client; PDNG is for what waits for a person or a rail.
    planned = (pl.col("state") == "waiting") & pl.col("submission_id").is_not_null()
    stands = states.select("payment_id", "row", state=pl.when(planned).then(pl.lit("accepted")).otherwise("state"))
    said = stands.join(reasons_of(gateway, states), on="payment_id", how="left", maintain_order="left")
    verdicts = gateway.lake.whole(file_id, "verdicts").select("row", "rule", "reason")
    known = said.join(verdicts, on="row", how="left", maintain_order="left")
    for part in gateway.lake.parts(file_id, "payments"):
        here = known.join(part.select("payment_id"), on="payment_id", how="semi", maintain_order="left")
        yield part.select(*_told_columns()), here.drop("payment_id")


def _worded(told: pl.DataFrame, file: Mapping[str, Any]) -> pl.DataFrame:
    cancelled = "Not sent: the file was refused at approval." if file["state"] == "refused" else "Not sent: cancelled."
    words = pl.col("state").replace_strict(
        {**_WORDS, "cancelled": cancelled}, default=None, return_dtype=pl.String
    )  # fmt: skip
    status = pl.col("state").replace_strict(_ISO_STATUS, return_dtype=pl.String)
    rejected_here = pl.col("state") == "rejected"
    # A payment without a fault of its own was rejected with its batch or file: say what was wrong there.
    inherited = rejected_here & pl.col("message").is_null()
    found = pl.when(inherited).then("above_message").otherwise("message")
    return told.select(
        *[name for name in ANSWER_DTYPES if name not in {"status", "reason", "message", "remedy"}],
        status=status,
        reason=pl.when(rejected_here).then("reason").otherwise("provider_reason"),
        message=pl.concat_str([words, pl.col("provider_message"), found], separator=" ", ignore_nulls=True),
        remedy=pl.when(inherited).then("above_remedy").otherwise("remedy"),
    ).select(ANSWER_DTYPES.keys())


def _found(gateway: Gateway, file_id: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The findings of each payment in one line (row, message, remedy), and those above payments (rule, above_...)."""
    findings = gateway.lake.whole(file_id, "findings", "validate").sort(
        pl.col("severity") == Severity.WARNING, maintain_order=True
    )
    own = findings.filter(pl.col("row").is_not_null()).group_by("row", maintain_order=True).agg(
        pl.col("message").str.join(" "), pl.col("remedy").unique(maintain_order=True).str.join(" ")
    )  # fmt: skip
    above = findings.filter(pl.col("row").is_null()).unique("rule", keep="first").select(
        "rule", above_message="message", above_remedy="remedy"
    )  # fmt: skip
    return own, above

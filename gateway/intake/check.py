"""Check: judge a file at the client's own desk. No database, no network; the same findings, word for word."""

from __future__ import annotations

import datetime as dt
import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import polars as pl

from canonical.contracts import Context, FileHeader, Source, Window
from canonical.errors import NotFound, OutsideError
from canonical.frames import PAYMENTS, TOTALS, empty
from canonical.identifiers import make_file_id
from canonical.profiles import ClientProfile
from gateway.intake.envelopes import Rejected, is_wrapped, peel
from gateway.intake.judging import judge, sums_of, verdict_word
from gateway.intake.reading import (
    asks_to_cancel,
    closes_itself,
    facts_of,
    incomplete,
    read,
    read_cancellation,
    unopened,
)
from gateway.spool import put_away
from validators import engine

NOT_CHECKED: Final = (
    "duplicate-file: whether the same bytes were sent before",
    "duplicate-payment: whether an earlier file holds the same payment",
    "cancellation: whether what a request names was sent already",
    "limits of the day: what the day's other files have used of them",
    "approval: whether the file is above the limit up to which it goes on by itself",
    "screening: whether a name is on the operator's list",
    "pgp-signature: whether an OpenPGP message is encrypted and signed as agreed; check the plain file",
)
"""What needs the gateway's memory and is not looked at here."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found. `control_sums`: minor units by currency over all payments with a readable amount.

    `places`: what the columns `row` and `line` of FINDINGS are called of this format (`FormatFacts`).
    """

    file: str
    header: FileHeader
    verdict: str
    payments: int
    accepted: int
    unreadable: int
    control_sums: dict[str, int]
    findings: pl.DataFrame
    places: tuple[str, str]

    @property
    def exit_code(self) -> int:
        """0 clean, 1 findings, 2 unreadable."""
        if self.verdict == "unreadable":
            return 2
        return 1 if self.findings.height else 0

    def as_object(self) -> dict[str, Any]:
        """The one object of `--output json`."""
        return {
            "file": self.file,
            "format": self.header.format,
            "version": self.header.version,
            "message_id": self.header.message_id,
            "verdict": self.verdict,
            "payments": self.payments,
            "accepted": self.accepted,
            "unreadable_rows": self.unreadable,
            "control_sums": self.control_sums,
            "findings": self.findings.to_dicts(),
            "not_checked": list(NOT_CHECKED),
        }


def check(path: Path, client: ClientProfile, today: dt.date) -> Checked:
    """Judge a file as the gateway would if it arrived on `today`.

    Raises:
        NotFound: no such file.
        OutsideError: it may not be read.
    """
    with _opened(path, client) as windows:
        judged = judge(windows, Context(today, client, keep=put_away))
    accepted = engine.accepted(judged.index, judged.findings, client).height
    facts = facts_of(judged.header.format, client)
    return Checked(
        file=path.name,
        header=judged.header,
        verdict="request" if asks_to_cancel(judged.header.format) else verdict_word(judged, accepted),
        payments=judged.index.height,
        accepted=accepted,
        unreadable=judged.unreadable,
        control_sums=sums_of(judged.index),
        findings=engine.in_terms(engine.capped(judged.findings), facts),
        places=facts.places,
    )


@contextmanager
def _opened(path: Path, client: ClientProfile) -> Iterator[Iterator[Window]]:
    """The windows of the file, out of its envelopes; of one that cannot be opened the finding that says why."""
    file_id = make_file_id(client.client_id, "check")
    with tempfile.TemporaryDirectory(prefix="bulkrail-envelope-") as folder, mapped(path) as packed:
        try:
            peeled = peel(path, path.name, client, None, Path(folder)) if is_wrapped(packed, client) else None
        except Rejected as fault:
            yield iter([unopened(fault.rule, fault.reason, fault.message, fault.remedy)])
            return
        if peeled is None:
            yield chain(_read(Source(file_id, path.name, packed), client), _closing(client, packed))
            return
        with mapped(peeled.path) as data:
            yield _read(Source(file_id, peeled.name, data), client)


def _read(source: Source, client: ClientProfile) -> Iterator[Window]:
    """The windows of a payment file; of a cancellation request one window with what is wrong with it."""
    asked = read_cancellation(source, client)
    if asked is None:
        return read(source, client)
    return iter([Window(asked.header, empty(PAYMENTS), empty(TOTALS), asked.findings)])


def _closing(client: ClientProfile, data: bytes | mmap.mmap) -> Iterator[Window]:
    """The gateway would hold a file that nothing closes, and refuse it when no more comes: say so here."""
    ends = client.complete == "renamed" or closes_itself(client, data)
    if len(data) and not ends:
        yield Window(None, empty(PAYMENTS), empty(TOTALS), incomplete())


@contextmanager
def mapped(path: Path) -> Iterator[bytes | mmap.mmap]:
    """The bytes of a file. Raises NotFound, OutsideError."""
    try:
        file = path.open("rb")
    except FileNotFoundError as fault:
        raise NotFound(f"no file {path}") from fault
    except OSError as fault:
        raise OutsideError(f"{path} cannot be read: {fault.strerror}") from fault
    with file:
        if os.fstat(file.fileno()).st_size == 0:
            yield b""
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            yield view

"""Everything of a pain.001 before its first payment: GrpHdr, and PmtInf around the account that is debited."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from canonical.contracts import Order
from canonical.errors import FrameBroken
from canonical.money import format_minor
from canonical.tally import ExportSummary, written_as
from canonical.transliteration import transliterate
from exporters._iso_batches import Batch, holds, without
from exporters._iso_carrier import Carrier, Leaf, Parts, merged
from exporters._iso_payment import IBAN, NOT_PROVIDED
from exporters._iso_versions import BIC, Version
from exporters._iso_xml import literal


@dataclass(slots=True)
class Totals:
    """What was written so far. `dates`: execution dates met; there must be one."""

    summary: ExportSummary = field(default_factory=ExportSummary)
    dates: frozenset[object] = frozenset()

    @property
    def payments(self) -> int:
        """How many."""
        return self.summary.payments

    @property
    def sum_minor(self) -> int:
        """Their sum: all have one currency."""
        return sum(self.summary.sums_minor.values())

    def add(self, payments: pl.DataFrame) -> None:
        """Count these payments."""
        self.summary = self.summary.plus(written_as(payments))
        self.dates |= frozenset(payments["execution_date"].unique())


@dataclass(slots=True)
class Payer:
    """The debtor's side of the file: the provider's account, and what the client says of it where it is its own.

    A file has one PmtInf. The first batch that orders from its own account says what stands in it; what another one says
    otherwise has no place there. `names`: the account's name, as the profile says it and as it is written.
    """

    order: Order
    names: frozenset[str]
    parts: Parts | None = None
    holder: Parts | None = None

    def is_holder(self, batch: Batch) -> bool:
        """True where the batch's debtor is the account's holder: what it says of itself stands in PmtInf/Dbtr."""
        return batch.account == self.order.account.account and (batch.name is None or batch.name in self.names)

    def fallback(self, batch: Batch) -> Parts | None:
        """The debtor as ultimate debtor of payments that name none, None where PmtInf/Dbtr says it already.

        Raises:
            FrameBroken: the batch orders from its own account, and says of it what another batch does not.
        """
        if batch.account == self.order.account.account:
            if self.parts is None:
                self.parts = batch.details
            elif not holds(self.parts, batch.details):
                raise FrameBroken(
                    "batches of one submission differ in what they say of the account",
                    submission_id=self.order.submission_id,
                )
        debtor = batch.debtor
        if not debtor or (debtor.keys() == {"Nm"} and batch.name in self.names):
            return None
        if self.is_holder(batch):
            if self.holder is None:
                self.holder = debtor
            return None if holds(self.holder, debtor) else debtor
        return debtor


def header(payer: Payer, carrier: Carrier, version: Version, totals: Totals, *, transliterated: bool) -> bytes:
    """The bytes before the first payment.

    Raises:
        FrameBroken: the submission is empty or has several execution dates, or the account cannot be written.
    """
    order = payer.order
    if totals.payments == 0 or len(totals.dates) != 1:
        raise FrameBroken(
            "a submission has payments of one execution date; here "
            f"{totals.payments} payments of {len(totals.dates)} dates",
            submission_id=order.submission_id,
        )
    (date,) = totals.dates
    initiating_party, name = (
        written_name(text, transliterated=transliterated) for text in (order.initiating_party, order.account.name)
    )
    batch = _payment_information(order, version, totals, str(date), name)
    batch = _with_said(batch, {**(payer.parts or {}), **({"Dbtr": [payer.holder]} if payer.holder else {})})
    # The payments come behind it: they are no part of these bytes.
    written = carrier.xml("PmtInf", {**batch, "CdtTrfTxInf": [""]}, "PmtInf").removesuffix("</PmtInf>")
    if faults := carrier.taken():
        raise FrameBroken(f"{faults[0].path} {faults[0].what}", submission_id=order.submission_id)
    counted = f"<NbOfTxs>{totals.payments}</NbOfTxs><CtrlSum>{_sum(order, totals)}</CtrlSum>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{version.grammar.namespace}"><CstmrCdtTrfInitn>'
        f"<GrpHdr><MsgId>{literal(order.submission_id)}</MsgId><CreDtTm>{_created(order.created)}</CreDtTm>{counted}"
        f"<InitgPty><Nm>{literal(initiating_party)}</Nm></InitgPty></GrpHdr>{written}"
    ).encode()


def _payment_information(order: Order, version: Version, totals: Totals, date: str, name: str) -> Parts:
    account = order.account
    plain_day = version.grammar.types["PmtInf"].fields["ReqdExctnDt"].leaf
    day: Leaf | Parts = (date, None) if plain_day else {"Dt": [(date, None)]}
    return {
        "PmtInfId": [(order.submission_id, None)],
        "PmtMtd": [("TRF", None)],
        "BtchBookg": [("true", None)],
        "NbOfTxs": [(str(totals.payments), None)],
        "CtrlSum": [(_sum(order, totals), None)],
        "ReqdExctnDt": [day],
        "Dbtr": [{"Nm": [(name, None)]}],
        "DbtrAcct": [{"Id": [_account_id(account.account)], "Ccy": [(account.currency, None)]}],
        "DbtrAgt": [{"FinInstnId": [_agent_id(account.agent, version)]}],
    }


def _with_said(ours: Parts, said: Parts) -> Parts:
    """Ours, with what the client says beside it; never an account or an agent that is named twice."""
    if "PmtMtd" in said:
        ours = {**ours, "PmtMtd": said["PmtMtd"]}
    if not _at(ours, "DbtrAcct", "Id", "Othr"):
        said = without(said, "DbtrAcct", "Id")
    agent, known = _at(ours, "DbtrAgt", "FinInstnId"), _at(said, "DbtrAgt", "FinInstnId")
    if agent == _UNKNOWN_AGENT and known:
        ours = without(ours, "DbtrAgt")
    if "ClrSysMmbId" in agent and _at(known, "ClrSysMmbId").get("MmbId") != _at(agent, "ClrSysMmbId")["MmbId"]:
        said = without(said, "DbtrAgt", "FinInstnId", "ClrSysMmbId")
    return merged(ours, said)


def _at(parts: Parts, *path: str) -> Parts:
    for name in path:
        found = parts.get(name)
        parts = found[0] if found and isinstance(found[0], dict) else {}
    return parts


def _sum(order: Order, totals: Totals) -> str:
    return format_minor(totals.sum_minor, order.account.currency)


def _created(moment: dt.datetime) -> str:
    return moment.replace(microsecond=0).isoformat()


def written_name(value: str, *, transliterated: bool) -> str:
    """A name of ours as it is written."""
    return str(pl.select(transliterate(pl.lit(value))).item()) if transliterated else value


_IBAN: Final = re.compile(IBAN)
_BIC: Final = re.compile(BIC)
_UNKNOWN_AGENT: Final[Parts] = {"Othr": [{"Id": [(NOT_PROVIDED, None)]}]}


def _account_id(account: str) -> Parts:
    return {"IBAN": [(account, None)]} if _IBAN.search(account) else {"Othr": [{"Id": [(account, None)]}]}


def _agent_id(agent: str, version: Version) -> Parts:
    if not agent:
        return _UNKNOWN_AGENT
    if _BIC.search(agent):
        return {version.bic[0]: [(agent, None)]}
    return {"ClrSysMmbId": [{"MmbId": [(agent, None)]}]}

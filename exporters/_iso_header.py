"""Everything of a pain.001 or pain.008 before a first payment: GrpHdr, and PmtInf around the account of ours."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from canonical.contracts import Order
from canonical.counts import count_of
from canonical.errors import FrameBroken
from canonical.identifying import NOT_PROVIDED
from canonical.money import format_minor
from canonical.tally import ExportSummary, written_as
from canonical.transliteration import transliterate
from exporters._iso_batches import Batch, holds, without
from exporters._iso_carrier import Carrier, Leaf, Parts, merged
from exporters._iso_dialect import Dialect
from exporters._iso_shaped import IBAN
from exporters._iso_versions import BIC, Message, Version
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
    """Our side of the file: the provider's account, and what the client says of it where it is its own.

    The first batch that orders over its own account says what stands in PmtInf; what another one says otherwise has no place
    there. `names`: the account's name, as the profile says it and as it is written.
    """

    order: Order
    names: frozenset[str]
    message: Message
    parts: Parts | None = None
    holder: Parts | None = None

    def is_holder(self, batch: Batch) -> bool:
        """True where the batch's debtor is the account's holder: what it says of itself stands in PmtInf."""
        return batch.account == self.order.account.account and (batch.name is None or batch.name in self.names)

    def fallback(self, batch: Batch) -> Parts | None:
        """The debtor as ultimate debtor of payments that name none, None where PmtInf says it already.

        Raises:
            FrameBroken: the batch orders over its own account, and says of it what another batch does not.
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


def group_header(order: Order, version: Version, dialect: Dialect, totals: Totals) -> bytes:
    """The bytes before the first PmtInf.

    Raises:
        FrameBroken: the submission is empty or has several execution dates.
    """
    if totals.payments == 0 or len(totals.dates) != 1:
        raise FrameBroken(
            "a submission has payments of one execution date; here "
            f"{count_of(totals.payments, 'payment')} of {count_of(len(totals.dates), 'date')}",
            submission_id=order.submission_id,
        )
    initiating_party = written_name(order.initiating_party, transliterated=dialect.transliterate)
    party: Parts = {"Nm": [(initiating_party, None)]}
    if dialect.initiating_party:
        party["Id"] = [dialect.initiating_party.parts]
    counted = f"<NbOfTxs>{totals.payments}</NbOfTxs><CtrlSum>{_sum(order, totals)}</CtrlSum>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{namespace(version, dialect)}"><{version.message.element}>'
        f"<GrpHdr><MsgId>{literal(order.submission_id)}</MsgId><CreDtTm>{_created(order.created)}</CreDtTm>{counted}"
        f"{Carrier(version.grammar).xml('InitgPty', party, 'Party')}</GrpHdr>"
    ).encode()


def namespace(version: Version, dialect: Dialect) -> str:
    """Of the document: the dialect's own, or ISO's."""
    return dialect.namespace or version.grammar.namespace


def batch_header(
    payer: Payer,
    carrier: Carrier,
    version: Version,
    dialect: Dialect,
    totals: Totals,
    batch_id: str,
    lifted: Mapping[str, str],
) -> bytes:
    """PmtInf up to its first payment. `lifted`: XML of elements that stand there in place of each payment.

    Raises:
        FrameBroken: the account cannot be written.
    """
    order, message = payer.order, version.message
    batch = _payment_information(order, version, dialect, totals, batch_id)
    batch = _with_said(
        batch, {**(payer.parts or {}), **({message.ours: [payer.holder]} if payer.holder else {})}, message
    )
    batch |= {name: [xml] for name, xml in lifted.items()}
    # The payments come behind it: they are no part of these bytes.
    written = carrier.xml("PmtInf", {**batch, message.payment: [""]}, "PmtInf").removesuffix("</PmtInf>")
    if faults := carrier.taken():
        raise FrameBroken(f"{faults[0].path} {faults[0].what}", submission_id=order.submission_id)
    return written.encode()


def _payment_information(order: Order, version: Version, dialect: Dialect, totals: Totals, batch_id: str) -> Parts:
    account, message = order.account, version.message
    name = written_name(account.name, transliterated=dialect.transliterate)
    (date,) = totals.dates
    plain_day = version.grammar.types["PmtInf"].fields[message.date].leaf
    day: Leaf | Parts = (str(date), None) if plain_day else {"Dt": [(str(date), None)]}
    holder: Parts = {"Nm": [(name, None)]}
    if dialect.account_holder:
        holder["Id"] = [dialect.account_holder.parts]
    found: Parts = {"PmtInfId": [(batch_id, None)], "PmtMtd": [(message.method, None)]}
    if dialect.batch_booking is not None:
        found["BtchBookg"] = [(str(dialect.batch_booking).lower(), None)]
    if dialect.batch_totals:
        found |= {"NbOfTxs": [(str(totals.payments), None)], "CtrlSum": [(_sum(order, totals), None)]}
    return found | {
        message.date: [day],
        message.ours: [holder],
        f"{message.ours}Acct": [{"Id": [account_parts(account.account)], "Ccy": [(account.currency, None)]}],
        f"{message.ours}Agt": [{"FinInstnId": [_agent_id(account.agent, version, dialect.agent_clearing_system)]}],
    }


def _with_said(ours: Parts, said: Parts, message: Message) -> Parts:
    """Ours, with what the client says beside it; never an account or an agent that is named twice."""
    if "PmtMtd" in said:
        ours = {**ours, "PmtMtd": said["PmtMtd"]}
    our_account, our_agent = f"{message.ours}Acct", f"{message.ours}Agt"
    if not _at(ours, our_account, "Id", "Othr"):
        said = without(said, our_account, "Id")
    agent, known = _at(ours, our_agent, "FinInstnId"), _at(said, our_agent, "FinInstnId")
    if agent == _UNKNOWN_AGENT and known:
        ours = without(ours, our_agent)
    if "ClrSysMmbId" in agent and _at(known, "ClrSysMmbId").get("MmbId") != _at(agent, "ClrSysMmbId")["MmbId"]:
        said = without(said, our_agent, "FinInstnId", "ClrSysMmbId")
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


def account_parts(account: str) -> Parts:
    return {"IBAN": [(account, None)]} if _IBAN.search(account) else {"Othr": [{"Id": [(account, None)]}]}


def _agent_id(agent: str, version: Version, system: str | None) -> Parts:
    if not agent:
        return _UNKNOWN_AGENT
    if _BIC.search(agent):
        return {version.bic[0]: [(agent, None)]}
    member: Parts = {"MmbId": [(agent, None)]}
    return {"ClrSysMmbId": [{"ClrSysId": [{"Cd": [(system, None)]}], **member} if system else member]}

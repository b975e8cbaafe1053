"""An answer in plain words, for the pages and sheets that a client's accountant reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.codes import REASONS
from canonical.contracts import Answer
from canonical.counts import count_of
from canonical.findings import BATCH_IN_DOUBT, OF_PAYMENT, REFUSES

STATUS_WORDS: Final = {
    "RCVD": "received", "ACTC": "checked", "ACCP": "accepted", "ACWC": "accepted, with a change", "PDNG": "waiting",
    "ACSP": "sent to the bank", "ACSC": "booked by the bank", "RJCT": "refused", "CANC": "cancelled",
    "PART": "accepted in part",
}  # fmt: skip
_ORDER: Final = ("ACSC", "ACSP", "ACCP", "ACTC", "RCVD", "ACWC", "PDNG", "CANC", "RJCT")
_PAST: Final = frozenset({"ACCP", "ACWC", "ACTC", "RCVD", "ACSP", "ACSC"})
"""Statuses that were given; the others last."""
REFUSED: Final = ("RJCT", "CANC")
_DUPLICATE: Final = (
    "The original stands and is being worked on. Nothing was done with this copy, and nothing is paid twice."
)
_LEAVE_IT: Final = (
    "Nothing. Do not cancel the original and do not send it again; its own answer says how each payment went."
)
_MEND_FILE: Final = "Mend what is listed below, then send the file again."
_MEND_ROWS: Final = (
    "Mend the payments listed below and send only those again. Do not send the whole file again: what was accepted "
    "goes on and would be ordered twice."
)
_UNREAD_TOO: Final = " Rows that could not be read are in no file of rejected rows: copy them from your own."
_BATCH_TOO: Final = " Nor is a batch there whose totals do not fit, for something may be missing in it: send that batch again from your own books."
_TOTALS_TOO: Final = (
    " The control totals of the file of rejected rows count the {} as they stand: once one of them is mended, let your program "
    "make them anew."
)
_AMOUNT_RULES: Final = ("amount", "limits")
_ASK: Final = "Look at the reasons below; order anew, with a new reference, what is still to be paid."
_STANDS: Final = "what was accepted is still to be made, or was made already."
_ASK_ANEW: Final = "See below why, and send a new request for those alone; what has gone to the bank already, it has to be asked for itself."
_NOTHING: Final = "Nothing."


@dataclass(frozen=True, slots=True)
class Verdict:
    """The whole answer in three sentences: what became of the file, what that means, what the client should do now.

    `tone`: good, mixed, bad or plain; never the only sign of anything.
    """

    headline: str
    meaning: str
    next_step: str
    tone: str


STAGES: Final = {
    "received": "received, not checked yet", "validated": "checked on receipt",
    "decided": "what was decided since", "sent": "sent to the bank", "acknowledged": "what the bank says",
    "settled": "what the bank booked", "returned": "what came back",
}  # fmt: skip
"""A milestone in words."""


def verdict_of(answer: Answer) -> Verdict:
    """What is said above everything else."""
    if answer.duplicate_of is not None:
        return Verdict(f"This file was received before, as {answer.duplicate_of}.", _DUPLICATE, _LEAVE_IT, "plain")
    if asks(answer):
        return _of_requests(answer)
    rows, lost = answer.rows.height, _unread(answer)
    refused = int(answer.rows["status"].is_in(REFUSED).sum())
    unread = f" {count_of(lost, 'row')} could not be read." if lost else ""
    later = answer.milestone != "validated"
    if rows == 0:
        return Verdict(
            "The file was refused.", "No payment could be read from it, so none will be made.", _MEND_FILE, "bad"
        )
    if refused == rows:
        word = "cancelled" if answer.status == "CANC" else "refused"
        meaning = f"None of its {count_of(rows, 'payment')} will be made.{unread}"
        return Verdict(f"Every payment of the file was {word}.", meaning, _ASK if later else _MEND_FILE, "bad")
    if refused or lost:
        said = (
            f"{count_of(refused, 'payment')} of {rows:,} {'was' if refused == 1 else 'were'} refused."
            if refused
            else ""
        )
        fate = _fate(answer, "The other" if refused else "The" if rows == 1 else "All")
        doubted = not answer.findings.filter(BATCH_IN_DOUBT).is_empty()
        unheld = _UNREAD_TOO if lost and not answer.facts.unread_back else ""
        mend = f"{_MEND_ROWS}{unheld}{_BATCH_TOO if doubted else ''}{_counted_on(answer)}"
        return Verdict(f"{said}{unread}".strip(), fate, _ASK if later else mend, "mixed")
    warned = (
        _NOTHING if answer.findings.is_empty() else "Nothing for now; look at the warnings below before the next file."
    )
    return Verdict("No payment was refused.", _fate(answer, "The" if rows == 1 else "All"), warned, "good")


def asks(answer: Answer) -> bool:
    """True of a file that asks to cancel: it holds no payment, and its rows are the payments that it names."""
    return answer.payments == 0 and not answer.rows.is_empty()


def _of_requests(answer: Answer) -> Verdict:
    named = answer.rows.height
    taken = int((answer.rows["status"] == "CANC").sum())
    if taken == named:
        return Verdict(
            "What you asked for was cancelled.", f"{count_of(taken, 'payment')} will not be made.", _NOTHING, "good"
        )
    stands = f"{count_of(named - taken, 'payment')} named in the request {'stands' if named - taken == 1 else 'stand'} as before: {_STANDS}"
    if not taken:
        return Verdict("Nothing was cancelled.", stands, _ASK_ANEW, "bad")
    headline = f"{count_of(taken, 'payment')} of {named:,} {'was' if taken == 1 else 'were'} cancelled."
    return Verdict(headline, stands, _ASK_ANEW, "mixed")


def _counted_on(answer: Answer) -> str:
    """What is said where something is to be mended that the format's control records must count, whatever it is."""
    amounts = _AMOUNT_RULES if answer.facts.currency is not None else ()
    counted = {"amounts": amounts, "bank numbers": answer.facts.hashed}
    wrong = set(answer.findings.filter(REFUSES)["rule"])
    words = [word for word, rules in counted.items() if wrong.intersection(rules)]
    return _TOTALS_TOO.format(" and ".join(words)) if words else ""


def unread_rows(answer: Answer) -> pl.DataFrame:
    """FINDINGS of rows of the file that could become no payment: each has an error, and no status."""
    errors = answer.findings.filter(OF_PAYMENT & REFUSES).with_columns(pl.col("row", "line").cast(pl.Int64))
    return errors.join(answer.rows.select(pl.col("row").cast(pl.Int64)), on="row", how="anti", maintain_order="left")


def _unread(answer: Answer) -> int:
    lost = unread_rows(answer)
    return lost.unique(pl.coalesce("row", -pl.col("line"))).height if lost.height else 0


def _fate(answer: Answer, others: str) -> str:
    """What became of the payments that were not refused: "The other 3 payments were accepted."."""
    counted = dict(answer.rows.filter(~pl.col("status").is_in(REFUSED)).group_by("status").len().iter_rows())
    known = [status for status in _ORDER if status in counted] + sorted(set(counted) - set(_ORDER))
    if len(known) == 1:
        count = counted[known[0]]
        number = "payment" if count == 1 else f"{count:,} payments"
        return f"{others} {number} {_doing(known[0], count)}."
    told = [f"{counted[status]:,} {_doing(status, counted[status])}" for status in known]
    return f"Of {others[0].lower()}{others[1:]} {count_of(sum(counted.values()), 'payment')}, {', '.join(told[:-1])} and {told[-1]}."


def _doing(status: str, count: int) -> str:
    """Were accepted; is waiting."""
    words = STATUS_WORDS.get(status, f"in status {status}")
    if status in _PAST:
        return f"{'was' if count == 1 else 'were'} {words}"
    return f"{'is' if count == 1 else 'are'} {words}"


def facts_of(answer: Answer) -> tuple[tuple[str, str], ...]:
    """Label and value of what names the file and the answer; values that are not known are left out."""
    header = answer.header
    telling = header.version not in {"unknown", header.format} and not header.version.isdigit()
    version = f" ({header.version})" if telling and header.version else ""
    facts = (
        ("File", answer.file_name),
        ("Client", answer.client.name),
        ("Format", f"{header.format}{version}"),
        ("Your message id", header.message_id),
        ("Created", header.created),
        ("Sent by", header.initiating_party),
        ("Payments named", f"{answer.rows.height:,}") if asks(answer) else ("Payments read", f"{answer.payments:,}"),
        ("Answered", f"{answer.created:%Y-%m-%d %H:%M} {answer.created.tzname() or ''}".strip()),
        ("Stage", STAGES.get(answer.milestone, answer.milestone)),
        ("Our number of the file", answer.file_id),
        ("Our number of this answer", answer.answer_id),
    )  # fmt: skip
    return tuple((label, value) for label, value in facts if value)


def totals_of(answer: Answer) -> pl.DataFrame:
    """status, words, currency, payments, sum_minor, unread: one row a status and currency, what went well first.

    `unread` counts the payments whose amount is no amount; they are in `payments`, not in the sum.
    """
    ranks = pl.DataFrame({"status": _ORDER, "rank": range(len(_ORDER))})
    grouped = answer.rows.select("status", "currency", minor=pl.col("amount_minor").cast(pl.Int64)).group_by("status", "currency").agg(
        payments=pl.len().cast(pl.Int64), sum_minor=pl.col("minor").sum(), unread=pl.col("minor").null_count().cast(pl.Int64)
    )  # fmt: skip
    words = pl.col("status").replace(STATUS_WORDS)
    ranked = grouped.join(ranks, on="status", how="left").sort("rank", "status", "currency", nulls_last=True)
    return ranked.select("status", words.alias("words"), "currency", "payments", "sum_minor", "unread")


def without_sum(answer: Answer, count: int, where: str = "") -> str:
    """How many amounts are in no sum, and why: a request need not say what it asks back."""
    if asks(answer):
        return f"{count_of(count, 'payment')} named without an amount"
    return f"{count_of(count, 'amount')}{where} that cannot be read"


def in_all(totals: pl.DataFrame) -> pl.DataFrame:
    """The same of all statuses: words, currency, payments, sum_minor, unread, one row a currency."""
    figures = pl.col("payments", "sum_minor", "unread").sum()
    return totals.group_by("currency", maintain_order=True).agg(figures).with_columns(words=pl.lit("in all"))


def reason_words(code: str | None) -> str:
    """AC01: Incorrect account number; a code that nobody knows stands alone."""
    if not code:
        return ""
    return f"{code}: {REASONS[code]}" if code in REASONS else code


def canonical_of(terms: Mapping[str, str]) -> dict[str, str]:
    """What a finding may name as its field → the canonical column: the column itself, or what the client calls it."""
    return {term: column for column, term in terms.items()} | {column: column for column in terms}


def heading_of(field: str, terms: Mapping[str, str]) -> str:
    """What the client calls a canonical column; else the column's name in words. Source elements stand as they are."""
    if field in terms:
        return terms[field]
    if not field.replace("_", "").islower() or " " in field:
        return field
    words = field.removesuffix("_text").replace("end_to_end", "end-to-end").replace("_", " ")
    return words[:1].upper() + words[1:]

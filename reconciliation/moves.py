"""What feedback may do to a payment: the table of words, by rail and level, and the table of allowed moves. Data only.

Source: ISO 20022 external code sets, November 2025 (payment transaction status, payment cancellation status,
investigation execution confirmation); EPC288-23 (verification of payee); Nacha Operating Rules, Appendix Four and Five.
ISO 20022 defines no order among statuses: the rank here is the order in which a payment gets on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from canonical.nacha_codes import codes_of

Effect = Literal["returns", "completes", "refuses", "cancels", "informs"]
Kind = Literal["status", "return", "correction", "cancellation"]
EFFECTS: Final[dict[Effect, str]] = {
    "returns": "it comes back: provider_rejected before an entry books it, returned after",
    "completes": "keeps a refusal from being applied; it settles nothing, only a BOOK entry does",
    "refuses": "provider_rejected, unless the provider also says that it is completed",
    "cancels": "provider_rejected, unless completed or booked: then its return is due",
    "informs": "outstanding",
}
"""What a word does, the strongest first: of all that was said of a payment the strongest word counts, in whatever order."""


@dataclass(frozen=True, slots=True)
class Word:
    """One code of a kind of feedback. `rails`: where it can be said. `rank`: of words that inform, the highest counts."""

    kind: Kind
    code: str
    effect: Effect
    meaning: str
    rank: int = 0
    rails: str = "every"


WORDS: Final = (
    Word("return", "RJCT", "returns", "returned by the other bank", rails="every; NACHA R01-R53, Bacs ARUCS and ARUDD"),
    Word("status", "ACSC", "completes", "settled on the debtor's account"),
    Word("status", "ACCC", "completes", "settled on the creditor's account"),
    Word("status", "RJCT", "refuses", "rejected"),
    Word("status", "CANC", "refuses", "cancelled before it was executed"),
    Word("cancellation", "CNCL", "cancels", "cancelled as requested"),
    Word("cancellation", "ACCR", "cancels", "the request to cancel is accepted"),
    Word("status", "ACWP", "informs", "settled, and not yet posted for the creditor", 9),
    Word("status", "ACPD", "informs", "accepted by the clearing", 8),
    Word("status", "ACSP", "informs", "accepted, settlement under way", 7),
    Word("status", "ACWC", "informs", "accepted with a change", 6),
    Word("status", "ACFC", "informs", "accepted after a check of funds", 5),
    Word("status", "ACCP", "informs", "accepted after a check of the customer", 4),
    Word("status", "ACTC", "informs", "accepted after a technical check", 3),
    Word("status", "PATC", "informs", "some of those who must authorise have done so", 2),
    Word("status", "PDNG", "informs", "pending", 2),
    Word("status", "RCVD", "informs", "received", 1),
    *(
        Word("status", code, "informs", meaning, rails="SEPA, verification of payee")
        for code, meaning in (
            ("RCVC", "the payee is verified"), ("RVMC", "the payee's name is close"), ("RVNM", "the payee's name differs"),
            ("RVNA", "the payee could not be verified"), ("RVCM", "verification is complete, with mismatches"),
            ("RVNC", "verification is not complete"),
        )
    ),
    *(
        Word("cancellation", code, "informs", meaning)
        for code, meaning in (
            ("RJCR", "the request to cancel is rejected"), ("PDCR", "the request to cancel is pending"),
            ("MODI", "modified as requested"), ("CWFW", "cancellation will follow"), ("UWFW", "cannot be applied, a message about that will follow"),
            ("IPYI", "payment instruction initiated"), ("IPAY", "payment initiated"), ("INFO", "additional information"),
            ("PTNA", "passed to the next agent"), ("FTNA", "forwarded to the next agent"),
            ("MWFW", "modification will follow"), ("RFUS", "refused"), ("CNFM", "confirmed"),
            ("CONF", "checked and executed as it was ordered"),
            ("ICOV", "cover initiated"), ("MCOV", "cover modified"), ("PDNG", "an answer is pending"),
            ("BIAS", "not cancelled: the batch is settled already"), ("IDNE", "not cancelled: there is no such instruction"),
            ("IVCR", "not cancelled: the request does not name the original"),
        )
    ),
)  # fmt: skip
"""Whatever else is said of a payment is a break. A correction has no code: it informs, and moves nothing."""

WHOLE: Final[dict[str, str]] = {
    "PART": "some payments of the group or batch are accepted, some are not",
    "PACR": "some payments of the group are cancelled, some are not",
}
"""Said of a file or batch only: each payment has a word of its own. All of WORDS may be said at every level."""

DISPUTES: Final = codes_of("dishonored", "contested")
"""NACHA: the first bank disputes a return (R61-R70), or the other bank disputes that (R71-R77). Neither moves a state by
itself: who keeps the money is told by entries, and a person follows it."""

MOVES: Final[dict[str, tuple[str, ...]]] = {
    "waiting": (
        "rejected", "cancelled", "submitted_unknown", "outstanding", "provider_rejected", "settled", "returned",
    ),
    "submitted_unknown": ("outstanding", "provider_rejected", "settled", "returned"),
    "outstanding": ("provider_rejected", "settled", "returned"),
    "provider_rejected": ("outstanding", "settled", "returned"),
    "settled": ("returned",),
    "rejected": (),
    "cancelled": (),
    "returned": (),
}  # fmt: skip
"""State → states it may move to from close to close. provider_rejected → outstanding: the provider says later, or said in a
file that came late, that it was completed after all; → settled: the bank booked what was refused. Both are contradictions."""

REOPENED: Final[dict[str, tuple[str, ...]]] = {
    "settled": ("outstanding", "submitted_unknown", "provider_rejected"),
    "returned": ("settled", "outstanding", "submitted_unknown", "provider_rejected"),
}
"""Moves of payments that are `reopened` only: a person took a match apart, or the bank booked again what had come back."""


def codes(kind: Kind, *effects: Effect) -> tuple[str, ...]:
    """Codes of a kind of feedback; all of them, or those of these effects."""
    return tuple(word.code for word in WORDS if word.kind == kind and (not effects or word.effect in effects))

"""http-json: what a provider's API says of payments, as JSON that was pulled and archived; its fields are named in the profile.

Without options it reads what the gateway itself keeps of the answers to its requests.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import polars as pl

from canonical.codes import Severity, Status
from canonical.contracts import Feedback, Source
from canonical.currencies import CURRENCIES
from canonical.frames import ENTRIES, STATEMENTS, STATUSES, conform, dtypes, empty
from canonical.json_templates import find, text_at
from canonical.limits import AMOUNT_MINOR_MAX
from canonical.money import parse_minor
from canonical.profiles import Model
from parsers._iso_faults import Fault, findings_frame

_JSON: Final = re.compile(rb"""\s*(?:\{\s*["}]|\[\s*[{\]\["\d])""")
_UNFILED: Final = "NARR"
_NAMES_MAX: Final = 8
_NAME_CHARS_MAX: Final = 40


class Options(Model):
    """Paths into the document and into each of its items. `statuses`: provider's status → ISO status.

    An ISO status says itself. `amount` is decimal text in the currency's major unit, `amount_minor` a whole number of minor
    units. An item that names no payment, or the submission in its place, speaks of the whole submission.
    """

    items: str = "items"
    reference: str | None = "reference"
    submission: str | None = "submission_id"
    end_to_end_id: str | None = None
    status: str = "status"
    statuses: dict[str, str] = {}  # noqa: RUF012  pydantic copies it
    returned: tuple[str, ...] = ()
    reason: str | None = "reason"
    reasons: dict[str, str] = {}  # noqa: RUF012  pydantic copies it
    reason_text: str | None = "reason_text"
    amount_minor: str | None = "amount_minor"
    amount: str | None = None
    currency: str | None = "currency"
    trace: str | None = "trace"


@dataclass(frozen=True, slots=True)
class HttpJson:
    """The format. See docs/formats/http-json.md."""

    name: str = "http-json"
    kind: ClassVar[Literal["feedback"]] = "feedback"
    options: type[Model] = Options

    def sniff(self, head: bytes) -> bool:
        """True when the bytes begin as a JSON object or list."""
        return _JSON.match(head) is not None

    def read(self, source: Source, options: Options) -> Feedback:
        """STATUSES: one row an item, in order. FATAL where the bytes are no JSON, or hold no list where it should be."""
        try:
            document = json.loads(bytes(source.data))
        except (ValueError, RecursionError) as wrong:
            return _feedback([], [_fault("http-json-syntax", f"The file is no JSON: {str(wrong)[:200]}.")])
        items = find(document, options.items)
        if not isinstance(items, list):
            return _feedback(
                [], [_fault("http-json-items", f"The file holds no list at {options.items!r}{_tops(document)}.")]
            )
        rows, faults = list[dict[str, Any]](), list[Fault]()
        for position, item in enumerate(items, start=1):
            row, fault = _row(position, item, options)
            rows += [row] if row is not None else []
            faults += [fault] if fault is not None else []
        return _feedback(rows, faults)


def _feedback(rows: list[dict[str, Any]], faults: list[Fault]) -> Feedback:
    statuses = conform(pl.DataFrame(rows, schema=dtypes(STATUSES)), STATUSES) if rows else empty(STATUSES)
    return Feedback("http-json", "", None, statuses, empty(STATEMENTS), empty(ENTRIES), findings_frame(faults))


def _row(position: int, item: Any, options: Options) -> tuple[dict[str, Any] | None, Fault | None]:
    reference, submission = text_at(item, options.reference), text_at(item, options.submission)
    end_to_end, said = text_at(item, options.end_to_end_id), text_at(item, options.status)
    if reference is None and submission is None and end_to_end is None:
        return None, _fault("http-json-unnamed", f"Item {position} names nothing of ours.", Severity.WARNING)
    status = options.statuses.get(said or "", said if said in set(Status) else None)
    fault = None
    if status is None:
        fault = _fault(
            "http-json-status", f"Item {position} has a status that nobody agreed: {said!r}.", Severity.WARNING
        )
    whole = end_to_end is None and (reference is None or reference == submission)
    code = text_at(item, options.reason)
    negative = status == Status.RJCT or said in options.returned
    currency = text_at(item, options.currency)
    currency = currency.upper() if currency and currency.upper() in CURRENCIES else None
    return {
        "position": position, "kind": "return" if said in options.returned else "status",
        "level": "file" if whole else "payment", "original_message_id": submission,
        "original_instruction_id": None if whole else reference, "original_end_to_end_id": end_to_end, "status": status,
        "reason": _reason(code, options) if negative else None, "reason_text": text_at(item, options.reason_text) or code,
        "amount_minor": _amount(item, currency, options), "currency": currency, "trace": text_at(item, options.trace),
    }, fault  # fmt: skip


def _reason(code: str | None, options: Options) -> str:
    """The ISO code agreed for the provider's; a code of four characters in capitals is one already."""
    if code is None or code in options.reasons:
        return options.reasons.get(code or "", _UNFILED)
    return code if len(code) == len(_UNFILED) and code.isupper() else _UNFILED


def _amount(item: Any, currency: str | None, options: Options) -> int | None:
    if currency is None:
        return None
    minor = text_at(item, options.amount_minor)
    if minor is not None and minor.isdecimal() and int(minor) <= AMOUNT_MINOR_MAX:
        return int(minor)
    text = text_at(item, options.amount)
    return None if text is None else parse_minor(text, currency)


def _tops(document: Any) -> str:
    """What stands at the top of the document instead: it tells at a glance whether this is the provider's answer at all."""
    names = [str(name)[:_NAME_CHARS_MAX] for name in document] if isinstance(document, dict) else []
    more = ", …" if len(names) > _NAMES_MAX else ""
    return f"; at its top stand {', '.join(names[:_NAMES_MAX])}{more}" if names else ""


def _fault(rule: str, message: str, severity: Severity = Severity.FATAL) -> Fault:
    remedy = "Ask the provider, or correct the paths of the profile; nothing else of the file is lost."
    return Fault(rule, "FF01", message, remedy, severity=severity)


FORMAT: Final = HttpJson()

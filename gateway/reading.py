"""Choose the format of a file and read it: the part that the gateway and the client's own desk share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import polars as pl

from canonical.codes import Level, Severity
from canonical.contracts import Cancellation, FileHeader, FormatFacts, Source, Window
from canonical.frames import FINDINGS, PAYMENTS, TOTALS, conform, empty
from canonical.limits import FILE_BYTES_MAX
from canonical.plugins import discover
from canonical.profiles import ClientProfile

HEAD_BYTES: Final = 65536
"""How much of a file's beginning tells its format: a long comment or a business header may stand before the message."""
TAIL_BYTES: Final = 4096
"""How much of a file's end tells whether it is closed."""


def agreed_formats(client: ClientProfile) -> dict[str, Any]:
    """Payment formats the client agreed on; all of them where the profile says "*"."""
    known = {name: item for name, item in discover("parsers", "FORMAT").items() if item.kind == "payment"}
    return {name: item for name, item in known.items() if "*" in client.formats or name in client.formats}


def cancellation_formats(client: ClientProfile) -> dict[str, Any]:
    """Formats of cancellation requests the client agreed on."""
    known = {name: item for name, item in discover("parsers", "FORMAT").items() if item.kind == "cancellation"}
    return {name: item for name, item in known.items() if "*" in client.formats or name in client.formats}


def asks_to_cancel(name: str) -> bool:
    """True for the name of a format of cancellation requests."""
    found = discover("parsers", "FORMAT").get(name)
    return found is not None and found.kind == "cancellation"


def facts_of(name: str | None, client: ClientProfile) -> FormatFacts:
    """Facts of a payment format as agreed with the client, the most general ones for what could not be read."""
    found = discover("parsers", "FORMAT").get(name or "")
    if found is None or found.kind != "payment":
        return FormatFacts()
    facts: FormatFacts = found.facts
    if facts.agreed_terms is None:
        return facts
    options = found.options.model_validate(client.format_options.get(found.name, {}))
    return replace(facts, terms=facts.agreed_terms(options))


def closes_itself(client: ClientProfile, head: bytes, tail: bytes) -> bool:
    """True when the bytes end as their format ends, or when they are of no format the client agreed on."""
    found = _sniff({**agreed_formats(client), **cancellation_formats(client)}, head)
    return found is None or bool(found.complete(tail))


def incomplete() -> pl.DataFrame:
    """The finding on a file that nothing closes: parts of it may be missing, so none of it is paid."""
    message = "The file does not end as a complete file does, and nothing more came in the agreed time."
    remedy = "Send it again whole: rename it into place, or close it with its totals or its last record."
    return file_finding("file-complete", "TD03", message, remedy)


def read(source: Source, client: ClientProfile) -> Iterator[Window]:
    """The windows of a file, whatever it is: what cannot be read comes as one window with a FATAL finding."""
    head = bytes(source.data[:HEAD_BYTES])
    found = _sniff(agreed_formats(client), head)
    if not head:
        yield _unreadable("TD03", "The file is empty.", "Send the file again; check that the export finished.")
    elif len(source.data) > FILE_BYTES_MAX:
        limit = f"{FILE_BYTES_MAX // 2**30} GiB"
        yield _unreadable("FF01", f"The file is larger than {limit}.", "Split it into several files.")
    elif found is None:
        yield _unknown_format(client, head)
    else:
        options = found.options.model_validate(client.format_options.get(found.name, {}))
        yield from found.windows(source, options)


def read_cancellation(source: Source, client: ClientProfile) -> Cancellation | None:
    """The requests of a file that asks for cancellations in a format the client agreed on, None for any other file."""
    if not source.data:
        return None
    found = _sniff(cancellation_formats(client), bytes(source.data[:HEAD_BYTES]))
    return None if found is None else found.read(source)


def _sniff(formats: dict[str, Any], head: bytes) -> Any:
    return next((item for item in formats.values() if item.sniff(head)), None)


def _unknown_format(client: ClientProfile, head: bytes) -> Window:
    agreed = ", ".join(agreed_formats(client))
    other = _sniff(discover("parsers", "FORMAT"), head)
    if other is None:
        message = "The file is in no format that is known here."
    elif other.kind == "feedback":
        message = f"The file is a bank's message ({other.name}), not a payment file."
    else:
        message = f"The file looks like {other.name}, which was not agreed."
    return _unreadable("FF01", message, f"Send one of the agreed formats: {agreed}.")


def file_finding(
    rule: str, reason: str, message: str, remedy: str, severity: Severity = Severity.FATAL
) -> pl.DataFrame:
    """A FINDINGS frame of one row at file level."""
    row = {
        "rule": rule, "reason": reason, "severity": severity.value, "level": Level.FILE.value, "line": 1,
        "message": message, "remedy": remedy,
    }  # fmt: skip
    return conform(pl.DataFrame([row]), FINDINGS)


def _unreadable(reason: str, message: str, remedy: str) -> Window:
    return unopened("file-format", reason, message, remedy)


def unopened(rule: str, reason: str, message: str, remedy: str) -> Window:
    """The one window of a file whose payments nobody can read."""
    findings = file_finding(rule, reason, message, remedy)
    return Window(FileHeader("unknown", "unknown"), empty(PAYMENTS), empty(TOTALS), findings)

"""A payment format out of a message's description: what pain.001 and pain.008 share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

import polars as pl

from canonical.codes import Severity
from canonical.contracts import FormatFacts, Source, Window
from canonical.limits import WINDOW_BYTES
from canonical.profiles import Model
from parsers._iso_excerpt import excerpt
from parsers._iso_fast import windows
from parsers._iso_paths import Message
from parsers._iso_xsd import validated

_CLOSED: Final = rb"</(?:[\w.-]+:)?(?:%s)\s*>(?:\s|<!--.*?-->|</[\w.:-]+\s*>)*\Z"

RULES: Final = (
    "iso-absent", "iso-empty-batch", "iso-equivalent-amount", "iso-flag", "iso-header", "iso-method", "iso-misplaced-payment", "iso-no-header", "iso-no-payments",
    "iso-order", "iso-repeated", "xsd",
)  # fmt: skip
"""Ids of the findings that the readers make, but for the fatal ones."""

COVERS: Final = {
    "iso-equivalent-amount": ("amount_text", "currency"),
    "iso-method": ("creditor_account", "creditor_agent"),
}
"""An equivalent amount stands in place of the instructed one; a cheque is sent to a name and an address, to no account."""


class Options(Model):
    """How a file is held to the schema of its version; all else (version, encoding, namespace) is in the file.

    `xsd`: "warn" tells the faults, "reject" also refuses what has them. `schemas`: folder of files such as
    `pain.001.001.09.xsd`; without it the environment's BULKRAIL_SCHEMAS_DIR.
    """

    xsd: Literal["off", "warn", "reject"] = "off"
    schemas: str | None = None


@dataclass(frozen=True, slots=True)
class IsoFormat:
    """The format of one message."""

    message: Message
    facts: FormatFacts
    options: type[Model] = Options
    kind: ClassVar[Literal["payment"]] = "payment"

    @property
    def name(self) -> str:
        """Name of the message."""
        return self.message.name

    def sniff(self, head: bytes) -> bool:
        """True when a namespace of the message is declared in these bytes, in any encoding that holds ASCII."""
        names = rb"""[^"']*""" + re.escape(self.name.encode()) + rb"""\.\d{3}\.\d{2}"""
        if self.message.bare is not None:
            names += rb"|" + self.message.bare[1].encode()
        namespace = rb"""xmlns(?::[\w.-]+)?\s*=\s*["'](?:""" + names + rb")"
        return re.search(namespace, head.replace(b"\0", b"")) is not None

    def complete(self, tail: bytes) -> bool:
        """True when nothing but closing tags and comments follows `</Document>`, or what stands for it."""
        ends = "|".join(["Document", *([self.message.bare[0]] if self.message.bare else [])])
        return re.search(_CLOSED % ends.encode(), tail.replace(b"\0", b""), re.DOTALL) is not None

    def windows(self, source: Source, options: Options) -> Iterator[Window]:
        """Read the file. Faults of the client are findings; FATAL ones end it. Never raises for them.

        Offsets and lengths are those of the payment's element in `source.data`, in any encoding; those of the batch run
        from `<PmtInf>` up to its first payment.
        """
        if options.xsd == "off":
            return windows(source, self.message, WINDOW_BYTES)
        severity = Severity.ERROR if options.xsd == "reject" else Severity.WARNING
        # Several windows wait for their validation: at half the size they take no more memory than one does without.
        return validated(source, self.message, WINDOW_BYTES // 2, options.schemas, severity)

    def excerpt(self, source: Source, kept: pl.DataFrame, options: Options) -> bytes:  # noqa: ARG002  the contract's signature
        """The file with these payments only, their bytes untouched; MsgId marked `-R`, declared totals counted anew."""
        return excerpt(source, kept, self.message)


def terms_of(message: Message) -> dict[str, str]:
    """What the client calls the canonical columns: element paths, an account, an agent or a day by its own element.

    Below those a version has names of its own (BIC and BICFI, a date without Dt).
    """
    terms = {}
    for name, paths in {**message.payment_columns, **message.in_batch}.items():
        first = paths[0]
        if name.endswith("_account"):
            first = first.removesuffix("/IBAN")
        elif name.endswith("_agent"):
            first = first.removesuffix("/BICFI")
        elif name.endswith("_date_text"):
            first = first.removesuffix("/Dt")
        terms[name] = first
    return dict(sorted((terms | {"uncarried": message.payment}).items()))

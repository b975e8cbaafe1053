"""answer-nacha: refused entries as a return-style ACH file, for clients whose software reads bank returns.

Each refused entry comes back with addenda 99: a return reason code near to our ISO reason, the original trace number and
receiving bank, the reason in words. Nothing refused: nothing is written. docs/exports/answer-nacha.md.
Source: Nacha Operating Rules, Appendix Three and Four.
"""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import dataclass, replace
from typing import BinaryIO, ClassVar, Final, Literal

import polars as pl
from pydantic import Field

from canonical.contracts import Answer, Model
from canonical.errors import ConfigError
from exporters._answer_nacha_records import batches_of, entry_text, refused_entries
from exporters._nacha_records import Sums, ascii_text, file_end

_SLICE_ROWS: Final = 50_000
_SUM_DIGITS: Final = 10**12
_OWN_ID: Final = re.compile(r"(?P<origin>[!-~]{1,10})-\d{10}(-.)?", re.ASCII)
"""Message id of an ACH file: immediate origin, creation date and time, file id modifier."""


class NachaAnswerOptions(Model):
    """Who the file says it comes from: `immediate_origin`, the routing number that the client's software knows as its bank's.

    `immediate_destination`: the client; its own file's immediate origin where it is left out.
    """

    immediate_origin: str = Field(pattern=r"^[0-9]{9}$")
    immediate_origin_name: str = Field(default="", max_length=23)
    immediate_destination: str | None = Field(default=None, pattern=r"^[0-9A-Z]{1,10}$")


@dataclass(frozen=True, slots=True)
class NachaAnswer:
    """The answer `answer-nacha`, with the options it was given."""

    name: str = "answer-nacha"
    options: type[Model] = NachaAnswerOptions
    chosen: NachaAnswerOptions | None = None
    kind: ClassVar[Literal["answer"]] = "answer"

    def with_options(self, options: NachaAnswerOptions) -> NachaAnswer:
        """The same export, as the client's profile wants it."""
        return replace(self, chosen=options)

    def suffix_of(self, answer: Answer) -> str:  # noqa: ARG002 - the same for every answer
        """How the answer's name ends."""
        return ".return.ach"

    def write(self, answer: Answer, out: BinaryIO) -> None:
        """Write the returns; nothing where no entry was refused, or the file was a copy.

        Raises:
            ConfigError: the profile gives no options.
        """
        options = self.chosen
        if options is None:
            raise ConfigError(f"client {answer.client.client_id}: answer-nacha needs the option immediate_origin")
        if answer.duplicate_of is not None:
            return
        origin = options.immediate_origin[:8]
        entries = refused_entries(answer, origin)
        if entries.is_empty():
            return
        destination = options.immediate_destination or _sender(answer)
        batches = batches_of(entries, answer, origin, destination)
        out.write(_file_header(answer, options, destination).encode("ascii"))
        _write_entries(entries, batches, out)
        out.write(file_end(_sums(batches), batches.height).encode("ascii"))


def _sender(answer: Answer) -> str:
    """Immediate origin of the client's file, as its message id says it."""
    found = _OWN_ID.fullmatch(answer.header.message_id or "")
    return found["origin"] if found else "0" * 9


def _file_header(answer: Answer, options: NachaAnswerOptions, destination: str) -> str:
    created = answer.created
    if created.tzinfo is not None:
        created = created.astimezone(zoneinfo.ZoneInfo(answer.client.time_zone))
    name = ascii_text(answer.client.name)[:23]
    return (
        f"101{destination:>10}{options.immediate_origin:>10}{created:%y%m%d%H%M}A094101{name:<23}"
        f"{ascii_text(options.immediate_origin_name):<23}{'':8}\n"
    )


def _write_entries(entries: pl.DataFrame, batches: pl.DataFrame, out: BinaryIO) -> None:
    """The batches, each between its header and its control, a slice at a time."""
    group = pl.col("group")
    marks = entries.select(
        "group", first=group.ne_missing(group.shift(1)), last=group.ne_missing(group.shift(-1))
    ).join(batches.select("group", "header", "control"), on="group", how="left", maintain_order="left").drop("group")  # fmt: skip
    placed = pl.concat([entries, marks], how="horizontal")
    text = pl.concat_str(
        pl.when("first").then("header"), entry_text(), pl.when("last").then("control"), ignore_nulls=True
    )  # fmt: skip
    # Text of one slice at a time: it is larger than all the columns it is made of.
    out.writelines(
        str(part.select(text.str.join("")).item()).encode("ascii") for part in placed.iter_slices(_SLICE_ROWS)
    )


def _sums(batches: pl.DataFrame) -> Sums:
    """What the file control says. Sums that outgrow their twelve digits keep the last twelve, as the entry hash does."""
    entries, debits, hashed, debit, credit = batches.select(
        pl.col("entries", "debits", "entry_hash", "debit", "credit").sum()
    ).row(0)
    return Sums(entries, debits, 2 * entries, hashed, debit % _SUM_DIGITS, credit % _SUM_DIGITS)


EXPORT: Final = NachaAnswer()

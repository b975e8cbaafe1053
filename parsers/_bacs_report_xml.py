"""Bacs reports are XML that says everything in attributes: the elements that matter, with the accounts that they stand in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from canonical.contracts import Source
from parsers import _iso_faults as faults
from parsers._iso_faults import Fault, Unreadable, empty_file
from parsers._xml_feed import SLICE_BYTES, Feeder

ROOT: Final = "BACSDocument"
_ITEMS: Final = {"ReturnedDebitItem": "return", "ReturnedCreditItem": "return", "MessagingAdvice": "advice"}
_REPORTS: Final = ("ARUDD", "ARUCS", "ADDACS", "AUDDIS", "AWACS")


@dataclass(slots=True)
class Item:
    """A returned item, an advice or a group's totals. `kind`: return, advice, totals or header.

    `values`: its attributes, names in lower case without hyphens; of an account below it under `account.<name>`.
    `group`: ordinal of the originating account that it stands under, 0 outside.
    """

    kind: str
    line: int
    group: int
    values: dict[str, str] = field(default_factory=dict)


class ReportReader(Feeder):
    """Push parser. `items` in file order; `named`: the reports that elements below Data are named after."""

    def __init__(self) -> None:
        super().__init__(None)
        self.items: list[Item] = []
        self.named: set[str] = set()
        self._open: list[str] = []
        self._item: Item | None = None
        self._group = 0
        self.group_lines: dict[int, int] = {}
        """Line of each originating account's record, by its ordinal."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element opens."""
        local = name.rpartition(" ")[2]
        if not self._open and local != ROOT:
            self.refuse(_no_report(f"The file holds <{local[:60]}>, no {ROOT}."))
        self._open.append(local)
        if local in _REPORTS:
            self.named.add(local)
        values = {_plain(key): value.strip() for key, value in attributes.items()}
        if local == "OriginatingAccountRecord":
            self._group += 1
            self.group_lines[self._group] = self.line
        if self._item is not None and local.endswith("Account"):
            self._item.values |= {f"account.{key}": value for key, value in values.items()}
        elif local in _ITEMS:
            self._item = self._add(_ITEMS[local], values)
        elif local == "Totals":
            self._add("totals", values)
        elif local in {"Header", "MessagingHeader"}:
            self._add("header", values)

    def _add(self, kind: str, values: dict[str, str]) -> Item:
        inside = "OriginatingAccountRecord" in self._open
        self.items.append(Item(kind, self.line, self._group if inside else 0, values))
        return self.items[-1]

    def end(self) -> None:
        """The element at hand closes."""
        if self._open.pop() in _ITEMS:
            self._item = None

    def characters(self, text: str) -> None:
        """Bacs says nothing in text."""

    def finish(self) -> None:
        """The file is at its end."""
        if not self.named and not self.items:
            self.refuse(_no_report("The file holds no report: it names none, and no item of one stands in it."))


def read_report(source: Source) -> ReportReader:
    """The whole report.

    Raises:
        Unreadable: reading cannot go on; carries the FATAL fault.
    """
    reader = ReportReader()
    if not len(source.data):
        raise Unreadable(empty_file())
    for offset, last in _slices(len(source.data)):
        reader.feed(source.data[offset : offset + SLICE_BYTES], final=last)
    return reader


def _slices(size: int) -> Iterator[tuple[int, bool]]:
    for offset in range(0, size, SLICE_BYTES):
        yield offset, offset + SLICE_BYTES >= size


def _plain(name: str) -> str:
    return name.rpartition(" ")[2].replace("-", "").replace("_", "").lower()


def _no_report(message: str) -> Fault:
    return faults.fatal(
        "bacs-report",
        "FF01",
        message,
        "Look at what the provider put in this place, and at the format its profile names.",
    )

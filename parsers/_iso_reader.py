"""The exact reader: collects the captured paths of a message from expat's events, with byte offsets and lines.

The fast reader feeds it only what stands outside the payments and tells it with `skip` what it left out, so that headers,
totals, namespaces and the file's end are read by this one piece of code.
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from canonical.codes import Level
from canonical.limits import FILE_ROWS_MAX
from parsers import _iso_faults as faults
from parsers._iso_faults import Doubt, Fault
from parsers._iso_frames import flag
from parsers._iso_header import HeaderName
from parsers._iso_paths import IN_BATCH, IN_HEADER, METHOD, TOTALS, Message, Node, joins, takes_first
from parsers._xml_bytes import closing_tag_end
from parsers._xml_feed import Feeder

_FLAG: Final = "BtchBookg"
_ANYTHING: Final = "SplmtryData"
"""Holds whatever two parties agreed on: a payment's element in it is none."""


class Reader(Feeder):
    """Push parser. After each `feed`, `payments`, `totals` and `faults` hold what was found since they were last taken.

    Args:
        data: the archived bytes, for the ends of closing tags.
        message: what the file should hold.
        encoding: overrides the declared one (an alias that expat does not know), else None.
        bodies: False where payments are left out with `skip`; meeting one then raises `Doubt`.
    """

    def __init__(
        self, data: bytes | mmap.mmap, message: Message, encoding: str | None = None, *, bodies: bool = True
    ) -> None:
        super().__init__(encoding)
        self.version: str | None = None
        self.header: dict[str, str] = {}
        self.batch = 0
        self.batches: dict[int, dict[str, Any]] = {}
        """What each batch says by path; `line`, `offset` and `length` of its own part, up to its first payment."""
        self.rows = 0
        self.payments: list[dict[str, Any]] = []
        self.totals: list[dict[str, Any]] = []
        self.faults: list[Fault] = []
        self._data, self.message, self._bodies = data, message, bodies
        self._document_depth = 0
        self._named = HeaderName()
        self._quoted = False
        self._skipped = self._anything = 0
        self._header_seen = self._repeats_header = self._had_payment = False
        self._stack: list[Node] = []
        self._texts: list[list[str]] = []
        self._current: dict[str, Any] = {}
        self._repeats: dict[str, list[str]] = {}
        self._batch_totals: list[dict[str, Any]] = []
        self._locals: dict[str, str] = {}

    def skip(self, start: int, size: int, lines: int, payments: int) -> None:
        """Payments that were left out between two feeds: where they start, their bytes, line feeds and number.

        Raises:
            Doubt: they do not stand directly in a PmtInf.
        """
        if self._skipped or not self._stack or self._stack[-1] is not self.message.tree.children["PmtInf"]:
            raise Doubt("payments outside a PmtInf")
        self._first_payment(start)
        self.leave_out(size, lines)
        self._count(payments)

    # ------------------------------------------------------------------------------------------ events

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Follow the tree of wanted paths; what is not on it is passed over."""
        if self._skipped:
            self._skip_element(name)
            return
        if not self._stack:
            self._outside(name)
            return
        local = self._locals.get(name)
        if local is None:
            local = self._locals[name] = name.rpartition(" ")[2]
        node = self._stack[-1].children.get(local)
        if node is None:
            self._skip_element(name)
            return
        if node.scope != self._stack[-1].scope:
            self._open(node)
        self._stack.append(node)
        self._texts.append([])
        if node.currency and (currency := attributes.get("Ccy")):
            self._put(node.scope, node.currency, currency)

    def end(self) -> None:
        """Keep the text of a wanted path."""
        if self._skipped:
            self._skipped -= 1
            if self._skipped < self._anything:
                self._anything = 0
            return
        if not self._stack:
            return
        node = self._stack.pop()
        text = "".join(self._texts.pop())
        if node.key and text:
            self._put(node.scope, node.key, text)
        if not self._stack or node.scope != self._stack[-1].scope:
            self._close(node)

    def characters(self, text: str) -> None:
        """Text directly in a wanted element."""
        if self._texts and not self._skipped:
            self._texts[-1].append(text)
        elif self.version is None:
            self._named.characters(text)
            self._quoted = self._quoted or faults.quotes(text, self.message.name)

    def finish(self) -> None:
        """What only the end of the file shows."""
        if self._quoted and self.version is None:
            self._refuse(*faults.quoted(self.message.name))
        if self.version is None:
            self._refuse(f"The file holds no <Document> of a {self.message.name} message.")
        if self.batch == 0:
            self.faults.append(self._here(faults.no_batches()))

    # ------------------------------------------------------------------------------------------ structure

    def _skip_element(self, name: str) -> None:
        self._skipped += 1
        local = name.rpartition(" ")[2]
        if local == _ANYTHING and not self._anything:
            self._anything = self._skipped
        if local == self.message.payment and not self._anything:
            self.faults.append(self._here(faults.misplaced(self.message.payment)))

    def _outside(self, name: str) -> None:
        namespace, _, local = name.rpartition(" ")
        self._named.start(local)
        if bare := self.message.bare_version(namespace, local):
            self._begin(bare, local, namespace)
            self._stack.append(self.message.tree)
            self._texts.append([])
        elif local == "Document":
            found = self.message.version.search(namespace)
            known = found is not None and self.message.knows(found.group())
            self._begin(found.group() if found and known else None, local, namespace)
            self._document_depth = self.depth
        elif self.version is not None and self.depth == self._document_depth + 1:
            if not self.message.elements.fullmatch(local):
                own = self.message
                what = f"The Document holds <{local[:60]}> where a {own.name} has <{own.element}>."
                fitting = f"Leave everything but <{own.element}> out of the Document, or give the namespace that fits what it holds."
                self._refuse(what, fitting)
            self._stack.append(self.message.tree)
            self._texts.append([])

    def _begin(self, version: str | None, local: str, namespace: str) -> None:
        """The message of the file: there is one, of a known version."""
        if version is None or self.version is not None:
            second = self.version is not None
            what = "it is the second one of the file" if second else f"its namespace is {namespace[:100]!r}"
            remedy = "Send each message in a file of its own." if second else None
            self._refuse(f"This {local} is no {self.message.name} message that can be read: {what}.", remedy)
        self.version = version
        assert version is not None, "anything else was refused"
        if other := self._named.other_than(version):
            self.faults.append(self._here(faults.other_header(other, version)))

    def _refuse(self, what: str, remedy: str | None = None) -> None:
        self.refuse(faults.not_the_message(what, self.message.name, remedy))

    def _open(self, node: Node) -> None:
        if node.scope == "header":
            self._repeats_header = self._header_seen
            if self._header_seen:
                self.faults.append(self._here(replace(faults.repeated("GrpHdr"), level=Level.FILE)))
            self._header_seen = True
        elif node.scope == "batch":
            self.batch += 1
            self._had_payment = False
            self.batches[self.batch] = self._current = {"offset": self.offset, "line": self.line}
            if not self._header_seen:
                self._header_seen = True
                self.faults.append(self._here(faults.no_header()))
        else:
            if not self._bodies:
                raise Doubt("a payment where none was expected")
            self._first_payment(self.offset)
            self._count(1)
            self.open_row = self.rows
            self._current = {"row": self.rows, "line": self.line, "offset": self.offset, "batch": self.batch}

    def _close(self, node: Node) -> None:
        if node.scope == "payment":
            self._join_repeats()
            payment = self._current
            end = closing_tag_end(self._data, self.offset, self.message.payment)
            payment["length"] = end - payment["offset"]
            self.payments.append(payment)
            self.open_row = None
            self._current = self.batches[self.batch]
        elif node.scope == "header":
            self._miss(
                "GrpHdr", IN_HEADER, self.header | {str(total["field"])[7:]: "" for total in self.totals}, Level.FILE
            )
        elif node.scope == "batch":
            self._flush_batch_totals()
            self._repeats = {}
            if not self._had_payment:
                self.faults.append(self._here(faults.empty_batch(self.message.payment)))

    def _first_payment(self, start: int) -> None:
        if not self._had_payment:
            self._had_payment = True
            self._join_repeats()
            self._current["length"] = start - self._current["offset"]
            self._flush_batch_totals()
            self._miss("PmtInf", IN_BATCH, self._current, Level.BATCH)
            method = self._current.get(METHOD, "").strip(" \t\r\n")
            if method and method not in self.message.methods:
                self.faults.append(self._here(faults.other_method(method, self.message.methods)))
            booked = self._current.get(_FLAG)
            if booked is not None and flag(booked) is None:
                self.faults.append(self._here(faults.no_flag(_FLAG, booked)))

    def _miss(self, element: str, keys: tuple[str, ...], said: Mapping[str, Any], level: Level) -> None:
        missing = [key for key in keys if key not in said and self.version and not self.version.endswith(".02")]
        self.faults += [self._here(replace(faults.absent(f"{element}/{key}"), level=level)) for key in missing]

    def _join_repeats(self) -> None:
        self._current |= {key: "\n".join(texts) for key, texts in self._repeats.items()}
        self._repeats = {}

    def _count(self, payments: int) -> None:
        self.rows += payments
        if self.rows > FILE_ROWS_MAX:
            self.refuse(faults.limit(f"the file holds more than {FILE_ROWS_MAX} payments"))

    # ------------------------------------------------------------------------------------------ values

    def _put(self, scope: str, key: str, text: str) -> None:
        if key in TOTALS and scope != "payment":
            self._put_total(scope, key, text)
        elif scope == "header":
            if key in self.header and not self._repeats_header:
                self.faults.append(self._here(replace(faults.repeated(f"GrpHdr/{key}"), level=Level.FILE)))
            self.header.setdefault(key, text)
        elif scope == "batch" and self._had_payment:
            self.faults.append(self._here(faults.late(key)))
        elif joins(key):
            self._repeats.setdefault(key, []).append(text)
        elif key not in self._current:
            self._current[key] = text
        elif not takes_first(key) and "@" not in key:
            # Of a currency that stands twice its amount tells.
            self._put_repeated(scope, key)

    def _put_repeated(self, scope: str, key: str) -> None:
        fault = self._here(faults.repeated(key))
        if scope == "payment":
            row, reference = self._current["row"], self._current.get("PmtId/EndToEndId")
            fault = replace(fault, level=Level.PAYMENT, row=row, end_to_end_id=reference)
        self.faults.append(fault)

    def _put_total(self, scope: str, key: str, text: str) -> None:
        total = {
            "level": "batch" if scope == "batch" else "file",
            "batch": self.batch if scope == "batch" else None,
            "batch_id": None,
            "line": self.line,
            "field": f"PmtInf/{key}" if scope == "batch" else f"GrpHdr/{key}",
            "measure": TOTALS[key],
            "declared_text": text,
            "offset": self.offset,
        }
        (self._batch_totals if scope == "batch" else self.totals).append(total)

    def _flush_batch_totals(self) -> None:
        # Held back until PmtInfId, which may stand behind them, is known.
        batch_id = self.batches[self.batch].get("PmtInfId")
        self.totals += [{**total, "batch_id": batch_id} for total in self._batch_totals]
        self._batch_totals = []

    def _here(self, fault: Fault) -> Fault:
        if fault.level is not Level.FILE:
            fault = replace(fault, batch=self.batch, batch_id=self.batches[self.batch].get("PmtInfId"))
        return fault.at(self.line, self.offset)

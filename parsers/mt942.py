"""MT942, interim transaction report: entries of the day as SWIFT messages; they inform and are never booked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from canonical.contracts import Feedback, Model, Source
from parsers._mt_statement import read_statements
from parsers._mt_statement_findings import MT942
from parsers._mt_statement_options import StatementOptions

_OWN: Final = re.compile(rb"(?:^|[\r\n]|@@)(?::34F:|:13D:|:90[CD]:)")


@dataclass(frozen=True, slots=True)
class Mt942:
    """The format. See docs/formats/mt942.md."""

    name: str = MT942.name
    kind: ClassVar[Literal["feedback"]] = "feedback"
    options: type[Model] = StatementOptions

    def sniff(self, head: bytes) -> bool:
        """True when block 2 says 942, or else when a line begins with a field that only an MT942 has, and none with a balance."""
        named = re.search(rb"\{2:[IO]([0-9]{3})", head)
        if named:
            return named.group(1) == b"942"
        return _OWN.search(head) is not None and re.search(rb"(?:[\r\n]|@@):6[02][FM]:", head) is None

    def read(self, source: Source, options: StatementOptions) -> Feedback:
        """STATEMENTS and ENTRIES, one row a message and one a `:61:`; no entry is booked. Never raises for the provider."""
        return read_statements(source, options, MT942)


FORMAT: Final = Mt942()

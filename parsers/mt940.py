"""MT940, customer statement message: SWIFT account statements from providers, in the dialect that the profile declares."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from canonical.contracts import Feedback, Model, Source
from parsers._mt_statement import read_statements
from parsers._mt_statement_findings import MT940
from parsers._mt_statement_options import StatementOptions

_OWN: Final = re.compile(rb"(?:^|[\r\n]|@@)(?::6[0245][FM]?:|:61:|:28C?:|:25P?:|:86:|:NS:)")
_OTHERS: Final = re.compile(rb"(?:^|[\r\n]|@@)(?::34F:|:13D?:|:90[CD]:|:28D:|:50[A-Z]?:|:32[AB]:|:23E:)")


@dataclass(frozen=True, slots=True)
class Mt940:
    """The format. See docs/formats/mt940.md."""

    name: str = MT940.name
    kind: ClassVar[Literal["feedback"]] = "feedback"
    options: type[Model] = StatementOptions

    def sniff(self, head: bytes) -> bool:
        """True when block 2 says 940, or else when lines begin with fields of an MT940 and none with those of others."""
        named = re.search(rb"\{2:[IO]([0-9]{3})", head)
        if named:
            return named.group(1) == b"940"
        own, other = _OWN.search(head), _OTHERS.search(head)
        return own is not None and (other is None or re.search(rb"(?:[\r\n]|@@):6[02][FM]:", head) is not None)

    def read(self, source: Source, options: StatementOptions) -> Feedback:
        """STATEMENTS and ENTRIES, one row a message and one a `:61:`. Never raises for the provider."""
        return read_statements(source, options, MT940)


FORMAT: Final = Mt940()

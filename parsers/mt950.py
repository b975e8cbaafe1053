"""MT950, statement message: what a bank tells of an account that another bank keeps with it; an MT940 without `:86:`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from canonical.contracts import Feedback, Model, Source
from parsers._mt_statement import read_statements
from parsers._mt_statement_findings import MT950
from parsers._mt_statement_options import StatementOptions


@dataclass(frozen=True, slots=True)
class Mt950:
    """The format. See docs/formats/mt950.md."""

    name: str = MT950.name
    kind: ClassVar[Literal["feedback"]] = "feedback"
    options: type[Model] = StatementOptions

    def sniff(self, head: bytes) -> bool:
        """True when block 2 says 950: without it nothing tells it from an MT940, which is read in the same way."""
        named = re.search(rb"\{2:[IO]([0-9]{3})", head)
        return named is not None and named.group(1) == b"950"

    def read(self, source: Source, options: StatementOptions) -> Feedback:
        """STATEMENTS and ENTRIES, one row a message and one a `:61:`. Never raises for the provider."""
        return read_statements(source, options, MT950)


FORMAT: Final = Mt950()

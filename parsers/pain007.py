"""pain.007, CustomerPaymentReversal: clients' requests, every version from .01 to .12."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from canonical.contracts import Cancellation, Source
from canonical.profiles import Model
from parsers._cancellation_paths import PAIN007
from parsers._cancellation_reader import Options, is_closed, read_requests


@dataclass(frozen=True, slots=True)
class Pain007:
    """The format. See docs/formats/pain.007.md."""

    name: str = PAIN007.name
    kind: ClassVar[Literal["cancellation"]] = "cancellation"
    options: type[Model] = Options

    def sniff(self, head: bytes) -> bool:
        """True when the head declares a pain.007 namespace or holds its element, in any encoding that holds ASCII."""
        return PAIN007.sniff(head)

    def complete(self, tail: bytes) -> bool:
        """True when nothing but closing tags and comments follows `</Document>`."""
        return is_closed(tail)

    def read(self, source: Source) -> Cancellation:
        """CANCELLATIONS and FINDINGS. Never raises for the client's faults."""
        return read_requests(source, PAIN007)


FORMAT: Final = Pain007()

"""camt.055, CustomerPaymentCancellationRequest: clients' requests, every version from .01 to .12."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from canonical.contracts import Cancellation, Source
from canonical.profiles import Model
from parsers._cancellation_paths import CAMT055
from parsers._cancellation_reader import Options, is_closed, read_requests


@dataclass(frozen=True, slots=True)
class Camt055:
    """The format. See docs/formats/camt.055.md."""

    name: str = CAMT055.name
    kind: ClassVar[Literal["cancellation"]] = "cancellation"
    options: type[Model] = Options

    def sniff(self, head: bytes) -> bool:
        """True when the head declares a camt.055 namespace or holds its element, in any encoding that holds ASCII."""
        return CAMT055.sniff(head)

    def complete(self, tail: bytes) -> bool:
        """True when nothing but closing tags and comments follows `</Document>`."""
        return is_closed(tail)

    def read(self, source: Source) -> Cancellation:
        """CANCELLATIONS and FINDINGS. Never raises for the client's faults."""
        return read_requests(source, CAMT055)


FORMAT: Final = Camt055()

"""How files are delivered: the log of the one side, the transports of the other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from canonical.profiles import Model
from canonical.requests import Reply, RequestBlock, Sent


class DeliveryState(StrEnum):
    """States of a submission (design, section 7). UPLOADING and RELEASING are intents, UPLOADED and DELIVERED facts."""

    PREPARED = "PREPARED"
    UPLOADING = "UPLOADING"
    UPLOADED = "UPLOADED"
    RELEASING = "RELEASING"
    DELIVERED = "DELIVERED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    REJECTED = "REJECTED"
    VOIDED = "VOIDED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Parcel:
    """A file to deliver. `name` is its final name; `path` a local copy; `size` and `sha256` are of its bytes.

    Who makes a parcel has held the copy against both; a transport holds what arrived against them.

    `payments` and `sum_minor` (minor units of `currency`) are what it holds, for servers that want to be told.
    """

    submission_id: str
    name: str
    path: Path
    size: int
    sha256: str
    payments: int = 0
    sum_minor: int = 0
    currency: str = ""


class DeliveryLog(Protocol):
    """The registry's side of one delivery. Every move is a compare-and-set on (state, attempt), committed when it returns."""

    @property
    def state(self) -> DeliveryState:
        """As last read or moved to."""
        ...

    @property
    def attempt(self) -> int:
        """Attempt this worker holds."""
        ...

    def begin_upload(self) -> int:
        """PREPARED or UPLOADING (or UPLOADED) → UPLOADING with a new attempt, which it returns.

        Raises:
            Conflict: somebody else moved it.
        """
        ...

    def uploaded(self) -> None:
        """UPLOADING → UPLOADED: the temporary is whole. Raises Conflict."""
        ...

    def begin_release(self) -> None:
        """UPLOADED → RELEASING, after cut-off, kill switch and funds were checked again, in the same transaction.

        Raises:
            Conflict: somebody else moved it.
            Withheld: it is kept back; the state stands.
            ReleaseOver: the cut-off was missed; it is void.
        """
        ...

    def recheck(self) -> None:
        """What `begin_release` checks, once more in RELEASING, before a recovery releases. Moves nothing.

        Raises:
            ReleaseOver: it may not happen any more; `withdrawn` follows once nothing of it can be released.
            Withheld: not now (kill switch, funds); call again later. What was begun is still asked about.
            PartWithheld: the same of some parts of it; `withdrawn` may follow, where nothing was released, so that the others go.
            Conflict: somebody else moved it.
        """
        ...

    def withdrawn(self, detail: str) -> None:
        """RELEASING → VOIDED: nothing was released, and nothing of this attempt can be any more. Raises Conflict."""
        ...

    def delivered(self, detail: str) -> None:
        """RELEASING, or UNKNOWN after an enquiry → DELIVERED. Raises Conflict."""
        ...

    def unknown(self, detail: str) -> None:
        """RELEASING → UNKNOWN: only enquiry, an acknowledgement or a person resolves it. Raises Conflict."""
        ...

    def now(self) -> dt.datetime:
        """The one clock."""
        ...

    def ran_on(self) -> bool:
        """False where it is known that the clock was set back since the first request was begun: nobody knows how long ago that is."""
        ...

    def plan_requests(self, count: int, block: int) -> tuple[RequestBlock, ...]:
        """The submission's requests in blocks of at most `block`, as planned by whoever came first, with what is known.

        Until each of them has its reply, no acknowledgement resolves the submission. Raises Conflict.
        """
        ...

    def begin_requests(self, block: RequestBlock, note: str = "", *, sends: bool = True) -> RequestBlock:
        """In RELEASING: the intent to send the open requests of a block, durable when it returns.

        `sends`: what `recheck` looks at is looked at again, in the same transaction; False: they are not sent any more.

        Raises:
            Conflict: somebody else began it, or resolved it.
            ReleaseOver, Withheld: as `recheck`; the block is as it was.
        """
        ...

    def answered(self, block: RequestBlock, replies: tuple[Reply, ...], *, certain: bool = False) -> RequestBlock:
        """The block with the replies that came, durable when it returns. Raises Conflict.

        `certain`: nothing of the others ever arrived, by this try or one before, so that they are in no doubt.
        """
        ...

    def not_shown(self, block: RequestBlock, at: dt.datetime) -> RequestBlock:
        """The block, of which the provider did not show all at `at` by its own clock. Raises Conflict."""
        ...


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file a provider holds for us. `version` changes when its content does (size and modification time).

    `folder`: where it lies, for transports that look into several.
    """

    name: str
    size: int
    version: str
    folder: str = ""


class Remote(Protocol):
    """One open connection to a provider."""

    def deliver(self, parcel: Parcel, log: DeliveryLog) -> None:
        """Carry the parcel from whatever state the log is in to DELIVERED or UNKNOWN. Safe to call again at any time.

        Raises:
            TransientError: a listed fault before release; call again.
            OutsideError: any other fault before release.
            Conflict: another worker holds the submission.
        """
        ...

    def enquire(self, parcel: Parcel, log: DeliveryLog) -> None:
        """Ask the provider about an UNKNOWN parcel: DELIVERED where it shows it, else it stays. Sends nothing.

        Raises:
            TransientError, OutsideError: the provider does not say.
            Conflict: somebody resolved it first.
        """
        ...

    def withdraw(self, parcel: Parcel, log: DeliveryLog) -> None:
        """An UNKNOWN parcel is to be called undelivered: take away what a worker that sleeps could still release. Moves nothing.

        Raises:
            TransientError, OutsideError: it is still there to be released.
        """
        ...

    def feedback(self, waiting: tuple[Sent, ...] = ()) -> Iterator[RemoteFile]:
        """Files the provider offers, in name order. `waiting`: submissions whose status it may be asked for."""
        ...

    def fetch(self, file: RemoteFile) -> bytes:
        """Their bytes."""
        ...

    def archive(self, file: RemoteFile) -> None:
        """Called once the file's bytes are kept: put it aside where the profile says so."""
        ...


class Transport(Protocol):
    """providers/: how to reach who moves the money. `options` is checked when profiles are read."""

    name: str
    options: type[Model]

    def connect(self, options: Any, secret: Any) -> AbstractContextManager[Remote]:
        """Open a connection. `secret(name)` gives a secret's text.

        Raises:
            TransientError: refused, timed out, reset.
            OutsideError: authentication, host key, permission.
        """
        ...

"""Clients' outboxes: answers go out by the same protocol as submissions, into the client's folder of the object store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from canonical.contracts import DeliveryLog, DeliveryState, Parcel, RemoteFile, Sent
from canonical.errors import Conflict, OutsideError
from gateway.intake.files import outbox_key
from gateway.store import ObjectStore


class OutboxRemote:
    """`canonical.contracts.Remote`. The store creates an object whole or not at all, so upload and release are one effect.

    An answer moves no money: where a crash leaves open whether it was put, it is put again under the same name. A client
    who had taken it sees the same message id again, and no client is left without an answer.
    """

    def __init__(self, store: ObjectStore, client_id: str) -> None:
        self._store, self._client_id = store, client_id

    def deliver(self, parcel: Parcel, log: DeliveryLog) -> None:
        """Carry the answer to DELIVERED. Raises Conflict, TransientError, OutsideError."""
        if log.state in {DeliveryState.PREPARED, DeliveryState.UPLOADING}:
            log.begin_upload()
            log.uploaded()
        if log.state is DeliveryState.UPLOADED:
            log.begin_release()
        if log.state is not DeliveryState.RELEASING:
            return
        key = outbox_key(self._client_id, parcel.name)
        try:
            self._store.put(key, parcel.path, create=True)
        except Conflict:
            if hashlib.sha256(self._store.get(key)).hexdigest() != parcel.sha256:
                raise OutsideError(f"another file of the name {parcel.name} lies in the outbox") from None
        log.delivered(f"{key}")

    def enquire(self, parcel: Parcel, log: DeliveryLog) -> None:
        """An answer is never UNKNOWN: see `deliver`."""

    def withdraw(self, parcel: Parcel, log: DeliveryLog) -> None:
        """See `enquire`."""

    def feedback(self, waiting: tuple[Sent, ...] = ()) -> Iterator[RemoteFile]:  # noqa: ARG002  the protocol's
        """Clients' folders hold no feedback."""
        return iter(())

    def fetch(self, file: RemoteFile) -> bytes:
        """See `feedback`."""
        raise OutsideError(f"an outbox holds no feedback ({file.name})")

    def archive(self, file: RemoteFile) -> None:
        """See `feedback`."""

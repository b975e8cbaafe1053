"""The plain text of a received file: the archived bytes themselves, or what its envelopes hold, kept beside them.

Offsets and lengths of payments refer to these bytes. Unpacking the same bytes gives the same bytes, so a repeat finds its
own object.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog

from canonical.contracts import Source
from canonical.errors import Conflict
from canonical.profiles import ClientProfile
from gateway.composition import Gateway
from gateway.intake.envelopes import Keyring, Rejected, is_wrapped, peel
from gateway.intake.files import archive_key, plain_key
from gateway.intake.pgp import SIGNATURE_RULE, PgpKeyring

_log = structlog.get_logger()


def keyring_of(gateway: Gateway, client: ClientProfile) -> Keyring | None:
    """The client's OpenPGP keys, None where none were agreed."""
    return PgpKeyring(client.pgp, gateway.secret) if client.pgp is not None else None


@contextlib.contextmanager
def plain_source(gateway: Gateway, file: Mapping[str, Any]) -> Iterator[Source]:
    """The file's plain bytes, memory-mapped.

    Raises:
        Rejected: an envelope cannot be opened.
    """
    file_id, client = file["file_id"], gateway.profiles.client(file["client_id"])
    with gateway.store.mapped(archive_key(file_id)) as data:
        if not is_wrapped(data, client) and not (client.pgp is not None and client.pgp.required):
            yield Source(file_id, file["name"], data)
            return
    if gateway.store.head(plain_key(file_id)) is None:
        _unpack(gateway, file, client)
    with gateway.store.mapped(plain_key(file_id)) as data:
        yield Source(file_id, file["name"], data)


def _unpack(gateway: Gateway, file: Mapping[str, Any], client: ClientProfile) -> None:
    file_id = file["file_id"]
    with tempfile.TemporaryDirectory(prefix="bulkrail-envelope-") as folder:
        packed = Path(folder) / "packed"
        with packed.open("wb") as copy:
            gateway.store.copy_to(archive_key(file_id), copy)
        try:
            peeled = peel(packed, file["name"], client, keyring_of(gateway, client), Path(folder))
        except Rejected as fault:
            if fault.rule == SIGNATURE_RULE:
                _quarantine(gateway, file, fault)
            raise
        # Another attempt that was first has put the same bytes there.
        with contextlib.suppress(Conflict):
            gateway.store.put(plain_key(file_id), peeled.path, create=True)


def _quarantine(gateway: Gateway, file: Mapping[str, Any], fault: Rejected) -> None:
    """A forged message is an incident: told to the operator and kept in the audit trail, its bytes are never parsed."""
    _log.error("alert", kind="quarantined", client=file["client_id"], file_id=file["file_id"], fault=fault.message)
    with gateway.registry.transaction() as connection:
        gateway.registry.audit(connection, "gateway", "quarantined", file["file_id"], fault=fault.message)

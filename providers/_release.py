"""The file submission protocol (design, section 7): carry a parcel from any state of its log to DELIVERED or UNKNOWN.

The ways to release, and what each does after a crash, stand in `providers._ways`. A worker that was stopped and wakes
finds its compare-and-set lost. What it can still do outside is harmless by name: each attempt writes names of its own,
nothing is ever overwritten, and only the attempt that RELEASING pinned is released.
"""

from __future__ import annotations

import hashlib
from typing import Final

from canonical.contracts import DeliveryLog, DeliveryState, Parcel
from canonical.errors import FrameBroken, OutsideError
from providers._ways import Place, ReleaseTerms, Verdict, way_of

_BEFORE_RELEASE: Final = frozenset({DeliveryState.PREPARED, DeliveryState.UPLOADING, DeliveryState.UPLOADED})


def carry(place: Place, parcel: Parcel, log: DeliveryLog, terms: ReleaseTerms) -> None:
    """Carry a parcel from any state to DELIVERED or UNKNOWN; states behind those are left alone.

    Raises:
        TransientError: the line broke before the release, or before a recovery could look.
        OutcomeUnknown: the line broke during a release that the next call can settle by looking.
        OutsideError: the provider refused, and nothing was released.
        FrameBroken: the local copy is not what the parcel says.
        Conflict: another worker holds the submission; nothing more was touched.
    """
    way = way_of(terms)
    if log.state is DeliveryState.RELEASING:
        _conclude(log, parcel, way.recover(place, parcel, log.attempt))
        return
    if log.state not in _BEFORE_RELEASE:
        return
    if log.state is not DeliveryState.UPLOADED or not way.is_staged(place, parcel, log.attempt):
        _check_local_copy(parcel)
        way.stage(place, parcel, log.begin_upload())
        log.uploaded()
    _refuse_taken(place, way.released_name(parcel, log.attempt), parcel)
    log.begin_release()
    _conclude(log, parcel, way.release(place, parcel, log.attempt))


def _conclude(log: DeliveryLog, parcel: Parcel, verdict: Verdict) -> None:
    if verdict.state is DeliveryState.DELIVERED:
        log.delivered(verdict.detail)
    elif verdict.state is DeliveryState.UNKNOWN:
        log.unknown(verdict.detail)
    else:
        raise OutsideError(f"not released: {verdict.detail}", submission_id=parcel.submission_id)


def _check_local_copy(parcel: Parcel) -> None:
    with parcel.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
    if (size, digest) != (parcel.size, parcel.sha256):
        raise FrameBroken(
            f"the local copy of {parcel.name} is not the file that was prepared ({size} of {parcel.size} bytes)",
            submission_id=parcel.submission_id,
        )


def _refuse_taken(place: Place, name: str, parcel: Parcel) -> None:
    if place.size(name) is not None:
        raise OutsideError(
            f"the provider already holds {name}, and nothing was released by this registry: find out who sent it",
            submission_id=parcel.submission_id,
        )

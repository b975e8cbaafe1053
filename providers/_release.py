"""The file submission protocol (design, section 7): carry a parcel from any state of its log to DELIVERED or UNKNOWN.

The ways to release, and what each does after a crash, stand in `providers._ways`. A worker that was stopped and wakes
finds its compare-and-set lost. What it can still do outside is harmless by name: each attempt writes names of its own,
nothing is ever overwritten, and only the attempt that RELEASING pinned is released.
"""

from __future__ import annotations

from typing import Final

from canonical.contracts import DeliveryLog, DeliveryState, Parcel
from canonical.errors import OutsideError, PartWithheld, ReleaseOver, TransientError
from providers._ways import Place, ReleaseTerms, Verdict, Way, way_of

_BEFORE_RELEASE: Final = frozenset({DeliveryState.PREPARED, DeliveryState.UPLOADING, DeliveryState.UPLOADED})


def carry(place: Place, parcel: Parcel, log: DeliveryLog, terms: ReleaseTerms) -> None:
    """Carry a parcel from any state to DELIVERED or UNKNOWN; states behind those are left alone.

    Raises:
        TransientError: the line broke before the release, or before a recovery could look.
        OutcomeUnknown: the line broke during a release that the next call can settle by looking.
        OutsideError: the provider refused, and nothing was released.
        ReleaseOver: the checks of a release refuse it for good; nothing was released.
        Conflict: another worker holds the submission; nothing more was touched.
    """
    way = way_of(terms)
    if log.state is DeliveryState.RELEASING:
        _recover(place, parcel, log, way)
        return
    if log.state not in _BEFORE_RELEASE:
        return
    if log.state is not DeliveryState.UPLOADED or not way.is_staged(place, parcel, log.attempt):
        way.stage(place, parcel, log.begin_upload())
        log.uploaded()
    _refuse_taken(place, way.released_name(parcel, log.attempt), parcel)
    log.begin_release()
    _conclude(log, parcel, way.release(place, parcel, log.attempt))


def enquire(place: Place, parcel: Parcel, log: DeliveryLog, terms: ReleaseTerms) -> None:
    """Look what became of an UNKNOWN parcel: DELIVERED where the folder proves it, else nothing is moved.

    Raises:
        TransientError, OutsideError: the provider does not say.
        Conflict: somebody resolved it first.
    """
    if log.state is DeliveryState.UNKNOWN:
        seen = way_of(terms).look(place, parcel, log.attempt)
        if seen.state is DeliveryState.DELIVERED:
            log.delivered(f"found by asking: {seen.detail}")


def withdraw(place: Place, parcel: Parcel, log: DeliveryLog, terms: ReleaseTerms) -> None:
    """Take an UNKNOWN parcel that is to be called undelivered from under a worker that may sleep before its release.

    Nothing is moved, and a repeat finds nothing more to take. A marker or a put cannot be taken from anybody.

    Raises:
        TransientError, OutsideError: it is still there to be released.
    """
    way = way_of(terms)
    if log.state is not DeliveryState.UNKNOWN:
        return
    try:
        way.withdraw(place, parcel, log.attempt)
    except TransientError:
        raise
    except OutsideError:
        if way.is_staged(place, parcel, log.attempt):
            raise


def _recover(place: Place, parcel: Parcel, log: DeliveryLog, way: Way) -> None:
    """What a worker that died or sleeps in RELEASING has left. Nothing is released that would be refused now."""
    seen = way.look(place, parcel, log.attempt)
    if seen.state is not DeliveryState.RELEASING:
        _conclude(log, parcel, seen)
        return
    try:
        log.recheck()
    except ReleaseOver:
        _withdraw(place, parcel, log, way)
        return
    except PartWithheld:
        if not way.withdraws:
            raise
        _withdraw(place, parcel, log, way)
        return
    _conclude(log, parcel, way.release(place, parcel, log.attempt))


def _withdraw(place: Place, parcel: Parcel, log: DeliveryLog, way: Way) -> None:
    """Take the temporary from under a worker that may sleep before its rename; it may have been the quicker one."""
    try:
        way.withdraw(place, parcel, log.attempt)
    except TransientError:
        raise
    except OutsideError as refused:
        seen = way.look(place, parcel, log.attempt)
        if seen.state is DeliveryState.RELEASING:
            raise OutsideError(f"cannot be withdrawn: {refused}", submission_id=parcel.submission_id) from refused
        _conclude(log, parcel, seen)
        return
    seen = way.look(place, parcel, log.attempt)
    if seen.state is DeliveryState.RELEASING:
        # What cannot be taken away could still be released by a worker that sleeps: only a person may call it void.
        seen = Verdict(DeliveryState.UNKNOWN, f"may not be released any more, and cannot be withdrawn: {seen.detail}")
    _conclude(log, parcel, seen)


def _conclude(log: DeliveryLog, parcel: Parcel, verdict: Verdict) -> None:
    if verdict.state is DeliveryState.DELIVERED:
        log.delivered(verdict.detail)
    elif verdict.state is DeliveryState.UNKNOWN:
        log.unknown(verdict.detail)
    elif verdict.state is DeliveryState.VOIDED:
        log.withdrawn(verdict.detail)
        raise ReleaseOver(verdict.detail, submission_id=parcel.submission_id)
    else:
        raise OutsideError(f"not released: {verdict.detail}", submission_id=parcel.submission_id)


def _refuse_taken(place: Place, name: str, parcel: Parcel) -> None:
    if place.size(name) is not None:
        raise OutsideError(
            f"the provider already holds {name}, and nothing was released by this registry: find out who sent it",
            submission_id=parcel.submission_id,
        )

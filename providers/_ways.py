"""The ways a server releases a file, and what each can know after a crash.

| release | before RELEASING | the release itself | found in RELEASING after a crash |
|---|---|---|---|
| rename | whole under `.{submission_id}.{attempt}.part` | rename to the final name | see `_Rename.look` |
| marker | whole under its final name | empty `{final name}.done` | marker seen: delivered; else unknown |
| direct | nothing outside (the local copy was checked) | put under the final name | final name whole: delivered; else unknown |
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar, Final, Literal, Protocol

from canonical.contracts import DeliveryState, Parcel
from canonical.errors import OutcomeUnknown, OutsideError, TransientError
from canonical.profiles import Model

_FAULTS: Final = (TransientError, OutsideError)


class ReleaseTerms(Model):
    """What a profile says of the server's ways. The defaults promise nothing: then a broken release is UNKNOWN.

    `rename_atomic`: the temporary is gone in the same moment as the final name appears (not copy and delete).
    `temporaries_cleared`: somebody besides us may remove files that were not released yet. `resume`: a broken upload is
    carried on where it broke, after what is there was compared. `finals_stay`: what was released stays to be seen, so that
    an absent final name was never written (`release: direct`).
    """

    release: Literal["rename", "marker", "direct"] = "rename"
    rename_atomic: bool = False
    temporaries_cleared: bool = True
    resume: bool = False
    finals_stay: bool = False


class Place(Protocol):
    """A folder at the provider. A fault of the line is `TransientError`, an answer that refuses is `OutsideError`."""

    def put(self, name: str, path: Path) -> None:
        """Write a local file, read from its start, under a name that must be free. Durable when it returns."""
        ...

    def resume(self, left: str, name: str, path: Path) -> bool:
        """Carry on what an earlier attempt of ours left under the name `left`: True where `name` is now whole."""
        ...

    def size(self, name: str) -> int | None:
        """Bytes under a name, None where there is none."""
        ...

    def sha256(self, name: str) -> str | None:
        """Digest of the bytes as the server has them, None where it offers none."""
        ...

    def rename(self, temporary: str, final: str) -> None:
        """Give a file its final name, which must be free."""
        ...

    def mark(self, name: str) -> None:
        """Write an empty file under a name that must be free."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a release came to: DELIVERED, UNKNOWN, VOIDED (withdrawn), or RELEASING: certainly it has not happened yet."""

    state: DeliveryState
    detail: str


def _delivered(detail: str) -> Verdict:
    return Verdict(DeliveryState.DELIVERED, detail)


def _unknown(detail: str) -> Verdict:
    return Verdict(DeliveryState.UNKNOWN, detail)


class Way(Protocol):
    """One way to release. `stage` makes the parcel ready; `release` and `look` say what came of it.

    `withdraws`: what is staged can be taken away, so that nobody can release it any more.
    """

    withdraws: ClassVar[bool]

    def is_staged(self, place: Place, parcel: Parcel, attempt: int) -> bool: ...

    def stage(self, place: Place, parcel: Parcel, attempt: int) -> None: ...

    def released_name(self, parcel: Parcel, attempt: int) -> str: ...

    def release(self, place: Place, parcel: Parcel, attempt: int) -> Verdict: ...

    def look(self, place: Place, parcel: Parcel, attempt: int) -> Verdict:
        """What was released, as far as the place shows it; RELEASING: certainly nothing yet, and it may be."""
        ...

    def withdraw(self, place: Place, parcel: Parcel, attempt: int) -> None:
        """Take away what could still be released, so that `look` then says what became of it."""
        ...


@dataclass(frozen=True, slots=True)
class _Rename:
    """Temporary name, then a rename that refuses a taken name."""

    terms: ReleaseTerms
    withdraws: ClassVar[bool] = True

    def is_staged(self, place: Place, parcel: Parcel, attempt: int) -> bool:
        return place.size(temporary_name(parcel, attempt)) == parcel.size

    def stage(self, place: Place, parcel: Parcel, attempt: int) -> None:
        name, left = temporary_name(parcel, attempt), temporary_name(parcel, attempt - 1)
        if not (self.terms.resume and attempt > 1 and place.resume(left, name, parcel.path)):
            place.put(name, parcel.path)
        _verify(place, temporary_name(parcel, attempt), parcel)

    def released_name(self, parcel: Parcel, attempt: int) -> str:  # noqa: ARG002  the same for every attempt
        return parcel.name

    def release(self, place: Place, parcel: Parcel, attempt: int) -> Verdict:
        try:
            place.rename(temporary_name(parcel, attempt), parcel.name)
        except TransientError as fault:
            if self.terms.rename_atomic:
                message = f"the line broke during the rename to {parcel.name}; the next delivery looks what happened"
                raise OutcomeUnknown(message, submission_id=parcel.submission_id) from fault
            return _unknown(f"the line broke during the rename to {parcel.name}: {fault}")
        except OutsideError as fault:
            seen = self.look(place, parcel, attempt)
            return Verdict(seen.state, f"{fault}; {seen.detail}")
        return _seen_after_rename(place, parcel)

    def look(self, place: Place, parcel: Parcel, attempt: int) -> Verdict:
        """Temporary whole, final absent, rename atomic: not yet. Temporary gone: delivered if the final is seen.

        It is delivered too where nobody clears temporaries. Anything else is UNKNOWN: a server that copies and deletes
        may be half-way, or the bank took the copy already.
        """
        temporary, final = place.size(temporary_name(parcel, attempt)), place.size(parcel.name)
        if temporary is None and final == parcel.size:
            return _delivered(f"{parcel.name} is there, {final} bytes, and its temporary is gone")
        if temporary is None and final is None and place.size(withdrawn_name(parcel, attempt)) is not None:
            return Verdict(DeliveryState.VOIDED, f"{withdrawn_name(parcel, attempt)} was withdrawn before its release")
        if temporary is None and final is None and not self.terms.temporaries_cleared:
            return _delivered(f"{parcel.name} was taken: its temporary is gone, and nobody clears temporaries")
        if temporary == parcel.size and final is None and self.terms.rename_atomic:
            return Verdict(DeliveryState.RELEASING, "the temporary is whole and the final name is free")
        return _unknown(f"temporary {_bytes(temporary)}, {parcel.name} {_bytes(final)}, {parcel.size} were sent")

    def withdraw(self, place: Place, parcel: Parcel, attempt: int) -> None:
        # A name of its own and no removal: who finds nothing could not tell a withdrawal from a bank that took the file.
        place.rename(temporary_name(parcel, attempt), withdrawn_name(parcel, attempt))


def _seen_after_rename(place: Place, parcel: Parcel) -> Verdict:
    try:
        size = place.size(parcel.name)
    except _FAULTS as fault:
        # The rename was answered; only the look after it failed.
        return _delivered(f"renamed to {parcel.name}; not looked at after: {fault}")
    if size is None:
        return _delivered(f"renamed to {parcel.name}; the provider has taken it already")
    if size != parcel.size:
        return _unknown(f"renamed to {parcel.name}, which now has {size} bytes of {parcel.size}")
    return _delivered(f"renamed to {parcel.name}, {size} bytes seen")


@dataclass(frozen=True, slots=True)
class _Marker:
    """Data under its final name, which the bank leaves alone until `{name}.done` appears."""

    terms: ReleaseTerms
    withdraws: ClassVar[bool] = False

    def is_staged(self, place: Place, parcel: Parcel, attempt: int) -> bool:
        return place.size(marked_name(parcel, attempt)) == parcel.size

    def stage(self, place: Place, parcel: Parcel, attempt: int) -> None:
        place.put(marked_name(parcel, attempt), parcel.path)
        _verify(place, marked_name(parcel, attempt), parcel)

    def released_name(self, parcel: Parcel, attempt: int) -> str:
        return f"{marked_name(parcel, attempt)}.done"

    def release(self, place: Place, parcel: Parcel, attempt: int) -> Verdict:
        marker = self.released_name(parcel, attempt)
        try:
            place.mark(marker)
        except _FAULTS as fault:
            return _unknown(f"the marker {marker} was not confirmed: {fault}")
        return _delivered(f"marker {marker} written")

    def withdraw(self, place: Place, parcel: Parcel, attempt: int) -> None:
        """Nothing can be: without its marker a marked file is UNKNOWN."""

    def look(self, place: Place, parcel: Parcel, attempt: int) -> Verdict:
        """A marker that is not there may never have been, or the bank took it: writing another could pay twice."""
        marker = self.released_name(parcel, attempt)
        if place.size(marker) is not None:
            return _delivered(f"marker {marker} is there")
        data = place.size(marked_name(parcel, attempt))
        if data is None and not self.terms.temporaries_cleared:
            return _delivered(f"{marker} and its data were taken, and nobody clears what was not released")
        return _unknown(f"no marker {marker}, data {_bytes(data)}")


@dataclass(frozen=True, slots=True)
class _Direct:
    """The put is the release: the bank may read what a broken put left, so every doubt is UNKNOWN.

    UPLOADING and UPLOADED say only that the local copy was checked. An absent file proves nothing, as the bank may have it,
    unless it promises to leave what it has read.
    """

    terms: ReleaseTerms
    withdraws: ClassVar[bool] = False

    def is_staged(self, place: Place, parcel: Parcel, attempt: int) -> bool:  # noqa: ARG002  nothing is outside yet
        return False

    def stage(self, place: Place, parcel: Parcel, attempt: int) -> None:
        """Nothing to do outside; `carry` has checked the local copy."""

    def released_name(self, parcel: Parcel, attempt: int) -> str:  # noqa: ARG002  the same for every attempt
        return parcel.name

    def release(self, place: Place, parcel: Parcel, attempt: int) -> Verdict:
        try:
            place.put(parcel.name, parcel.path)
        except _FAULTS as fault:
            if not self.terms.finals_stay:
                return _unknown(f"the put of {parcel.name} was not confirmed: {fault}")
            if isinstance(fault, TransientError):
                message = f"the line broke during the put of {parcel.name}; the next delivery looks what happened"
                raise OutcomeUnknown(message, submission_id=parcel.submission_id) from fault
            seen = self.look(place, parcel, attempt)
            return Verdict(seen.state, f"{fault}; {seen.detail}")
        try:
            size = place.size(parcel.name)
        except _FAULTS as fault:
            return _unknown(f"{parcel.name} was put; not looked at after: {fault}")
        if size is None and not self.terms.temporaries_cleared:
            return _delivered(f"{parcel.name} was put, and the provider has taken it already")
        return self.look(place, parcel, attempt)

    def withdraw(self, place: Place, parcel: Parcel, attempt: int) -> None:
        """Nothing can be: a put that was begun may have been read."""

    def look(self, place: Place, parcel: Parcel, attempt: int) -> Verdict:  # noqa: ARG002  the final name is all there is
        size = place.size(parcel.name)
        if size is None and self.terms.finals_stay:
            return Verdict(DeliveryState.RELEASING, f"{parcel.name} is absent, and what was put would have stayed")
        if size != parcel.size:
            return _unknown(f"{parcel.name} {_bytes(size)} at the provider, {parcel.size} were to be sent")
        digest = place.sha256(parcel.name)
        if digest is not None and digest != parcel.sha256:
            return _unknown(f"{parcel.name} has other bytes at the provider than were to be sent")
        return _delivered(f"{parcel.name} is there, {size} bytes")


def way_of(terms: ReleaseTerms) -> Way:
    """The way a profile names."""
    if terms.release == "rename":
        return _Rename(terms)
    return _Marker(terms) if terms.release == "marker" else _Direct(terms)


def _verify(place: Place, name: str, parcel: Parcel) -> None:
    size = place.size(name)
    if size != parcel.size:
        raise OutsideError(
            f"{name} has {'no' if size is None else size} bytes at the provider, {parcel.size} were sent",
            submission_id=parcel.submission_id,
        )
    digest = place.sha256(name)
    if digest is not None and digest != parcel.sha256:
        raise OutsideError(f"{name} has other bytes at the provider than were sent", submission_id=parcel.submission_id)


def _bytes(size: int | None) -> str:
    return "absent" if size is None else f"of {size} bytes"


def temporary_name(parcel: Parcel, attempt: int) -> str:
    """Name of an attempt's temporary: a dot file that ends in `.part`."""
    return f".{parcel.submission_id}.{attempt}.part"


def withdrawn_name(parcel: Parcel, attempt: int) -> str:
    """Name of a temporary that will never be released."""
    return f".{parcel.submission_id}.{attempt}.withdrawn"


def marked_name(parcel: Parcel, attempt: int) -> str:
    """Name of the data in marker mode: the final name, from the second attempt on with the attempt's number.

    So no sleeper writes into data that another attempt has released.
    """
    name = PurePosixPath(parcel.name)
    return parcel.name if attempt <= 1 else f"{name.stem}.{attempt}{name.suffix}"

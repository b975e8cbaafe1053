"""The submission protocol over requests (design, section 7): what is in doubt is repeated only under its own key, or asked for.

Each block of requests is begun in the registry before one of them is sent. Within the published life of the idempotency keys
the identical request may be repeated; after it, and where the provider promises none, only asking settles it. A worker that
was stopped and wakes sends nothing: its block is older than the send window, or somebody else has begun it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from canonical.contracts import DeliveryLog, DeliveryState, Reply, RequestBlock
from canonical.counts import count_of
from canonical.errors import OutsideError, PartWithheld, ReleaseOver, TransientError, Withheld
from providers._http_options import HttpApiOptions

_BEFORE_RELEASE: Final = frozenset({DeliveryState.PREPARED, DeliveryState.UPLOADING, DeliveryState.UPLOADED})
TOO_LATE: Final = "TM01"
"""ISO ExternalStatusReason1Code: received after the agreed processing cut-off time."""


@dataclass(frozen=True, slots=True)
class Sending:
    """What came of one look or one try: replies, and whether all the other requests certainly did nothing.

    `at`: of a look, when it was by the provider's own clock.
    """

    replies: tuple[Reply, ...]
    certain: bool
    fault: TransientError | OutsideError | None = None
    at: dt.datetime | None = None


class Api(Protocol):
    """What the protocol needs of a provider's API for one parcel."""

    def count(self) -> int:
        """Requests of the parcel."""
        ...

    def reference(self, number: int) -> str:
        """How request `number` is named."""
        ...

    def stage(self, attempt: int) -> str:
        """The steps before the release, which by themselves move nothing; what an identical repeat will need."""
        ...

    def is_same(self, block: RequestBlock) -> bool:
        """True where a block that was begun would be sent by the terms by which it was: to the same place, in the same form."""
        ...

    def send(self, block: RequestBlock, alive: Callable[[], None]) -> Sending:
        """Send the open requests of a block."""
        ...

    def ask(self, block: RequestBlock) -> Sending:
        """Look for the open requests of a block at the provider; `certain`: it showed what it has. Sends nothing."""
        ...


def carry(api: Api, log: DeliveryLog, options: HttpApiOptions) -> None:
    """Carry a submission from any state to DELIVERED or UNKNOWN; states behind those are left alone.

    Raises:
        TransientError: call again: certainly nothing arrived, or what is in doubt may still be repeated or asked for.
        OutsideError: the provider refuses us; nothing that it did not answer was done.
        ReleaseOver: nothing was sent, and nothing may be any more.
        Conflict: another worker holds the submission.
    """
    note = ""
    if log.state in _BEFORE_RELEASE:
        note = api.stage(log.begin_upload())
        log.uploaded()
        log.begin_release()
    if log.state is DeliveryState.RELEASING:
        _Release(api, log, options, note).run()


def enquire(api: Api, log: DeliveryLog, options: HttpApiOptions) -> None:
    """Ask about what is in doubt of an UNKNOWN submission: DELIVERED once every request has its answer. Sends nothing."""
    if log.state is not DeliveryState.UNKNOWN:
        return
    blocks = [_asked(api, log, options, block) for block in log.plan_requests(api.count(), options.block)]
    if not any(block.open for block in blocks):
        log.delivered(f"found by asking: {_told(blocks)}")


def withdraw(api: Api, log: DeliveryLog, options: HttpApiOptions) -> None:
    """Nothing can be taken away; what was begun may be called undelivered once nothing of it can be on its way any more.

    Raises:
        TransientError: a worker may still send it, or wait for its answer.
    """
    if log.state is not DeliveryState.UNKNOWN:
        return
    for block in log.plan_requests(api.count(), options.block):
        if block.in_doubt and block.begun_at and (log.now() - block.begun_at).total_seconds() <= options.silent_s:
            raise TransientError(
                f"a request may still be on its way; ask the provider again in {options.silent_s:.0f} s"
            )


class _Release:
    """One run over the blocks of a submission in RELEASING."""

    def __init__(self, api: Api, log: DeliveryLog, options: HttpApiOptions, note: str) -> None:
        self._api, self._log, self._options, self._note = api, log, options, note
        self._over: ReleaseOver | None = None
        self._held: Withheld | None = None
        self._keeps = False
        self._later: TransientError | None = None

    def run(self) -> None:
        blocks = list(self._log.plan_requests(self._api.count(), self._options.block))
        for position, block in enumerate(blocks):
            if block.open:
                blocks[position] = self._settled(block, untouched=not any(item.attempt for item in blocks))
        if self._keeps and self._held is not None:
            raise self._held
        if self._later is not None:
            raise self._later
        if any(block.open for block in blocks):
            self._log.unknown(
                f"{count_of(sum(len(block.open) for block in blocks), 'request')} in doubt; {_told(blocks)}"
            )
        else:
            self._log.delivered(_told(blocks))

    def _settled(self, block: RequestBlock, *, untouched: bool) -> RequestBlock:
        """The block after all that may be done for it now."""
        self._check(untouched=untouched)
        if block.in_doubt and not self._repeatable(block):
            block = _asked(self._api, self._log, self._options, block)
            if block.in_doubt:
                if self._may_be_asked_later():
                    self._later = TransientError(
                        "the provider does not show all that was sent; it is asked again later"
                    )
                return block
        if not block.open:
            return block
        if self._over is None and self._held is None:
            try:
                return self._sent(block)
            except ReleaseOver as over:
                self._over = over
            except Withheld as held:
                self._held = held
        if block.in_doubt:
            block = _asked(self._api, self._log, self._options, block)
        elif self._over is not None:
            return _not_sent(self._api, self._log, block, self._over)
        self._keeps |= self._held is not None and bool(block.open)
        return block

    def _check(self, *, untouched: bool) -> None:
        """Cut-off, cancellation and kill switch, before every block. What is held back is asked about, and not sent."""
        if self._over is not None or self._held is not None:
            return
        try:
            self._log.recheck()
        except ReleaseOver as over:
            if untouched:
                # A worker that sleeps before its first block cannot begin it any more.
                self._log.withdrawn(f"{over.message}; nothing was sent")
                raise
            self._over = over
        except Withheld as held:
            if untouched and isinstance(held, PartWithheld):
                self._log.withdrawn(f"{held.message}; nothing was sent")
                raise ReleaseOver(held.message) from held
            self._held = held

    def _sent(self, block: RequestBlock) -> RequestBlock:
        note = block.note if self._api.is_same(block) else self._note or self._api.stage(self._log.attempt)
        begun = self._log.begin_requests(block, note)
        sending = self._api.send(begun, lambda: self._alive(begun))
        # That nothing of this try arrived says nothing of one before it.
        certain = sending.certain and not block.in_doubt
        told = self._log.answered(begun, sending.replies, certain=certain)
        if told.in_doubt and self._repeatable(told):
            raise TransientError(f"in doubt, and to be repeated as it was: {sending.fault}") from sending.fault
        if sending.fault is not None and not told.in_doubt:
            raise sending.fault
        if told.in_doubt and not self._repeatable(told):
            told = _asked(self._api, self._log, self._options, told)
            if told.open and self._may_be_asked_later():
                self._later = TransientError("the provider does not show all that was sent; it is asked again later")
        return told

    def _repeatable(self, block: RequestBlock) -> bool:
        """True while the provider still knows the keys, also when the last byte of a repeat may have left us.

        It knows them of what was sent: what the profile says otherwise since is another request, perhaps to another place.
        """
        if block.first_at is None or not self._api.is_same(block):
            return False
        age_s = (self._log.now() - block.first_at).total_seconds()
        # Begun in the future: the clock was set back, and nobody knows how old the keys are.
        known = age_s > -self._options.send_window_s
        known &= age_s + self._options.silent_s < self._options.idempotency.lifetime_s
        return known and self._log.ran_on()

    def _may_be_asked_later(self) -> bool:
        return self._options.enquiry is not None and self._options.enquiry.absent_after_s is not None

    def _alive(self, block: RequestBlock) -> None:
        """Raises TransientError where this worker slept, or the clock was set back: somebody may have settled meanwhile what it was about to send."""
        assert block.begun_at is not None, "it was begun a moment ago"
        age_s = (self._log.now() - block.begun_at).total_seconds()
        if not 0 <= age_s <= self._options.send_window_s:
            raise TransientError("this worker was stopped between beginning and sending; it sends nothing")


def _asked(api: Api, log: DeliveryLog, options: HttpApiOptions, block: RequestBlock) -> RequestBlock:
    """The block with what the provider shows of it; in no doubt any more once its promise says that the rest never came."""
    if not block.in_doubt or options.enquiry is None:
        return block
    found = api.ask(block)
    if found.fault is not None:
        raise found.fault
    gone, promised_s = False, options.enquiry.absent_after_s
    if promised_s is not None:
        gone = _never_arrived(block, log, promised_s, found)
        if not gone and block.absent_at is None and found.at is not None:
            block = log.not_shown(block, found.at)
    if not found.replies and not gone:
        return block
    told = log.answered(block, found.replies, certain=gone)
    if told.open and gone and log.state is DeliveryState.UNKNOWN:
        return _not_sent(api, log, told, ReleaseOver("the provider shows that it never arrived"))
    return told


def _never_arrived(block: RequestBlock, log: DeliveryLog, promised_s: float, found: Sending) -> bool:
    """Whether the promised time is over since a look that did not show it, by the provider's clock, and by ours since it was begun.

    Ours alone may have been set forward meanwhile, and then nothing of the promised time has passed.
    """
    if found.at is None:
        raise OutsideError(
            "the provider's answers do not tell its time (Date): nobody knows when what it does not show is absent"
        )
    assert block.begun_at is not None, "it is in doubt"
    ours_s = (log.now() - block.begun_at).total_seconds()
    theirs_s = 0.0 if block.absent_at is None else (found.at - block.absent_at).total_seconds()
    return found.certain and min(ours_s, theirs_s) > promised_s


def _not_sent(api: Api, log: DeliveryLog, block: RequestBlock, over: ReleaseOver) -> RequestBlock:
    """Requests that are sent no more: their payments are told as rejected, so that the client can order them again."""
    mine = log.begin_requests(block, sends=False) if log.state is DeliveryState.RELEASING else block
    replies = [
        Reply(number, "not_sent", api.reference(number), "RJCT", reason=TOO_LATE, reason_text=over.message)
        for number in block.open
    ]
    return log.answered(mine, tuple(replies))


def _told(blocks: list[RequestBlock]) -> str:
    outcomes = [reply.outcome for block in blocks for reply in block.replies]
    words = {"accepted": "accepted", "refused": "refused", "not_sent": "not sent"}
    return ", ".join(f"{outcomes.count(key)} {word}" for key, word in words.items() if key in outcomes) or "no reply"

"""One tree of exceptions. What a client did wrong is a finding (data), never one of these.

An exception outside the tree is a signal between two modules, named in the docstring of who raises it, and leaves neither: a
parser's `Unreadable`, an envelope's `Rejected`, a client's `OverLimit` all end as findings.

BulkrailError
├── ConfigError            a profile, a setting or the installation is wrong; says file:line where it can
├── NotEntitled            somebody asked for what their role does not let them see
├── NotFound               an id, a name or a format nobody knows
├── Conflict               somebody else decided first: read what they decided
├── FrameBroken            a frame does not keep its schema or its own sums: our bug, stop
├── NotTied                the conservation equation does not hold: names the rows
├── Withheld               we keep a release back on purpose (stopped, no funds): nothing went out, it waits
│   └── PartWithheld       of a file that holds several clients' payments only some are kept back
├── TransientError         an outside fault that the listed retry may repeat
└── OutsideError           an outside fault that must not be repeated blindly
    ├── OutcomeUnknown     the outside may or may not have acted: only enquiry resolves it
    └── ReleaseOver        the release may not happen any more: what was prepared is withdrawn
"""

from __future__ import annotations


class BulkrailError(Exception):
    """Root. Carries what a reader needs to find the place: any of file_id, submission_id, row, rule."""

    def __init__(self, message: str, **where: object) -> None:
        super().__init__(message)
        self.message = message
        self.where = {key: value for key, value in where.items() if value is not None}

    def __str__(self) -> str:
        if not self.where:
            return self.message
        return f"{self.message} ({', '.join(f'{key}={value}' for key, value in self.where.items())})"


class ConfigError(BulkrailError):
    """A profile, a setting or the installation is wrong."""


class NotEntitled(BulkrailError):
    """Somebody asked for what their role does not let them see. Nothing was shown."""


class NotFound(BulkrailError):
    """An id, a name or a format nobody knows."""


class Conflict(BulkrailError):
    """A compare-and-set was lost: somebody else decided first."""


class FrameBroken(BulkrailError):
    """A frame breaks its schema, or counts and sums differ between writing and rereading."""


class NotTied(BulkrailError):
    """The conservation equation does not hold. `rows` names the payments or entries at fault."""

    def __init__(self, message: str, rows: tuple[str, ...] = (), **where: object) -> None:
        super().__init__(message, **where)
        self.rows = rows


class Withheld(BulkrailError):
    """A release is kept back by our own decision: nothing went out, and it waits. The message says for what."""


class PartWithheld(Withheld):
    """Of a merged file only some parts are kept back: withdrawn as a whole, the others can go without them."""


class TransientError(BulkrailError):
    """An outside fault that is listed as safe to repeat (connection refused, reset before any effect, timeout on read)."""


class OutsideError(BulkrailError):
    """An outside fault that is not listed as safe to repeat (permission denied, host key changed, disk full)."""


class OutcomeUnknown(OutsideError):
    """The outside may or may not have acted."""


class ReleaseOver(OutsideError):
    """The release may not happen any more (cut-off missed, cancelled). Nothing was released."""

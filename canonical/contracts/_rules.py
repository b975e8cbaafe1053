"""What rules are given and what they keep to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import polars as pl

from canonical.codes import Level, Severity
from canonical.contracts._reading import ANY_FORMAT, FileHeader, FormatFacts, Window
from canonical.profiles import ClientProfile


def as_it_is(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame."""
    return frame


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule may know. `today` is the business date of receipt; `facts` are those of the file's format.

    `keep` puts a frame that a fold needs at the end of the file where it takes no memory meanwhile, and gives it back equal.
    """

    today: dt.date
    client: ClientProfile
    facts: FormatFacts = ANY_FORMAT
    header: FileHeader | None = None
    keep: Callable[[pl.DataFrame], pl.DataFrame] = as_it_is


class Rule(Protocol):
    """What every rule says of itself: one page of docs/rules is made from it."""

    id: str
    reason: str
    severity: Severity
    level: Level
    remedy: str
    sources: tuple[str, ...]


class RowRule(Rule, Protocol):
    """validators/: looks at payments one window at a time, as Polars expressions. `kind` is "row"."""

    kind: ClassVar[Literal["row"]]

    def findings(self, payments: pl.DataFrame, context: Context) -> pl.DataFrame:
        """FINDINGS frame (may be empty), in row order."""
        ...


class FileRule(Rule, Protocol):
    """validators/: a fold over the windows whose parts can be merged. `kind` is "file". States are immutable."""

    kind: ClassVar[Literal["file"]]

    def start(self, context: Context) -> Any:
        """State before the first window."""
        ...

    def update(self, state: Any, window: Window, context: Context) -> Any:
        """State after one more window."""
        ...

    def merge(self, left: Any, right: Any) -> Any:
        """State of two parts, `left` before `right` in the file."""
        ...

    def finish(self, state: Any, context: Context) -> pl.DataFrame:
        """FINDINGS frame."""
        ...


@dataclass(frozen=True, slots=True)
class Fallen:
    """What the other rules reject: rows by a fault of their own, batches by one that their payments share."""

    rows: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.Int64))
    batches: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.Int64))


class LastRule(Rule, Protocol):
    """validators/: a fold as a file rule is, finished when all others have spoken. `kind` is "last"."""

    kind: ClassVar[Literal["last"]]

    def start(self, context: Context) -> Any:
        """State before the first window."""
        ...

    def update(self, state: Any, window: Window, context: Context) -> Any:
        """State after one more window."""
        ...

    def merge(self, left: Any, right: Any) -> Any:
        """State of two parts, `left` before `right` in the file."""
        ...

    def finish(self, state: Any, context: Context, fallen: Fallen) -> pl.DataFrame:
        """FINDINGS frame. `fallen` is what would not be paid anyway."""
        ...

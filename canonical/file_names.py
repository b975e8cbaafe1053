"""How a provider's files are named: a pattern of its profile, checked when the profile is read.

`{submission_id}`, `{suffix}` (.xml), `{date}` (business date, `{date:%y%m%d}`), `{time}` (creation, UTC, `{time:%H%M%S}`),
`{file_sequence:04d}` (the provider's files of the business date, from 0) and `{file_number:04d}` (the same from 1).
"""

from __future__ import annotations

import datetime as dt
import re
import string
from typing import Final

FILE_NAME_CHARS_MAX: Final = 120
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=@#~-]*")
_DATES: Final = ("2026-01-02", "2026-01-03", "2026-01-12", "2026-02-02", "2027-01-02")
_SAMPLES: Final = tuple(
    {
        "submission_id": f"S{number:019x}", "suffix": ".xml", "date": dt.date.fromisoformat(date),
        "file_sequence": sequence, "file_number": sequence + 1, "time": dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
    }
    for number, (date, sequence) in enumerate((date, sequence) for date in _DATES for sequence in (0, 1, 10, 107))
)  # fmt: skip
"""Files that must not share a name, made within one second."""


def checked_pattern(pattern: str) -> str:
    """The pattern itself.

    Raises:
        ValueError: an unknown field, a name that two files could share, or one that is no plain file name.
    """
    try:
        fields = {name for _, name, _, _ in string.Formatter().parse(pattern) if name is not None}
        unknown = sorted(fields - set(_SAMPLES[0]))
        names = [] if unknown else [pattern.format(**sample) for sample in _SAMPLES]
    except (ValueError, IndexError, KeyError) as fault:
        raise ValueError(f"{pattern!r} is no pattern: {fault}") from fault
    if unknown:
        raise ValueError(f"{pattern!r} names {', '.join(unknown)}; known are {', '.join(sorted(_SAMPLES[0]))}")
    if len(set(names)) < len(names):
        raise ValueError(f"{pattern!r} gives two files one name: it needs submission_id, or date and file_sequence")
    longest = max(names, key=len)
    if not _PLAIN.fullmatch(longest) or len(longest) > FILE_NAME_CHARS_MAX:
        raise ValueError(f"{pattern!r} gives {longest!r}, no plain name of at most {FILE_NAME_CHARS_MAX} characters")
    return pattern


def file_name(
    pattern: str, *, submission_id: str, suffix: str, date: dt.date, time: dt.datetime, file_sequence: int
) -> str:
    """The name of one file."""
    return pattern.format(
        submission_id=submission_id, suffix=suffix, date=date, time=time, file_sequence=file_sequence,
        file_number=file_sequence + 1,
    )  # fmt: skip

"""Names of provider files by pattern: what no profile may say, and what comes out."""

from __future__ import annotations

import datetime as dt

import pytest

from canonical.file_names import checked_pattern, file_name


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("{submission_id}{suffix}", "S1.xml"),
        ("PAY_{date:%Y%m%d}_{file_sequence:04d}.txt", "PAY_20261126_0007.txt"),
        ("ACME.{date:%y%j}.{file_number:03d}{suffix}", "ACME.26330.008.xml"),
        ("{submission_id}_{time:%H%M%S}.XML", "S1_091500.XML"),
    ],
)
def test_names(pattern, expected) -> None:
    time = dt.datetime(2026, 11, 26, 9, 15, tzinfo=dt.UTC)
    values = {"submission_id": "S1", "suffix": ".xml", "date": time.date(), "time": time, "file_sequence": 7}
    assert file_name(checked_pattern(pattern), **values) == expected


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("payments.xml", "two files one name"),
        ("{date}{suffix}", "two files one name"),
        ("{file_sequence}{suffix}", "two files one name"),
        ("{date:%d}{file_sequence}", "two files one name"),
        ("{submission_id}/{suffix}", "no plain name"),
        ("../{submission_id}", "no plain name"),
        ("{submission_id}" * 7, "no plain name"),
        ("{client}{submission_id}", "names client"),
        ("{submission_id", "no pattern"),
        ("{submission_id:%Q!}", "no pattern"),
        ("{}{submission_id}", "names"),
    ],
)
def test_patterns_that_are_refused(pattern, why) -> None:
    with pytest.raises(ValueError, match=why):
        checked_pattern(pattern)

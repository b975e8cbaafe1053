"""No format guesses, crashes or hangs on bytes that somebody mangled: hypothesis here, atheris beside it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from property_examples import examples

from fuzz.survival import formats, samples, survive

NAMES = sorted(formats())
CAMPAIGNS = ("pain.001", "mt940")
"""A format of XML and one of lines: `make fuzz` is where the others have their campaigns, and minutes instead of seconds."""
CAMPAIGN_S = 3


@st.composite
def mangled(draw: st.DrawFn, samples: tuple[bytes, ...]) -> bytes:
    """A sample with a few cuts, repeats, foreign bytes and pieces of other samples."""
    data = bytearray(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 120)))
        other = draw(st.sampled_from(samples))
        first = draw(st.integers(0, len(other)))
        piece = draw(
            st.one_of(
                st.just(b""),
                st.binary(max_size=12),
                st.sampled_from(
                    [b"\0", b"\xff\xfe", b"\r", b"\n", b"<![CDATA[", b"<!--", b"&#0;", b"&amp;", b'"', b"9" * 30]
                ),
                st.just(bytes(data[start:end]) * 2),
                st.just(other[first : first + 200]),
            )
        )
        data[start:end] = piece
    return bytes(data)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_mangled_files_are_survived(name: str, data: st.DataObject) -> None:
    assert samples(name), f"no sample of {name} to mangle"
    survive(name, data.draw(mangled(samples(name))))


@pytest.mark.parametrize("name", NAMES)
@given(st.binary(max_size=300))
def test_noise_is_survived(name: str, data: bytes) -> None:
    survive(name, data)


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_a_short_campaign_finds_nothing(name: str) -> None:
    campaign = Path(__file__).parent / "campaign.py"
    done = subprocess.run(
        [sys.executable, str(campaign), name, str(CAMPAIGN_S)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("path", sorted((Path(__file__).parent / "found").glob("*-*")), ids=lambda path: path.name)
def test_what_was_found_once_is_survived_now(path: Path) -> None:
    name = next(item for item in sorted(NAMES, key=len, reverse=True) if path.name.startswith(f"{item}-"))
    survive(name, path.read_bytes())

"""What a recovery may conclude from what it sees, row by row, on a real folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from delivery_world import DATA, Log, S, make_parcel

from canonical.contracts import Parcel
from canonical.errors import (
    Conflict,
    OutcomeUnknown,
    OutsideError,
    PartWithheld,
    ReleaseOver,
    TransientError,
    Withheld,
)
from providers._release import carry, enquire, withdraw
from providers._ways import ReleaseTerms, marked_name, temporary_name, withdrawn_name
from providers.folder import _FolderPlace

WHOLE, HALF = DATA, DATA[: len(DATA) // 2]
SAFE = {"rename_atomic": True, "temporaries_cleared": False}


@pytest.fixture
def parcel(tmp_path) -> Parcel:
    return make_parcel(tmp_path)


@pytest.fixture
def inbox(tmp_path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.mark.parametrize(
    ("terms", "temporary", "final", "expected"),
    [
        ({"rename_atomic": True}, WHOLE, None, S.DELIVERED),
        ({"rename_atomic": False}, WHOLE, None, S.UNKNOWN),
        ({"rename_atomic": True}, HALF, None, S.UNKNOWN),
        ({"rename_atomic": True}, WHOLE, WHOLE, S.UNKNOWN),
        ({"rename_atomic": False}, WHOLE, HALF, S.UNKNOWN),
        ({"rename_atomic": True}, None, WHOLE, S.DELIVERED),
        ({"rename_atomic": False}, None, WHOLE, S.DELIVERED),
        ({"rename_atomic": False}, None, HALF, S.UNKNOWN),
        ({"temporaries_cleared": False}, None, None, S.DELIVERED),
        ({"temporaries_cleared": True}, None, None, S.UNKNOWN),
    ],
)
def test_recovery_of_a_rename(tmp_path, parcel, inbox, terms, temporary, final, expected) -> None:
    for name, data in ((temporary_name(parcel, 1), temporary), (parcel.name, final)):
        if data is not None:
            (inbox / name).write_bytes(data)
    log = Log(tmp_path / "log.db").force(S.RELEASING)
    before = {path.name: path.read_bytes() for path in inbox.iterdir()}
    carry(_FolderPlace(inbox), parcel, log, ReleaseTerms(**terms))
    assert log.state is expected
    assert log.detail
    if expected is S.UNKNOWN:
        assert {path.name: path.read_bytes() for path in inbox.iterdir()} == before
    elif temporary:
        assert [path.name for path in inbox.iterdir()] == [parcel.name]


@pytest.mark.parametrize(
    ("terms", "data", "marker", "expected"),
    [
        ({}, WHOLE, True, S.DELIVERED),
        ({}, WHOLE, False, S.UNKNOWN),
        ({}, None, False, S.UNKNOWN),
        ({"temporaries_cleared": False}, None, False, S.DELIVERED),
    ],
)
def test_recovery_of_a_marker(tmp_path, parcel, inbox, terms, data, marker, expected) -> None:
    if data is not None:
        (inbox / parcel.name).write_bytes(data)
    if marker:
        (inbox / f"{parcel.name}.done").touch()
    log = Log(tmp_path / "log.db").force(S.RELEASING)
    carry(_FolderPlace(inbox), parcel, log, ReleaseTerms(release="marker", **terms))
    assert log.state is expected
    assert (inbox / f"{parcel.name}.done").exists() is marker


@pytest.mark.parametrize(("final", "expected"), [(WHOLE, S.DELIVERED), (HALF, S.UNKNOWN), (None, S.UNKNOWN)])
def test_recovery_of_a_direct_put(tmp_path, parcel, inbox, final, expected) -> None:
    if final is not None:
        (inbox / parcel.name).write_bytes(final)
    log = Log(tmp_path / "log.db").force(S.RELEASING)
    carry(_FolderPlace(inbox), parcel, log, ReleaseTerms(release="direct"))
    assert log.state is expected


@pytest.mark.parametrize("state", [S.DELIVERED, S.ACKNOWLEDGED, S.REJECTED, S.VOIDED, S.UNKNOWN])
@pytest.mark.parametrize("release", ["rename", "marker", "direct"])
def test_settled_states_are_left_alone(tmp_path, parcel, inbox, state, release) -> None:
    log = Log(tmp_path / "log.db").force(state)
    carry(_FolderPlace(inbox), parcel, log, ReleaseTerms(release=release))
    assert log.state is state
    assert list(inbox.iterdir()) == []


def test_what_an_attempt_left_is_in_nobodys_way(tmp_path, parcel, inbox) -> None:
    (inbox / temporary_name(parcel, 1)).write_bytes(HALF)
    log = Log(tmp_path / "log.db").force(S.UPLOADING)
    carry(_FolderPlace(inbox), parcel, log, ReleaseTerms(**SAFE))
    assert (log.state, log.attempt) == (S.DELIVERED, 2)
    assert (inbox / parcel.name).read_bytes() == WHOLE


def test_uploaded_is_released_without_a_second_upload(tmp_path, parcel, inbox) -> None:
    (inbox / temporary_name(parcel, 1)).write_bytes(WHOLE)
    log = Log(tmp_path / "log.db").force(S.UPLOADED)
    carry(_FolderPlace(inbox), parcel, log, ReleaseTerms(**SAFE))
    assert (log.state, log.attempt) == (S.DELIVERED, 1)


def test_uploaded_but_cleared_is_uploaded_again(tmp_path, parcel, inbox) -> None:
    log = Log(tmp_path / "log.db").force(S.UPLOADED)
    carry(_FolderPlace(inbox), parcel, log, ReleaseTerms(**SAFE))
    assert (log.state, log.attempt) == (S.DELIVERED, 2)
    assert (inbox / parcel.name).read_bytes() == WHOLE


@pytest.mark.parametrize("release", ["rename", "direct"])
def test_a_taken_final_name_is_refused_before_the_release(tmp_path, parcel, inbox, release) -> None:
    (inbox / parcel.name).write_bytes(b"somebody else's")
    log = Log(tmp_path / "log.db")
    with pytest.raises(OutsideError, match="already holds"):
        carry(_FolderPlace(inbox), parcel, log, ReleaseTerms(release=release))
    assert log.state is S.UPLOADED
    assert (inbox / parcel.name).read_bytes() == b"somebody else's"


def test_later_marker_attempts_write_names_of_their_own(tmp_path, parcel, inbox) -> None:
    (inbox / parcel.name).write_bytes(HALF)
    log = Log(tmp_path / "log.db").force(S.UPLOADING)
    carry(_FolderPlace(inbox), parcel, log, ReleaseTerms(release="marker"))
    assert marked_name(parcel, 2) == "S0123456789abcdef012.2.xml"
    assert (inbox / marked_name(parcel, 2)).read_bytes() == WHOLE
    assert [path.name for path in inbox.glob("*.done")] == [f"{marked_name(parcel, 2)}.done"]


def test_who_loses_the_race_touches_nothing_more(tmp_path, parcel, inbox) -> None:
    slow = Log(tmp_path / "log.db")
    carry(_FolderPlace(inbox), parcel, Log(tmp_path / "log.db"), ReleaseTerms(**SAFE))
    before = sorted(path.name for path in inbox.iterdir())
    with pytest.raises(Conflict):
        carry(_FolderPlace(inbox), parcel, slow, ReleaseTerms(**SAFE))
    assert sorted(path.name for path in inbox.iterdir()) == before


class Faulty:
    """A real folder whose named primitive acts, or does not, and then fails."""

    def __init__(self, inbox: Path, name: str, fault: Exception, *, acts: bool) -> None:
        self._place, self._name, self._fault, self._acts = _FolderPlace(inbox), name, fault, acts

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._place, name)
        if name != self._name:
            return value

        def fail(*args: Any) -> None:
            if self._acts:
                value(*args)
            raise self._fault

        return fail


BROKEN, REFUSED = TransientError("the line broke"), OutsideError("permission denied")


@pytest.mark.parametrize("acts", [False, True])
def test_a_line_that_breaks_in_an_atomic_rename_is_settled_by_the_next_call(tmp_path, parcel, inbox, acts) -> None:
    log = Log(tmp_path / "log.db")
    with pytest.raises(OutcomeUnknown):
        carry(Faulty(inbox, "rename", BROKEN, acts=acts), parcel, log, ReleaseTerms(**SAFE))
    assert log.state is S.RELEASING
    carry(_FolderPlace(inbox), parcel, Log(tmp_path / "log.db"), ReleaseTerms(**SAFE))
    assert Log(tmp_path / "log.db").state is S.DELIVERED
    assert [path.name for path in inbox.iterdir()] == [parcel.name]


@pytest.mark.parametrize("acts", [False, True])
@pytest.mark.parametrize(
    ("release", "primitive"), [("rename", "rename"), ("marker", "mark"), ("direct", "put")], ids=lambda item: item
)
def test_a_line_that_breaks_in_any_other_release_is_unknown(tmp_path, parcel, inbox, release, primitive, acts) -> None:
    log = Log(tmp_path / "log.db")
    carry(Faulty(inbox, primitive, BROKEN, acts=acts), parcel, log, ReleaseTerms(release=release))
    assert log.state is S.UNKNOWN


def test_a_refused_rename_that_did_nothing_is_no_success_and_may_be_tried_again(tmp_path, parcel, inbox) -> None:
    log = Log(tmp_path / "log.db")
    for _ in range(2):
        with pytest.raises(OutsideError, match="permission denied"):
            carry(Faulty(inbox, "rename", REFUSED, acts=False), parcel, log, ReleaseTerms(**SAFE))
        assert log.state is S.RELEASING
    carry(_FolderPlace(inbox), parcel, log, ReleaseTerms(**SAFE))
    assert log.state is S.DELIVERED


@pytest.mark.parametrize(
    ("release", "primitive"), [("rename", "rename"), ("marker", "mark"), ("direct", "put")], ids=lambda item: item
)
def test_a_refused_release_without_promises_is_unknown(tmp_path, parcel, inbox, release, primitive) -> None:
    log = Log(tmp_path / "log.db")
    carry(Faulty(inbox, primitive, REFUSED, acts=False), parcel, log, ReleaseTerms(release=release))
    assert log.state is S.UNKNOWN
    assert "permission denied" in log.detail


def test_a_short_or_altered_upload_is_not_released(tmp_path, parcel, inbox) -> None:
    class Altering(_FolderPlace):
        def put(self, name: str, path: Path) -> None:
            super().put(name, path)
            (inbox / name).write_bytes(self.data)

    class Blind(Altering):
        """A server that offers no digest."""

        def sha256(self, name: str) -> None:
            return None

    for number, (way, data) in enumerate(
        ((Altering, HALF), (Altering, DATA[:-1] + b"!"), (Altering, b""), (Blind, HALF))
    ):
        log = Log(tmp_path / f"log{number}.db")
        place = way(inbox)
        place.data = data
        with pytest.raises(OutsideError, match="bytes"):
            carry(place, parcel, log, ReleaseTerms(**SAFE))
        assert log.state is S.UPLOADING
        (inbox / temporary_name(parcel, 1)).unlink()


# ---------------------------------------------------------------------------------------------- what may not be released any more


def _over(tmp_path) -> None:
    (tmp_path / "log.over").touch()


def test_a_recovery_after_the_cut_off_withdraws_and_releases_nothing(tmp_path, parcel, inbox) -> None:
    (inbox / temporary_name(parcel, 1)).write_bytes(WHOLE)
    log = Log(tmp_path / "log.db").force(S.RELEASING)
    _over(tmp_path)
    with pytest.raises(ReleaseOver):
        carry(_FolderPlace(inbox), parcel, log, ReleaseTerms(**SAFE))
    assert log.state is S.VOIDED
    assert [path.name for path in inbox.iterdir()] == [withdrawn_name(parcel, 1)]


def test_what_cannot_be_taken_away_is_not_called_void(tmp_path, parcel, inbox) -> None:
    """A worker that sleeps before its put can still release it, after its payments were planned anew."""
    log = Log(tmp_path / "log.db").force(S.RELEASING)
    _over(tmp_path)
    carry(_FolderPlace(inbox), parcel, log, ReleaseTerms(release="direct", finals_stay=True))
    assert log.state is S.UNKNOWN
    assert "cannot be withdrawn" in log.detail


def test_who_died_after_withdrawing_is_not_taken_for_a_bank_that_took_the_file(tmp_path, parcel, inbox) -> None:
    (inbox / withdrawn_name(parcel, 1)).write_bytes(WHOLE)
    log = Log(tmp_path / "log.db").force(S.RELEASING)
    with pytest.raises(ReleaseOver):
        carry(_FolderPlace(inbox), parcel, log, ReleaseTerms(**SAFE))
    assert log.state is S.VOIDED


def test_who_released_before_the_withdrawal_is_believed(tmp_path, parcel, inbox) -> None:
    class Quicker(_FolderPlace):
        def rename(self, temporary: str, final: str) -> None:
            if final == withdrawn_name(parcel, 1):
                super().rename(temporary, parcel.name)  # the sleeper wakes in this moment
            super().rename(temporary, final)

    (inbox / temporary_name(parcel, 1)).write_bytes(WHOLE)
    log = Log(tmp_path / "log.db").force(S.RELEASING)
    _over(tmp_path)
    carry(Quicker(inbox), parcel, log, ReleaseTerms(**SAFE))
    assert log.state is S.DELIVERED
    assert [path.name for path in inbox.iterdir()] == [parcel.name]


def test_what_is_called_undelivered_is_taken_from_under_a_sleeper_once(tmp_path, parcel, inbox) -> None:
    (inbox / temporary_name(parcel, 1)).write_bytes(WHOLE)
    log, terms = Log(tmp_path / "log.db").force(S.UNKNOWN), ReleaseTerms(temporaries_cleared=False)
    for _ in range(2):  # who died after it, or another person, does it again
        withdraw(_FolderPlace(inbox), parcel, log, terms)
        assert [path.name for path in inbox.iterdir()] == [withdrawn_name(parcel, 1)]
    with pytest.raises(OutsideError):
        _FolderPlace(inbox).rename(temporary_name(parcel, 1), parcel.name)
    enquire(_FolderPlace(inbox), parcel, log, terms)
    assert log.state is S.UNKNOWN, "gone, but the bank did not take it"


@pytest.mark.parametrize("state", [S.RELEASING, S.DELIVERED])
def test_only_of_an_unknown_outcome_anything_is_taken_away(tmp_path, parcel, inbox, state) -> None:
    (inbox / temporary_name(parcel, 1)).write_bytes(WHOLE)
    withdraw(_FolderPlace(inbox), parcel, Log(tmp_path / "log.db").force(state), ReleaseTerms())
    assert [path.name for path in inbox.iterdir()] == [temporary_name(parcel, 1)]


@pytest.mark.parametrize("fault", [OutsideError, TransientError])
def test_a_server_that_does_not_take_it_away_is_told(tmp_path, parcel, inbox, fault) -> None:
    class Refusing(_FolderPlace):
        def rename(self, temporary: str, final: str) -> None:
            raise fault("no")

    (inbox / temporary_name(parcel, 1)).write_bytes(WHOLE)
    log = Log(tmp_path / "log.db").force(S.UNKNOWN)
    with pytest.raises(fault):
        withdraw(Refusing(inbox), parcel, log, ReleaseTerms())


class Held(Log):
    """A log of what is kept back, as a whole or some parts of it."""

    fault = Withheld

    def recheck(self) -> None:
        raise self.fault("client alder is stopped")


@pytest.mark.parametrize("fault", [Withheld, PartWithheld])
def test_what_is_kept_back_is_looked_at_all_the_same(tmp_path, parcel, inbox, fault) -> None:
    (inbox / parcel.name).write_bytes(WHOLE)
    log = Held(tmp_path / "log.db").force(S.RELEASING)
    log.fault = fault
    carry(_FolderPlace(inbox), parcel, log, ReleaseTerms(**SAFE))
    assert log.state is S.DELIVERED


@pytest.mark.parametrize(
    ("fault", "terms", "left"),
    [
        (Withheld, SAFE, S.RELEASING),
        (PartWithheld, SAFE, S.VOIDED),
        (PartWithheld, {"release": "direct", "finals_stay": True}, S.RELEASING),
    ],
)
def test_only_what_can_be_withdrawn_is_set_free(tmp_path, parcel, inbox, fault, terms, left) -> None:
    (inbox / temporary_name(parcel, 1)).write_bytes(WHOLE)
    log = Held(tmp_path / "log.db").force(S.RELEASING)
    log.fault = fault
    with pytest.raises(ReleaseOver if left is S.VOIDED else fault):
        carry(_FolderPlace(inbox), parcel, log, ReleaseTerms(**terms))
    assert log.state is left
    name = withdrawn_name if left is S.VOIDED else temporary_name
    assert [path.name for path in inbox.iterdir()] == [name(parcel, 1)]


@pytest.mark.parametrize("release", ["marker", "direct"])
def test_what_may_have_been_released_is_not_withdrawn(tmp_path, parcel, inbox, release) -> None:
    log = Log(tmp_path / "log.db").force(S.RELEASING)
    _over(tmp_path)
    carry(_FolderPlace(inbox), parcel, log, ReleaseTerms(release=release))
    assert log.state is S.UNKNOWN


# ---------------------------------------------------------------------------------------------- asking


@pytest.mark.parametrize(
    ("release", "seen", "expected"),
    [
        ("rename", {"": WHOLE}, S.DELIVERED),
        ("rename", {"": HALF}, S.UNKNOWN),
        ("rename", {}, S.UNKNOWN),
        ("marker", {"": WHOLE, ".done": b""}, S.DELIVERED),
        ("marker", {"": WHOLE}, S.UNKNOWN),
        ("direct", {"": WHOLE}, S.DELIVERED),
        ("direct", {}, S.UNKNOWN),
    ],
)
def test_an_unknown_parcel_is_settled_by_looking_and_by_nothing_else(
    tmp_path, parcel, inbox, release, seen, expected
) -> None:
    for suffix, data in seen.items():
        (inbox / f"{parcel.name}{suffix}").write_bytes(data)
    log = Log(tmp_path / "log.db").force(S.UNKNOWN)
    enquire(_FolderPlace(inbox), parcel, log, ReleaseTerms(release=release))
    assert log.state is expected
    assert {path.name for path in inbox.iterdir()} == {f"{parcel.name}{suffix}" for suffix in seen}


def test_what_is_not_unknown_is_not_asked_about(tmp_path, parcel, inbox) -> None:
    (inbox / parcel.name).write_bytes(WHOLE)
    log = Log(tmp_path / "log.db").force(S.RELEASING)
    enquire(_FolderPlace(inbox), parcel, log, ReleaseTerms())
    assert log.state is S.RELEASING

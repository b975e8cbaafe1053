from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reconciliation_world import book, claimed, payment, state_of, states, status, statuses

from canonical.errors import FrameBroken
from canonical.frames import MATCHES, empty
from reconciliation.frames import SENT, STATE_NAMES
from reconciliation.moves import DISPUTES, EFFECTS, MOVES, WHOLE, WORDS
from reconciliation.states import attribute, contradicted, explained


def after(frame: pl.DataFrame, *told: pl.DataFrame, matches: pl.DataFrame | None = None) -> dict[int, str]:
    return state_of(states(frame, attribute(pl.concat(told), frame).attributed, matches))


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ({"verdict": "RJCT", "delivery_state": None, "submission_id": None}, "rejected"),
        ({"verdict": "RJCT", "file_state": "rejected", "delivery_state": None}, "rejected"),
        ({"verdict": "RJCT", "file_state": "refused", "delivery_state": None}, "rejected"),
        ({"file_state": "refused", "delivery_state": None}, "cancelled"),
        ({"file_state": "held", "delivery_state": None}, "waiting"),
        ({"file_state": "parsed", "verdict": None, "delivery_state": None}, "waiting"),
        ({"delivery_state": "PREPARED"}, "waiting"),
        ({"delivery_state": "UPLOADED"}, "waiting"),
        ({"delivery_state": "VOIDED"}, "waiting"),
        ({"delivery_state": "RELEASING"}, "submitted_unknown"),
        ({"delivery_state": "UNKNOWN"}, "submitted_unknown"),
        ({"delivery_state": "DELIVERED"}, "outstanding"),
        ({"delivery_state": "ACKNOWLEDGED"}, "outstanding"),
        ({"delivery_state": "REJECTED"}, "provider_rejected"),
        ({"amount_minor": None, "currency": None, "verdict": "RJCT", "delivery_state": None}, "rejected"),
    ],
)
def test_state_without_feedback(given, state):
    assert state_of(states(book(payment(1, **given)))) == {1: state}


def test_a_payment_is_found_by_reference_and_only_that_one_moves():
    frame = book(payment(1), payment(2))
    told = statuses(status(1, original_instruction_id="REF-2", status="RJCT", reason="AC04", amount_minor=200))
    found = states(frame, attribute(told, frame).attributed)
    assert state_of(found) == {1: "outstanding", 2: "provider_rejected"}
    assert found["reason"].to_list() == [None, "AC04"]


def test_end_to_end_id_needs_the_submission_and_must_be_unique_in_it():
    frame = book(payment(1), payment(2, end_to_end_id="SAME"), payment(3, end_to_end_id="SAME"))
    words = [
        status(1, original_message_id="S1", original_end_to_end_id="E2E-1", status="RJCT"),
        status(2, original_message_id="S1", original_end_to_end_id="SAME", status="RJCT"),
        status(3, original_end_to_end_id="E2E-1", status="RJCT"),
    ]
    found = attribute(statuses(*words), frame)
    assert found.attributed.select("payment_id", "via").rows() == [("file-0001", "end_to_end_id")]
    assert found.unknown["position"].to_list() == [2, 3]


@pytest.mark.parametrize(
    "wrong", [{"amount_minor": 101}, {"currency": "USD"}, {"credit_debit": "DBIT"}, {"original_message_id": "S2"}]
)
def test_feedback_that_disagrees_counts_for_no_payment(wrong):
    frame = book(payment(1), payment(2, submission_id="S2"))
    found = attribute(statuses(status(1, original_instruction_id="REF-1", status="RJCT", **wrong)), frame)
    assert found.attributed.is_empty()
    assert found.unknown.height == 1


@pytest.mark.parametrize("nothing", ["NOTPROVIDED", "notprovided ", " ", ""])
def test_notprovided_and_blanks_name_nothing(nothing):
    frame = book(payment(1, reference=nothing, end_to_end_id=nothing))
    word = status(
        1, original_instruction_id=nothing, original_message_id="S1", original_end_to_end_id=nothing, status="RJCT"
    )
    assert attribute(statuses(word), frame).attributed.is_empty()


def test_nothing_is_attributed_to_a_payment_that_was_not_sent():
    frame = book(*(payment(n, delivery_state=name) for n, name in enumerate(["PREPARED", "UPLOADED", "VOIDED"], 1)))
    told = statuses(*(status(n, original_instruction_id=f"REF-{n}", status="RJCT") for n in (1, 2, 3)))
    assert attribute(told, frame).attributed.is_empty()
    assert attribute(told, frame).unknown.height == 3


def test_group_rejection_falls_on_all_without_a_word_of_their_own():
    frame = book(payment(1), payment(2), payment(3, submission_id="S2"))
    told = statuses(
        status(1, level="file", original_message_id="S1", status="RJCT", reason="AM04"),
        status(2, original_message_id="S1", original_end_to_end_id="E2E-2", status="ACCP"),
    )
    assert after(frame, told) == {1: "provider_rejected", 2: "outstanding", 3: "outstanding"}


def test_batch_word_goes_before_the_groups_and_part_is_no_word():
    frame = book(payment(1), payment(2))
    told = statuses(
        status(1, level="file", original_message_id="S1", status="PART"),
        status(2, level="batch", original_message_id="S1", original_batch_id="S1", status="RJCT"),
    )
    assert after(frame, told) == {1: "provider_rejected", 2: "provider_rejected"}
    assert attribute(told, frame).unknown.is_empty()


def test_part_on_a_payment_and_codes_nobody_knows_are_for_a_person():
    frame = book(payment(1))
    told = statuses(
        status(1, original_instruction_id="REF-1", status="PART"),
        status(2, original_instruction_id="REF-1", status="NOPE"),
        status(3, level="file", original_message_id="S1", status="NOPE"),
        status(4, level="file", original_message_id="S9", status="ACCP"),
    )
    found = attribute(told, frame)
    assert found.attributed.is_empty()
    assert found.unknown["position"].to_list() == [1, 2, 3, 4]
    assert found.unknown["note"].is_not_null().all()


def test_an_acknowledgement_resolves_unknown_and_acsc_does_not_settle():
    frame = book(payment(1, delivery_state="UNKNOWN"), payment(2, delivery_state="RELEASING"))
    told = statuses(
        status(1, original_instruction_id="REF-1", status="ACTC"),
        status(2, original_instruction_id="REF-2", status="ACSC"),
    )
    assert after(frame, told) == {1: "outstanding", 2: "outstanding"}


@pytest.mark.parametrize(("first", "then"), [("RJCT", "ACSC"), ("ACSC", "RJCT")])
def test_refused_and_completed_is_a_contradiction_and_stays_outstanding(first, then):
    frame = book(payment(1))
    one = statuses(status(1, original_instruction_id="REF-1", status=first), feedback_id="B9", sequence=1)
    two = statuses(status(1, original_instruction_id="REF-1", status=then), feedback_id="B1", sequence=2)
    told = attribute(pl.concat([two, one]), frame).attributed
    found = states(frame, told)
    assert state_of(found) == {1: "outstanding"}
    assert contradicted(found, told)["payment_id"].to_list() == ["file-0001"]
    assert explained(told)["note"].str.starts_with("contradicts").all()


def test_repeated_feedback_changes_nothing():
    frame = book(payment(1), payment(2))
    one = statuses(status(1, original_instruction_id="REF-1", status="RJCT", reason="AC01"))
    again = statuses(
        status(1, original_instruction_id="REF-1", status="RJCT", reason="AC01"), feedback_id="B2", sequence=2
    )
    once = states(frame, attribute(one, frame).attributed)
    twice = states(frame, attribute(pl.concat([one, again]), frame).attributed)
    assert once.equals(twice)


def test_rejection_after_settlement_is_a_contradiction_not_a_move():
    frame = book(payment(1), payment(2))
    matches = claimed(("N1", "file-0001", "settlement", 100))
    told = attribute(statuses(status(1, original_instruction_id="REF-1", status="RJCT")), frame).attributed
    found = states(frame, told, matches)
    assert state_of(found) == {1: "settled", 2: "outstanding"}
    assert contradicted(found, told)["note"].to_list() == ["the provider refused it, and the bank booked it"]


def test_a_return_told_before_settlement_and_after_it():
    frame = book(payment(1), payment(2))
    words = [
        status(n, kind="return", original_instruction_id=f"REF-{n}", status="RJCT", reason="R01", amount_minor=100 * n)
        for n in (1, 2)
    ]
    told = statuses(*words)
    assert after(frame, told, matches=claimed(("N1", "file-0001", "settlement", 100))) == {
        1: "returned",
        2: "provider_rejected",
    }


def test_a_correction_informs_and_names_amount_zero():
    frame = book(payment(1))
    told = statuses(
        status(1, kind="correction", original_instruction_id="REF-1", status=None, reason="C01", amount_minor=0)
    )
    found = attribute(told, frame)
    assert found.attributed["kind"].to_list() == ["correction"]
    assert after(frame, told) == {1: "outstanding"}


def test_return_entry_makes_it_returned():
    frame = book(payment(1))
    matches = claimed(("N1", "file-0001", "settlement", 100), ("N2", "file-0001", "return", 100))
    assert after(frame, statuses(), matches=matches) == {1: "returned"}


def test_our_own_faults_stop_the_work():
    with pytest.raises(FrameBroken, match="twice in the book"):
        states(book(payment(1), payment(1)))
    with pytest.raises(FrameBroken, match="settled twice"):
        states(
            book(payment(1)),
            matches=claimed(("N1", "file-0001", "settlement", 100), ("N2", "file-0001", "settlement", 100)),
        )
    with pytest.raises(FrameBroken, match="never sent"):
        states(book(payment(1, delivery_state="PREPARED")), matches=claimed(("N1", "file-0001", "settlement", 100)))


@pytest.mark.parametrize("answer", ["CNCL", "ACCR"])
def test_a_cancellation_that_is_granted_refuses_what_no_entry_booked(answer):
    frame = book(payment(1), payment(2), payment(3))
    told = statuses(
        *(status(n, kind="cancellation", original_instruction_id=f"REF-{n}", status=answer) for n in (1, 2)),
        status(3, kind="cancellation", original_instruction_id="REF-3", status="RJCR"),
        status(4, original_instruction_id="REF-2", status="ACSC"),
    )
    assert after(frame, told) == {1: "provider_rejected", 2: "outstanding", 3: "outstanding"}
    words = attribute(told, frame).attributed
    settled = states(frame, words, claimed(("N1", "file-0002", "settlement", 200)))
    assert "no return is booked" in contradicted(settled, words)["note"][0]
    back = claimed(("N1", "file-0002", "settlement", 200), ("N2", "file-0002", "return", 200))
    assert contradicted(states(frame, words, back), words).is_empty()


@pytest.mark.parametrize("code", sorted(DISPUTES))
def test_a_disputed_return_moves_nothing_and_waits_for_a_person(code):
    frame = book(payment(1))
    back = status(1, kind="return", original_instruction_id="REF-1", status="RJCT", reason="R01")
    dispute = status(2, original_instruction_id="REF-1", status=None, reason=code, reason_text="disputes return R01")
    told = attribute(statuses(back, dispute), frame).attributed
    found = states(frame, told)
    assert state_of(found) == {1: "provider_rejected"}
    assert contradicted(found, told)["note"].to_list() == ["its return is disputed: disputes return R01"]
    assert explained(told)["note"].to_list()[0] == "counts"
    assert "disputes a return" in explained(told)["note"][1]


def test_what_became_of_each_word_is_told():
    frame = book(payment(1))
    said = ["RCVD", "ACSP", "PDNG", "ACSP", "RJCT", "RJCT", "ACSP"]
    told = pl.concat(
        statuses(status(1, original_instruction_id="REF-1", status=code), feedback_id=f"B{n}", sequence=n)
        for n, code in enumerate(said, 1)
    )
    notes = explained(attribute(told, frame).attributed)["note"].to_list()
    assert [note.split()[0].rstrip(":") for note in notes] == [
        "counted", "counted", "late", "repeats", "counts", "repeats", "repeats",
    ]  # fmt: skip


def test_the_words_own_rejection_goes_before_that_of_the_submission():
    frame = book(payment(1, delivery_state="REJECTED"), payment(2, delivery_state="REJECTED"))
    assert after(frame, statuses(status(1, original_instruction_id="REF-1", status="ACCP"))) == {
        1: "outstanding",
        2: "provider_rejected",
    }


_SAID = st.sampled_from([*((word.kind, word.code) for word in WORDS), ("correction", None), ("status", "PART")])


@st.composite
def heard(draw):
    """Feedback files with words on three payments, on their batch and on the whole submission."""
    files = []
    for number in range(draw(st.integers(1, 5))):
        rows = []
        for position in range(1, draw(st.integers(1, 4)) + 1):
            kind, code = draw(_SAID)
            level = draw(st.sampled_from(["payment", "payment", "batch", "file"]))
            row = draw(st.integers(1, 3))
            name = {"original_instruction_id": f"REF-{row}"} if level == "payment" else {"original_message_id": "S1"}
            reason = draw(st.sampled_from([None, "AC04", "R01", "R68"]))
            rows.append(status(position, kind=kind, level=level, status=code, reason=reason, **name))
        files.append((f"B{number}", rows))
    booked = draw(st.sampled_from([(), ("settlement",), ("settlement", "return")]))
    return files, claimed(*((f"N{n}", "file-0001", kind, 100) for n, kind in enumerate(booked)))


@given(heard(), st.data())
def test_any_order_and_any_repetition_gives_the_same_states(world, data):
    files, matches = world
    frame = book(*(payment(n, delivery_state=data.draw(st.sampled_from(["DELIVERED", "UNKNOWN"]))) for n in (1, 2, 3)))
    order = data.draw(st.permutations([*files, *data.draw(st.lists(st.sampled_from(files), max_size=3))]))

    def heard_in(sequence):
        told = pl.concat(statuses(*rows, feedback_id=name, sequence=n) for n, (name, rows) in enumerate(sequence, 1))
        return attribute(told, frame).attributed

    plain, mixed = heard_in(files), heard_in(order)
    assert states(frame, plain, matches).equals(states(frame, mixed, matches))
    assert contradicted(states(frame, plain, matches), plain).equals(contradicted(states(frame, mixed, matches), mixed))


@given(heard(), st.integers(1, 5))
def test_more_feedback_moves_a_payment_only_as_the_table_allows(world, cut):
    files, matches = world
    frame = book(*(payment(n) for n in (1, 2, 3)))
    none = empty(MATCHES)

    def after_files(some, booked):
        if not some:
            return state_of(states(frame, matches=booked))
        told = pl.concat(statuses(*rows, feedback_id=name, sequence=n) for n, (name, rows) in enumerate(some, 1))
        return state_of(states(frame, attribute(told, frame).attributed, booked))

    before, now = after_files(files[:cut], none), after_files(files, matches)
    assert set(before) == {1, 2, 3}
    for row, state in now.items():
        assert state == before[row] or state in MOVES[before[row]]


def test_the_words_are_named_once_and_have_known_effects():
    assert len({(word.kind, word.code) for word in WORDS}) == len(WORDS)
    assert {word.effect for word in WORDS} == set(EFFECTS)
    assert not {word.code for word in WORDS} & set(WHOLE)


def test_the_table_of_moves_names_every_state_and_money_never_unmoves():
    assert set(MOVES) == set(STATE_NAMES)
    assert not {"rejected", "cancelled", "waiting"} & {
        target for name in ("outstanding", "settled") for target in MOVES[name]
    }
    assert "VOIDED" not in SENT

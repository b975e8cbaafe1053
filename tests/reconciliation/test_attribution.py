"""Which payment feedback speaks of: by transaction id, by UETR, by account; never by guess, and in any order."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reconciliation_world import DAY, book, payment, status, statuses

from canonical.frames import checked, dtypes
from reconciliation.frames import ATTEMPTS, NAMES
from reconciliation.states import attribute, files_meant, means_others

UETR = "8a562c67-ca16-48ba-b074-65581be6f0{:02d}"


def names(*rows: dict[str, str | None]) -> pl.DataFrame:
    return checked(pl.DataFrame(list(rows), schema=dtypes(NAMES)), NAMES)


def named(number: int, **given: str | None) -> dict[str, str | None]:
    return {"payment_id": f"file-{number:04d}", "uetr": UETR.format(number), **given}


def found(word: dict, *rows: dict, known: pl.DataFrame | None = None) -> list[tuple[str, str]]:
    return list(attribute(statuses(word), book(*rows), known).attributed.select("payment_id", "via").iter_rows())


def test_a_transaction_id_names_a_payment() -> None:
    rows = payment(1), payment(2)
    assert found(status(1, original_transaction_id="REF-2"), *rows) == [("file-0002", "reference")]
    assert found(status(1, original_transaction_id="REF-2", amount_minor=5), *rows) == []


def test_a_uetr_names_a_payment_even_where_ids_repeat() -> None:
    rows = payment(1, end_to_end_id="SAME"), payment(2, end_to_end_id="SAME")
    word = status(1, original_message_id="S1", original_end_to_end_id="SAME", original_uetr=UETR.format(2))
    assert found(word, *rows, known=names(named(1), named(2))) == [("file-0002", "uetr")]
    assert found(word, *rows) == []
    twice = names(named(1), {**named(2), "uetr": UETR.format(1)})
    assert found({**word, "original_uetr": UETR.format(1)}, *rows, known=twice) == []


def test_the_most_certain_way_comes_first_and_a_row_counts_once() -> None:
    word = status(1, original_instruction_id="REF-1", original_transaction_id="REF-2", original_uetr=UETR.format(3))
    rows = payment(1), payment(2), payment(3)
    assert found(word, *rows, known=names(named(1), named(2), named(3))) == [("file-0001", "reference")]


OLD, NEW = "S0123456789abcdef012", "S0123456789abcdef013"


@pytest.mark.parametrize("by", [{"original_instruction_id": "REF-1"}, {"original_uetr": UETR.format(1)}])
@pytest.mark.parametrize("where", [{"original_message_id": OLD}, {"original_batch_id": f"{OLD}-2"}])
def test_a_late_word_on_a_void_submission_does_not_fall_on_the_one_planned_anew(where, by) -> None:
    """A refusal of the void one would let the client send again what the other one pays."""
    planned_anew, known = book(payment(1, submission_id=NEW)), names(named(1))
    late = attribute(statuses(status(1, status="RJCT", **where, **by)), planned_anew, known)
    assert late.attributed.is_empty()
    assert "submission that does not stand" in late.unknown["note"][0]
    of_the_bank = {"original_message_id": "the bank's own"}
    for said in ({"original_message_id": NEW}, {"original_batch_id": f"{NEW}-2"}, of_the_bank, {}):
        assert found(status(1, status="RJCT", **said, **by), payment(1, submission_id=NEW), known=known) != []


def called_undelivered(number: int, reference: str) -> pl.DataFrame:
    return pl.DataFrame([(f"file-{number:04d}", reference)], schema=dtypes(ATTEMPTS), orient="row")


@pytest.mark.parametrize(
    "by", [{"original_instruction_id": "REF-1"}, {"original_uetr": UETR.format(1)}, {"original_account": "A1", "original_mandate_id": "M1"}]
)  # fmt: skip
@pytest.mark.parametrize("where", [{}, {"original_message_id": "the bank's own"}])
@pytest.mark.parametrize("code", ["RJCT", "ACCP"])
def test_a_word_without_our_message_id_may_speak_of_the_attempt_called_undelivered(by, where, code) -> None:
    """Its refusal would let the client send again what the other attempt pays; its acceptance would settle that one unseen."""
    planned_anew = book(payment(1, submission_id=NEW), payment(2, submission_id=NEW))
    known, before = names(named(1, account="A1", mandate_id="M1"), named(2)), called_undelivered(1, "REF-1")
    word = status(1, status=code, **where, **by)
    late = attribute(statuses(word), planned_anew, known, before)
    assert late.attributed.is_empty()
    assert "nobody can say which" in late.unknown["note"][0]
    plain = status(1, status=code, **where, original_instruction_id="REF-2")
    assert attribute(statuses(plain), planned_anew, known, before).attributed["payment_id"].to_list() == ["file-0002"]
    for certain in ({"original_message_id": NEW}, {"original_batch_id": f"{NEW}-1"}):
        told = attribute(statuses({**word, **certain}), planned_anew, known, before).attributed
        assert told["payment_id"].to_list() == ["file-0001"]


def test_a_reference_of_the_second_attempt_alone_is_plain() -> None:
    """ACH: each attempt has trace numbers of its own."""
    word, before = statuses(status(1, status="RJCT", original_instruction_id="REF-1")), called_undelivered(1, "REF-0")
    found = attribute(word, book(payment(1, submission_id=NEW)), None, before)
    assert found.attributed["payment_id"].to_list() == ["file-0001"]


def test_a_word_on_one_batch_of_several_falls_on_its_payments_alone() -> None:
    """A refusal of one batch would let the client send again what the other one pays."""
    rows = payment(1, submission_id=NEW), payment(2, submission_id=NEW)
    told = statuses(
        status(1, level="file", original_message_id=NEW, status="PART"),
        status(2, level="batch", original_message_id=NEW, original_batch_id=f"{NEW}-1", status="ACCP"),
        status(3, level="batch", original_message_id=NEW, original_batch_id=f"{NEW}-2", status="RJCT"),
    )
    known = names(named(1, batch_id=f"{NEW}-1"), named(2, batch_id=f"{NEW}-2"))
    spoken = attribute(told, book(*rows), known)
    assert list(spoken.attributed.select("payment_id", "status", "via").iter_rows()) == [
        ("file-0001", "ACCP", "batch"), ("file-0002", "RJCT", "batch"),
    ]  # fmt: skip
    assert spoken.unknown.is_empty()
    blind = attribute(told, book(*rows))
    assert blind.attributed.is_empty()
    assert blind.unknown["position"].to_list() == [2, 3]


def back(**given: object) -> dict:
    told = {
        "kind": "return", "status": "RJCT", "original_mandate_id": "m-1 ", "original_account": "30000112345678",
        "original_date": DAY,
    }  # fmt: skip
    return status(1, **{**told, **given})


def debit(number: int, **given: object) -> dict:
    return payment(number, credit_debit="DBIT", amount_minor=500, currency="GBP", **given)


MANDATE = {"mandate_id": "M-1", "account": "30000112345678"}


def test_mandate_and_account_name_a_collection_near_its_date() -> None:
    rows = debit(1), debit(2, execution_date=DAY - dt.timedelta(days=7))
    known = names(named(1, **MANDATE), named(2, **MANDATE))
    assert found(back(), *rows, known=known) == [("file-0001", "account")]
    assert found(back(original_date=DAY - dt.timedelta(days=7)), *rows, known=known) == [("file-0002", "account")]
    assert found(back(original_date=DAY + dt.timedelta(days=30)), *rows, known=known) == []


@pytest.mark.parametrize(
    "wrong", [{"original_account": "30000112345679"}, {"original_mandate_id": "M-2"}, {"amount_minor": 4}]
)
def test_what_differs_names_nothing(wrong) -> None:
    told = attribute(statuses(back(**wrong)), book(debit(1)), names(named(1, **MANDATE)))
    assert told.attributed.is_empty()
    assert told.unknown.height == 1


def test_two_alike_on_one_day_are_never_guessed() -> None:
    assert found(back(), debit(1), debit(2), known=names(named(1, **MANDATE), named(2, **MANDATE))) == []


def test_a_correction_falls_on_the_last_payment_under_the_mandate() -> None:
    rows = (
        debit(1, execution_date=DAY - dt.timedelta(days=30)),
        debit(2),
        debit(3, execution_date=DAY - dt.timedelta(days=60)),
    )
    known = names(*(named(number, **MANDATE) for number in (1, 2, 3)))
    word = back(kind="correction", status=None, original_date=None, reason="CTAM")
    assert found(word, *rows, known=known) == [("file-0002", "account")]


LONG, VOID = (f"S{digit * 19}" for digit in "12")
SENT = [
    payment(
        number, payment_id=f"{file}-{number:04d}", file_id=file, submission_id=submission, amount_minor=100,
        reference=reference or f"{file}-{number:04d}", end_to_end_id=f"E-{number % 2}", execution_date=DAY + dt.timedelta(days=number),
    )
    for number, (file, submission, reference) in enumerate(
        [("f1", "S1", None), ("f1", "S1", None), ("f1", "S2", "T-1"), ("f2", "S2", "T-1"), ("f2", "S3", None), ("f3", LONG, "T-2")]
    )
]  # fmt: skip
BY_ID = st.sampled_from([None, "", "T-1", "T-2", "f1-0000", "f1-0001", "f2-0004", "f9-0001"])
BY_SUBMISSION = st.sampled_from([None, None, "S1", "S2", "S3", LONG, f"{LONG}-2", VOID, f"{VOID}-2"])
SAID = st.fixed_dictionaries(
    {
        "level": st.sampled_from(["payment", "payment", "payment", "batch", "file"]),
        "kind": st.sampled_from(["status", "return", "correction"]), "status": st.sampled_from(["ACCP", "RJCT"]),
        "original_message_id": BY_SUBMISSION, "original_batch_id": BY_SUBMISSION, "original_instruction_id": BY_ID,
        "original_transaction_id": BY_ID, "original_end_to_end_id": st.sampled_from([None, "E-0", "E-1"]),
        "original_uetr": st.sampled_from([None, None, UETR.format(1), UETR.format(4)]),
        "original_mandate_id": st.sampled_from([None, "M-1"]), "original_account": st.sampled_from([None, None, MANDATE["account"]]),
        "amount_minor": st.sampled_from([None, 100, 1]),
    }
)  # fmt: skip


@given(st.lists(SAID, min_size=1, max_size=3))
def test_what_feedback_names_is_enough_to_tell_what_it_speaks_of(said: list[dict]) -> None:
    """Unless `means_others`, the files that it names give the same payments as the whole book."""
    told = statuses(*(status(position, **row) for position, row in enumerate(said, 1)))
    everything = book(*SENT)
    known = names(
        *(
            {**named(0, **MANDATE), "payment_id": row["payment_id"], "uetr": UETR.format(row["row"] // 2)}
            for row in SENT
        )
    )
    sent = everything.select("file_id", "submission_id").unique()
    meant = everything.filter(pl.col("file_id").is_in(list(files_meant(told, sent))))
    found = attribute(told, meant, known).attributed
    if not means_others(told, found, sent):
        assert found.equals(attribute(told, everything, known).attributed)


def test_one_submission_or_payment_that_is_named_means_no_others() -> None:
    sent = book(*SENT).select("file_id", "submission_id").unique()
    rows = {
        "f1": {"original_message_id": "S1", "original_end_to_end_id": "E-0"}, "f2": {"original_instruction_id": "f2-0004"},
        "": {"original_instruction_id": "T-1"},
    }  # fmt: skip
    for file, row in rows.items():
        told = statuses(status(1, **row))
        found = attribute(told, book(*(one for one in SENT if one["file_id"] == file))).attributed
        assert files_meant(told, sent) == ({file} if file else set())
        assert means_others(told, found, sent) == (not file)

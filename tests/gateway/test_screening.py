"""Names and countries on the operator's list hold a file; what is not alike goes on."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_client_limits import OPEN, payments, state
from test_journey import receive_one
from world import agree

from canonical.errors import ConfigError
from gateway.composition import Gateway
from gateway.intake.approve import decide
from gateway.intake.screening import alike
from gateway.stages import run_journey

LISTED = "id,name,country\n7,Kowalski Trading Limited,\n8,Jörg Müller-Lüdenscheidt,\n9,,KP\n"
AGREED = {"complete": "renamed", "screening": {"list": "ours", "threshold": 88}, **OPEN}


@pytest.fixture
def screened(gateway: Gateway) -> Gateway:
    folder = gateway.settings.config_dir / "screening"
    folder.mkdir()
    (folder / "ours.csv").write_text(LISTED, encoding="utf-8")
    agree(gateway, "cedar", **AGREED)
    return gateway


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("KOWALSKI TRADING LIMITED", "7"),
        ("Trading Limited Kowalski", "7"),
        ("Kowalsky Trading Limited", "7"),
        ("Joerg Mueller Luedenscheidt", "8"),
    ],
)
def test_a_name_like_one_on_the_list_is_held_for_a_person(screened: Gateway, name: str, entry: str) -> None:
    file_id = receive_one(screened, "cedar", "1.csv", payments(("A", "1.00"), name=name))
    run_journey(screened, file_id)
    assert state(screened, file_id) == "held"
    hit = screened.lake.whole(file_id, "screening").row(0, named=True)
    assert (hit["entry"], hit["field"], hit["row"]) == (entry, "name", 1)
    assert hit["score"] >= 88
    assert decide(screened, file_id, approved=True, by="anna", reason="another person of that name") == "approved"


ALIKE = {
    "Putin Wladimir": "1", "Vladimir Uptin": "1", "Vladimir Ptin": "1", "Ivan Petrov": "2", "PETROW, IVAN": "2",
    "Soren Lukaszewicz": "3", "Soeren Lukasewicz": "3", "Al-Qaeda": "4", "Al Kaida": "4",
}  # fmt: skip


@pytest.mark.parametrize("name", ALIKE)
def test_slips_swapped_words_and_other_scripts_are_seen(name: str) -> None:
    listed = pl.DataFrame(
        {"id": ["1", "2", "3", "4"], "name": ["Vladimir Putin", "Иван Петров", "Søren Łukaszewicz", "Al Qaida"]}
    ).with_columns(country=pl.lit(None, dtype=pl.String))
    found = alike(pl.Series("name", [name, "Ordinary Person", "Vera Pulin"]), listed, 85)
    assert found.select("name", "entry").rows() == [(name, ALIKE[name])]


@given(st.text("ABCDEFGHIJKLMNOPRSTUVWZ", min_size=4, max_size=14), st.integers(0, 13), st.sampled_from("drspi"))
def test_no_single_slip_in_a_word_goes_unseen(word: str, place: int, kind: str) -> None:
    place %= len(word)
    slips = {
        "d": word[:place] + word[place + 1 :], "r": word[:place] + "X" + word[place + 1 :], "i": word[:place] + "X" + word[place:],
        "s": word[:place] + word[place + 1 : place + 2] + word[place] + word[place + 2 :], "p": word,
    }  # fmt: skip
    listed = pl.DataFrame({"id": ["1"], "name": [f"{word} LIMITED"]}).with_columns(
        country=pl.lit(None, dtype=pl.String)
    )
    assert alike(pl.Series("name", [f"{slips[kind]} GMBH"]), listed, 0).height == 1


def test_what_is_not_alike_goes_on(screened: Gateway) -> None:
    file_id = receive_one(screened, "cedar", "1.csv", payments(("A", "1.00"), name="Kowalski Bakery"))
    run_journey(screened, file_id)
    assert state(screened, file_id) == "routed"
    assert screened.lake.committed(file_id, "screen") == {"list": "ours", "threshold": 88, "hits": 0}


def test_a_list_that_is_not_there_stops_the_file_loudly(gateway: Gateway) -> None:
    agree(gateway, "cedar", **AGREED)
    file_id = receive_one(gateway, "cedar", "1.csv", payments(("A", "1.00")))
    with pytest.raises(ConfigError, match="screening list"):
        run_journey(gateway, file_id)


def test_scores_do_not_depend_on_case_accents_order_or_punctuation() -> None:
    listed = pl.DataFrame({"id": ["1"], "name": ["Müller-Lüdenscheidt, Jörg"], "country": [None]})
    names = pl.Series(["JORG MULLER LUDENSCHEIDT", "Jörg  Müller Lüdenscheidt", None, "somebody else"])
    assert alike(names, listed, 100)["score"].to_list() == [100, 100]

"""Names and countries on the operator's list hold a file; what is not alike goes on."""

from __future__ import annotations

import polars as pl
import pytest
from test_client_limits import OPEN, payments, state
from test_journey import receive_one
from world import agree

from canonical.errors import ConfigError
from gateway.approve import decide
from gateway.composition import Gateway
from gateway.screening import alike
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

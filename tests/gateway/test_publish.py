"""The published lake: committed data alone, each object once, whatever is repeated; and the queries of the docs over it."""

from __future__ import annotations

import datetime as dt
import io
import re
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest
from played import TODAY, bank, feedback

from gateway.books.settle import settle
from gateway.composition import Gateway
from gateway.publish import PREFIX, REGISTRY, TABLES, Published, publish
from gateway.registry import tables as t

DOCS = Path(__file__).resolve().parents[2] / "docs"
_QUERY = re.compile(r"^```(sql|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def closed(bank_day: Gateway) -> Gateway:
    """A bank day, closed and published."""
    settle(bank_day, TODAY.isoformat())
    publish(bank_day)
    return bank_day


def published(gateway: Gateway) -> dict[str, str]:
    """Key → version of the objects of the lake (the registry's tables are apart)."""
    keys = {item.key: item.version for item in gateway.store.list(PREFIX)}
    return {key: version for key, version in keys.items() if not key.startswith(f"{PREFIX}/{REGISTRY}/")}


def test_what_a_manifest_names_is_there_and_nothing_else(closed: Gateway) -> None:
    draft = closed.lake.draft("F" * 20, "validate")
    draft.write("findings", _some_findings(closed))  # an attempt that dies: no commit
    assert publish(closed).added == 0
    manifests = [row for row in closed.registry.rows(t.MANIFESTS) if row["dataset"] != "keys"]
    assert len(manifests) == len(published(closed)) > 20
    rows = sum(pl.read_parquet(io.BytesIO(closed.store.get(key))).height for key in published(closed))
    assert rows == sum(row["rows"] for row in manifests)

    before = {item.key: item.version for item in closed.store.list(PREFIX)}
    assert publish(closed) == Published(objects=len(manifests), added=0, removed=0)
    assert {item.key: item.version for item in closed.store.list(PREFIX)} == before, "a repeat changes nothing"

    row = next(row for row in manifests if row["dataset"] == "payments")
    root = Path(closed.settings.store.removeprefix("file://"))
    (shown,) = root.glob(f"{PREFIX}/payments/*/subject={row['subject']}/*.parquet")
    assert (root / row["key"]).samefile(shown), "on a disk nothing is copied"

    for name, (_, columns) in TABLES.items():
        found = pl.read_parquet(io.BytesIO(closed.store.get(f"{PREFIX}/{REGISTRY}/{name}.parquet")))
        assert found.columns == list(columns)
        assert not {"detail", "reason", "note", "reports"} & set(columns), "no free text of persons"


def _some_findings(gateway: Gateway) -> pl.DataFrame:
    found = [gateway.lake.whole(row["file_id"], "findings") for row in gateway.registry.rows(t.FILES)]
    whole = pl.concat(found)
    assert not whole.is_empty()
    return whole


def test_an_earlier_revision_of_a_close_is_taken_away(salaries_paid: Gateway, tmp_path: Path) -> None:
    gateway = salaries_paid
    settle(gateway, TODAY.isoformat())
    publish(gateway)
    bank(tmp_path, "euro_bank").close_day(TODAY)
    feedback(gateway)
    settle(gateway, TODAY.isoformat())
    assert publish(gateway).removed > 0
    root = Path(gateway.settings.store.removeprefix("file://")) / PREFIX
    states = [path.parent.name for path in root.glob("states/*/*/*.parquet")]
    assert sorted(states) == [f"subject=close-{scope}-{TODAY}-2" for scope in ("all", "euro_bank")]
    assert {path.parent.parent.name for path in root.glob("states/*/*/*.parquet")} == {f"day={TODAY}"}
    runs = [row for row in gateway.registry.rows(t.CLOSES) if row["run"] is not None and row["provider_id"] == "all"]
    posted = [path.parent.name for path in root.glob("postings/*/subject=close-all-*/*.parquet")]
    assert len(set(posted)) == len(runs) == 2, "what was posted and taken back is there twice, and adds up"


# ---------------------------------------------------------------------------------------------- docs


def test_the_data_dictionary_is_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DOCS))
    import data_dictionary

    assert data_dictionary.PAGE.read_text(encoding="utf-8") == data_dictionary.page(), (
        "run python docs/data_dictionary.py"
    )
    del sys.modules["data_dictionary"]


def test_the_worked_queries_give_what_they_say(closed: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    found = _QUERY.findall((DOCS / "queries.md").read_text(encoding="utf-8"))
    assert [kind for kind, _ in found] == ["sql", "python", "sql", "python", "sql"]
    monkeypatch.chdir(closed.settings.store.removeprefix("file://"))
    assert Path(PREFIX).is_dir()
    states, story, rungs, ledger, rules = (_run(kind, code) for kind, code in found)

    following = (TODAY + dt.timedelta(days=1)).isoformat()
    settle(closed, following)
    publish(closed)
    assert _run(found[0][0], found[0][1].replace(TODAY.isoformat(), following)).equals(states), "nothing new, all there"

    by_state = states.group_by("state").agg(pl.col("payments").sum())
    assert dict(by_state.iter_rows()) == {"rejected": 6, "provider_rejected": 1, "returned": 1, "settled": 21}
    assert story.select("client_id", "verdict", "kind").rows() == [
        ("birch", "ACCP", "settlement"),
        ("birch", "ACCP", "return"),
    ]
    assert story["amount_minor"].to_list() == [217_345, 217_345]
    assert rungs.filter(pl.col("rung") == "no match")["entries"].sum() == 5, "four charges and one entry nobody knows"
    assert ledger.height > 5
    assert ledger["lake_minor"].to_list() == ledger["registry_minor"].to_list()
    assert ledger["lake_minor"].sum() == 0
    assert rules["findings"].sum() >= 6
    assert set(rules["client_id"]) == {"alder", "birch", "cedar"}


def _run(kind: str, code: str) -> pl.DataFrame:
    if kind == "sql":
        with duckdb.connect() as connection:
            return connection.sql(code).pl()
    names: dict[str, pl.DataFrame] = {}
    exec(compile(code, "queries.md", "exec"), names)
    return names["result"]

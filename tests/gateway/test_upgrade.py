"""What older versions wrote is read by this one: registries before their newest tables, objects before their newest columns."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from played import TODAY, small
from sqlalchemy import text
from test_registry import FILE
from world import Clock, empty_postgres_url

from canonical.errors import Conflict, FrameBroken
from gateway import migrations
from gateway.books.journals import disagreements, held, runs
from gateway.books.reconcile import reconcile
from gateway.books.settle import settle
from gateway.books.sign_off import review
from gateway.composition import Gateway
from gateway.datasets import DATASETS
from gateway.registry import engine
from gateway.registry import tables as t
from gateway.registry.engine import Registry, open_registry
from reconciliation.journals import balances

CLOSE = {"inputs_sha256": "0" * 64, "closed_at": "2026-11-20T19:00:00+00:00", "reports": "{}"}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def registry_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Without any tables."""
    return f"sqlite:///{tmp_path / 'registry.sqlite'}" if request.param == "sqlite" else empty_postgres_url()


def alembic_at(registry: Registry, revision: str) -> None:
    """Bring the schema to a revision, up or down."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with registry.transaction() as connection:
        config.attributes["connection"] = connection
        known = engine._revision(connection)
        (command.downgrade if known and known > revision else command.upgrade)(config, revision)


def test_a_registry_before_journals_and_days_is_read(registry_url: str, clock: Clock) -> None:
    old = Registry(engine._engine(registry_url), clock)
    alembic_at(old, "0009")
    rows = [("2026-11-19", 1), ("2026-11-20", 1), ("2026-11-20", 2)]
    with old.transaction() as connection:
        connection.execute(t.FILES.insert().values(FILE))
        for scope in ("all", "euro_bank"):
            for day, revision in rows:
                values = {"day": day, "provider_id": scope, "revision": revision, **CLOSE}
                names = ", ".join(values)
                told = ", ".join(f":{name}" for name in values)
                connection.execute(text(f"INSERT INTO closes ({names}) VALUES ({told})"), values)
    old.engine.dispose()
    new = open_registry(registry_url, clock)
    with new.transaction() as connection:
        assert compare_metadata(MigrationContext.configure(connection), t.METADATA) == []
    file = new.one(t.FILES, file_id=FILE["file_id"])
    assert file is not None
    assert file.items() >= FILE.items()
    assert [(row["day"], row["provider_id"], row["revision"], row["run"]) for row in new.rows(t.CLOSES)] == [
        (day, scope, revision, None) for day, scope, revision in sorted(
            (day, scope, revision) for day, revision in rows for scope in ("all", "euro_bank")
        )
    ]  # fmt: skip
    assert [(row["day"], row["state"], row["revision"], row["prepared_by"]) for row in new.rows(t.DAYS)] == [
        ("2026-11-19", "prepared", 1, "gateway"), ("2026-11-20", "prepared", 2, "gateway"),
    ]  # fmt: skip
    assert new.rows(t.JOURNALS) == new.rows(t.BREAKS) == []
    new.engine.dispose()


def test_a_day_closed_before_journals_is_prepared_again_and_reviewed(
    kept_told: Path, tmp_path: Path, clock: Clock
) -> None:
    shutil.copytree(kept_told, tmp_path, dirs_exist_ok=True)
    with small(tmp_path, clock) as gateway:
        reconcile(gateway, "euro_bank")
        settle(gateway, TODAY.isoformat())
        expected = balances(held(gateway))
        alembic_at(gateway.registry, "0009")
        engine.migrate(gateway.registry)
        assert runs(gateway, "all") == []
        with pytest.raises(Conflict, match="kept no journals"):
            review(gateway, TODAY.isoformat(), by="ben")
        settle(gateway, TODAY.isoformat())
        assert balances(held(gateway)).equals(expected), "the first close after it posts everything that stands"
        assert disagreements(gateway).is_empty()
        assert review(gateway, TODAY.isoformat(), by="ben")


def written(gateway: Gateway, dataset: str, frame: pl.DataFrame) -> None:
    """An object as another version wrote it: nobody held it against the schema of this one."""
    draft = gateway.lake.draft("old", "follow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.lake.checked", lambda *_: frame)
        draft.write(dataset, frame)
    assert draft.commit({})


def match(**given: object) -> pl.DataFrame:
    row = {
        "entry_id": "N1",
        "payment_id": "P1",
        "rung": "reference",
        "kind": "settlement",
        "amount_minor": 5,
        "currency": "EUR",
    }
    schema = {name: column.dtype.type for name, column in DATASETS["matches"].columns.items()}
    return pl.DataFrame([{**row, **given}], schema={name: schema.get(name, pl.String) for name in [*row, *given]})


def test_an_object_without_a_column_is_read_with_what_it_meant_or_null(gateway: Gateway) -> None:
    written(gateway, "matches", match())
    (row,) = gateway.lake.whole("old", "matches").to_dicts()
    assert list(row) == list(DATASETS["matches"].columns)
    assert (row["entry_minor"], row["entry_currency"]) == (5, "EUR"), "a match claimed of the entry what it booked"
    assert row["value_date"] is row["rule"] is None
    (part,) = gateway.lake.parts("old", "matches", columns=["rule", "entry_minor", "rung"])
    assert part.rows() == [(None, 5, "reference")]


def test_an_object_that_cannot_be_known_is_refused(gateway: Gateway) -> None:
    written(gateway, "matches", match().drop("rung"))
    with pytest.raises(FrameBroken, match=r"lacks \['rung'\]"):
        gateway.lake.whole("old", "matches")


def test_an_object_of_a_newer_version_is_refused(gateway: Gateway) -> None:
    written(gateway, "matches", match(colour="red"))
    with pytest.raises(FrameBroken, match=r"nobody knows \['colour'\]"):
        gateway.lake.whole("old", "matches")

"""The doorbells, as the triggerer runs them: against a folder, and against a bank that does not answer."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from world import US_BANK

pytestmark = pytest.mark.airflow
LOOK_S = 0.05
CLIENT = "client_id: {}\nname: Invented Trading\nformats: [pain.001]\nanswers: [{{name: answer-csv}}]\n"
BANK, _, _ = US_BANK.partition("feedback:")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A gateway's surroundings: two clients, two banks behind folders, a store in a folder."""
    # Airflow sets logging up when it is first imported: here, so that no test loses its log captures to it.
    importlib.import_module("bulkrail_airflow.triggers")
    for name in ("alder", "birch"):
        (tmp_path / "config/clients").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"config/clients/{name}.yaml").write_text(CLIENT.format(name))
        (tmp_path / f"store/clients/{name}/inbox").mkdir(parents=True)
    (tmp_path / "config/providers").mkdir()
    for name in ("one_bank", "other_bank"):
        text = BANK.replace("us_bank", name).replace("ROOT/us", str(tmp_path / name))
        (tmp_path / f"config/providers/{name}.yaml").write_text(text)
        for folder in ("in", "out"):
            (tmp_path / name / folder).mkdir(parents=True)
    monkeypatch.setenv("BULKRAIL_HOME", str(tmp_path))
    monkeypatch.setenv("BULKRAIL_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("BULKRAIL_POLL_INTERVAL_S", str(LOOK_S))
    monkeypatch.setenv("BULKRAIL_PROVIDER_POLL_INTERVAL_S", str(LOOK_S))
    return tmp_path


def trigger(name: str) -> Any:
    """Made from its serialized form, as the triggerer makes it."""
    from airflow.triggers.base import BaseEventTrigger

    module = importlib.import_module("bulkrail_airflow.triggers")
    path, arguments = getattr(module, name)().serialize()
    package, _, called = path.rpartition(".")
    made = getattr(importlib.import_module(package), called)(**arguments)
    assert isinstance(made, BaseEventTrigger)
    return made


async def _rings(name: str, steps: list[Callable[[], object]]) -> list[dict[str, Any]]:
    """Payloads rung: each step is done, and the first ring after it awaited; at the end, nothing more may ring."""
    running = trigger(name).run()
    heard = []
    try:
        for step in steps:
            step()
            event = await asyncio.wait_for(anext(running), 30)
            heard.append(event.payload)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(running), 12 * LOOK_S)
    finally:
        await running.aclose()
    return heard


def test_the_inbox_rings_for_what_is_new_and_whole(place) -> None:
    inbox = place / "store/clients/alder/inbox"

    def first() -> None:
        (inbox / "a.xml.part").write_bytes(b"half")
        (inbox / ".hidden").write_bytes(b"half")
        (inbox / "a.xml").write_bytes(b"<Document/>")

    def second() -> None:
        (inbox / "a.xml").unlink()
        (inbox.parents[1] / "birch/inbox/b.xml").write_bytes(b"<Document/>")

    def again_after_it_was_taken_in() -> None:
        (inbox / "a.xml").write_bytes(b"<Document/>")

    assert asyncio.run(_rings("InboxTrigger", [first, second, again_after_it_was_taken_in])) == [{"new": 1}] * 3


def test_the_inbox_rings_for_what_lay_there_before(place) -> None:
    (place / "store/clients/alder/inbox/a.xml").write_bytes(b"<Document/>")
    (place / "store/clients/birch/inbox/b.xml").write_bytes(b"<Document/>")
    assert asyncio.run(_rings("InboxTrigger", [lambda: None])) == [{"new": 2}]


def test_a_store_that_fails_is_looked_at_again(place, caplog) -> None:
    inbox, away = place / "store/clients/alder/inbox", place / "away"
    (inbox / "a.xml").write_bytes(b"<Document/>")

    async def scene() -> list[dict[str, Any]]:
        running = trigger("InboxTrigger").run()
        heard = [(await asyncio.wait_for(anext(running), 30)).payload]
        inbox.rename(away)
        inbox.symlink_to(inbox)  # a loop: listing it is refused
        ring = asyncio.create_task(anext(running))
        await _until(lambda: "the inbox of alder cannot be listed" in caplog.text)
        inbox.unlink()
        away.rename(inbox)
        (inbox / "b.xml").write_bytes(b"<Document/>")
        heard.append((await asyncio.wait_for(ring, 30)).payload)
        await running.aclose()
        return heard

    assert asyncio.run(scene()) == [{"new": 1}, {"new": 2}]  # what was there before rings once more


def test_an_environment_that_is_wrong_is_tried_again(place, caplog) -> None:
    profile = place / "config/clients/alder.yaml"
    whole = profile.read_text()
    profile.write_text("client_id: [")
    (place / "store/clients/alder/inbox/a.xml").write_bytes(b"<Document/>")

    async def scene() -> dict[str, Any]:
        running = trigger("InboxTrigger").run()
        ring = asyncio.create_task(anext(running))
        await _until(lambda: "the gateway: no look was possible" in caplog.text)
        profile.write_text(whole)
        payload = (await asyncio.wait_for(ring, 30)).payload
        await running.aclose()
        return payload

    assert asyncio.run(scene()) == {"new": 1}


def test_one_bank_that_fails_does_not_silence_the_other(place, caplog) -> None:
    (place / "other_bank/out").rmdir()

    def offer(name: str) -> Callable[[], object]:
        return lambda: (place / "one_bank/out" / name).write_bytes(b"<Document/>")

    rings = asyncio.run(_rings("FeedbackTrigger", [offer("1.pain002.xml"), offer("2.pain002.xml")]))
    assert rings == [{"provider_id": "one_bank", "new": 1}] * 2
    assert "provider other_bank: no look was possible" in caplog.text


async def _until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not met():  # noqa: ASYNC110  what is awaited is a line of a log, which sets no event
            await asyncio.sleep(0.02)

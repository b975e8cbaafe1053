"""Doorbells: triggers that look, and ring when there is something new. The DAG they wake finds out what it is.

They run in the triggerer, which imports this package and no DAG file. A ring may be lost, repeated or false; each DAG also
runs by the clock and asks the registry what is to be done. Clients and providers added later are seen by the clock's runs,
and by the doorbells after the triggerer is restarted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from bulkrail_airflow.work import open_gateway

if TYPE_CHECKING:
    from gateway.composition import Gateway

Seen = frozenset[tuple[str, str]]
"""(name, version) of what lies there: a file that is written anew is new."""
Result = TypeVar("Result")

PAUSE_MAX_S: Final = 600.0
"""Longest pause between looks at what fails."""

_log = logging.getLogger(__name__)


class _Doorbell(BaseEventTrigger):
    """A trigger without arguments: where to look stands in the environment and the profiles."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow left it untyped

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments, by which the triggerer makes it."""
        return f"{__name__}.{type(self).__name__}", {}


class InboxTrigger(_Doorbell):
    """Rings when a finished file lies in a client's inbox that did not lie there at the last look."""

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look every `BULKRAIL_POLL_INTERVAL_S`."""
        gateway = await _patiently(open_gateway, "the gateway", 1.0)
        pause_s = gateway.settings.poll_interval_s
        async for new in _news(lambda: inbox_listing(gateway), "the clients' inboxes", pause_s):
            yield _event(new=new)


class FeedbackTrigger(_Doorbell):
    """Rings when a provider offers a file that it did not offer at the last look. One provider's trouble stays its own."""

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look at every provider on its own; after a fault, pause twice as long each time."""
        gateway = await _patiently(open_gateway, "the gateway", 1.0)
        rings: asyncio.Queue[TriggerEvent] = asyncio.Queue()
        bells = [asyncio.create_task(_ring(gateway, provider_id, rings)) for provider_id in gateway.profiles.providers]
        try:
            while True:
                yield await rings.get()
        finally:
            for bell in bells:
                bell.cancel()


def _event(**payload: Any) -> TriggerEvent:
    return TriggerEvent(payload)  # type: ignore[no-untyped-call]  # Airflow left it untyped


async def _ring(gateway: Gateway, provider_id: str, rings: asyncio.Queue[TriggerEvent]) -> None:
    pause_s = gateway.settings.provider_poll_interval_s
    async for new in _news(lambda: feedback_listing(gateway, provider_id), f"provider {provider_id}", pause_s):
        await rings.put(_event(provider_id=provider_id, new=new))


async def _news(look: Callable[[], Seen], what: str, pause_s: float) -> AsyncIterator[int]:
    """How many are new, at every look that finds some."""
    told: Seen = frozenset()
    while True:
        found = await _patiently(look, what, pause_s)
        if found - told:
            yield len(found - told)
        told = found
        await asyncio.sleep(pause_s)


async def _patiently(call: Callable[[], Result], what: str, pause_s: float) -> Result:
    """Call in a thread until it succeeds."""
    while True:
        try:
            return await asyncio.to_thread(call)
        except Exception:  # noqa: BLE001
            # Airflow does not start a trigger again that died: whatever the fault is, tell it and look again later.
            _log.exception("%s: no look was possible; the next one in %.0f s", what, pause_s)
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, PAUSE_MAX_S)


def inbox_listing(gateway: Gateway) -> Seen:
    """Finished objects in the inboxes of known clients. Outboxes only grow, so that they are not listed."""
    from canonical.errors import OutsideError
    from gateway.intake.receive import inbox

    found: set[tuple[str, str]] = set()
    for client_id in gateway.profiles.clients:
        try:
            found |= {(item.key, item.version) for _name, item in inbox(gateway, client_id)}
        except OutsideError:
            _log.exception("the inbox of %s cannot be listed; the others can", client_id)
    return frozenset(found)


def feedback_listing(gateway: Gateway, provider_id: str) -> Seen:
    """What a provider offers. Raises TransientError, OutsideError."""
    from canonical.plugins import lookup
    from gateway.config import plugin_options

    plugin = gateway.profiles.provider(provider_id).transport
    transport = lookup("providers", "TRANSPORT", plugin.name)
    with transport.connect(plugin_options("providers", "TRANSPORT", plugin), gateway.secret) as remote:
        return frozenset((file.name, file.version) for file in remote.feedback())

"""Merging: submissions of several client files that go the same way become one file, where the provider's profile asks for it.

Each of them stays a submission of its own client's file, with its routes, its capacity and its cover: it is a *part*. `merged_into`
names the *merged* submission, whose file holds the payments of all its parts, and which alone is written and delivered (its own
`merged_into` is itself). A part stands where the merged one stands: both move in one transaction. Before the release a part leaves
by dissolving the merged submission: that one is void, and the other parts are merged anew. In RELEASING it is first proven that
nothing was released, by withdrawing what was staged; then every part is planned anew.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection

from canonical.errors import Conflict, Withheld
from canonical.file_names import file_name
from canonical.identifiers import make_id
from canonical.plugins import lookup
from canonical.profiles import ProviderProfile
from gateway.composition import Gateway
from gateway.delivery.parts import dissolve
from gateway.delivery.releases import free_parts, take_cover, withheld_because
from gateway.planning.plans import routes_of
from gateway.planning.splitting import packs
from gateway.registry import tables as t
from gateway.registry.engine import insert_new, move, take_number_below

FILES_A_DAY_MAX: Final = 100_000
_COMMON: Final = (
    "kind", "destination", "account", "rail", "currency", "credit_debit", "business_date", "execution_date", "cut_off_at",
)  # fmt: skip
"""What the parts of one file have in common."""


def waits_to_be_merged(row: Mapping[str, Any]) -> bool:
    """True of a submission that was planned to go with others: it has no place among the files of the day of its own."""
    return bool(row["kind"] == "payment" and row["file_sequence"] is None and row["merged_into"] is None)


def merges_at(gateway: Gateway, row: Mapping[str, Any]) -> dt.datetime:
    """When what waits to be merged is merged; at once where the provider's profile no longer says that it merges."""
    minutes = gateway.profiles.provider(row["destination"]).file_limits.merge_minutes
    cut_off_at = dt.datetime.fromisoformat(row["cut_off_at"])
    return gateway.clock() if minutes is None else cut_off_at - dt.timedelta(minutes=minutes)


def merge(gateway: Gateway, row: Mapping[str, Any]) -> str:
    """Merge a submission with what goes the same way and may go out now: id of the merged one, also where it is the only part.

    Raises:
        Withheld: it is not time yet, or it lacks cover, or the provider takes no more files of the day.
        Conflict: another worker merged or voided it.
    """
    if gateway.clock() < (at := merges_at(gateway, row)):
        told = at.isoformat(sep=" ", timespec="minutes")[:16]
        raise Withheld(f"is merged with what goes the same way at {told} UTC", submission_id=row["submission_id"])
    provider = gateway.profiles.provider(row["destination"])
    alike = _alike(gateway, row, provider.file_limits.apart)
    with gateway.registry.transaction() as connection:
        free = [part for part in alike if part == row or not withheld_because(gateway, connection, part)]
        pack = next((pack for pack in packs(free, provider.file_limits) if row in pack), [])
        now = gateway.registry.now()
        for part in pack:  # written first, so that a cancellation meanwhile waits, or this one finds it gone
            here = {"submission_id": part["submission_id"], "state": "PREPARED", "merged_into": None}
            if not move(connection, t.SUBMISSIONS, here, changed_at=now):
                raise Conflict("another worker took it meanwhile", submission_id=part["submission_id"])
        # Two parts of one client may lack cover together: it is taken now, and the later one stays behind.
        covered = [part for part in pack if take_cover(gateway, connection, part)]
        if row in alike and row not in covered:
            raise Withheld("waits for funds", submission_id=row["submission_id"])
        whole = _whole(gateway, connection, provider, covered)
        insert_new(connection, t.SUBMISSIONS, **whole)
        ids = [part["submission_id"] for part in covered]
        joined = t.SUBMISSIONS.update().where(t.SUBMISSIONS.c.submission_id.in_(ids))
        connection.execute(joined.values(merged_into=whole["submission_id"], name=whole["name"]))
        gateway.registry.audit(connection, "gateway", "merged", whole["submission_id"], parts=ids)
    return str(whole["submission_id"])


def _alike(gateway: Gateway, row: Mapping[str, Any], apart: tuple[str, ...]) -> list[Mapping[str, Any]]:
    """What could stand in one file with a submission, itself among it, in the order of their bank sequence numbers."""
    c = t.SUBMISSIONS.c
    same = [c[name] == row[name] for name in _COMMON]
    found = gateway.registry.rows(
        t.SUBMISSIONS, *same, c.state == "PREPARED", c.merged_into.is_(None), c.file_sequence.is_(None),
        order=(c.sequence_first, c.submission_id),
    )  # fmt: skip
    return [other for other in found if not apart or _said(gateway, other, apart) == _said(gateway, row, apart)]


def _said(gateway: Gateway, row: Mapping[str, Any], columns: tuple[str, ...]) -> tuple[Any, ...]:
    """What all payments of a submission say in these columns: the plan kept them apart by it."""
    first = routes_of(gateway.lake, row["file_id"], [row["submission_id"]]).head(1)
    (part,) = gateway.lake.parts_with(row["file_id"], "payments", first["row"])
    return part.join(first, on="payment_id", how="semi").select(columns).row(0)


def _whole(
    gateway: Gateway, connection: Connection, provider: ProviderProfile, parts: list[Mapping[str, Any]]
) -> dict[str, Any]:
    if not parts:
        raise Conflict("another worker took it meanwhile")
    first, now = parts[0], gateway.registry.now()
    counter = f"file:{provider.provider_id}:{first['business_date']}"
    number = take_number_below(connection, counter, provider.file_limits.a_day or FILES_A_DAY_MAX)
    if number is None:
        told = f"{provider.name} takes no more files of {first['business_date']}"
        raise Withheld(told, submission_id=first["submission_id"])
    # The number of the file is part of the id: the same parts may be merged again after they were set free.
    submission_id = make_id("S", *(part["submission_id"] for part in parts), str(number))
    name = file_name(
        provider.file_name, submission_id=submission_id, date=dt.date.fromisoformat(first["business_date"]),
        time=gateway.clock(), file_sequence=number, suffix=lookup("exporters", "EXPORT", provider.export.name).suffix,
    )  # fmt: skip
    return {
        **{column: first[column] for column in (*_COMMON, "file_id", "sequence_first")},
        "submission_id": submission_id, "merged_into": submission_id, "slot": f"merged/{submission_id}", "name": name,
        "payments": sum(part["payments"] for part in parts), "sum_minor": sum(part["sum_minor"] for part in parts),
        "file_sequence": number, "state": "PREPARED", "attempt": 0, "detail": "", "created_at": now, "changed_at": now,
    }  # fmt: skip


def set_free(gateway: Gateway, row: Mapping[str, Any], why: str) -> list[str]:
    """Dissolve a merged submission of which only some parts are kept back: ids of the others, none where it stays as it is."""
    with gateway.registry.transaction() as connection:
        free = free_parts(gateway, connection, row)
        if free:
            dissolve(gateway, connection, row["submission_id"], why)
    return [part["submission_id"] for part in free]


__all__ = ["FILES_A_DAY_MAX", "merge", "merges_at", "set_free", "waits_to_be_merged"]

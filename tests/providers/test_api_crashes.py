"""Kill and stop the worker at every log move and every effect, where the effect is a request: APIs and buckets."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from api_world import Bank, bank_api
from delivery_world import DATA, Job, Log, S, make_parcel, wait_until_stopped, work
from s3 import s3_server
from workers import sample, workers

from canonical.contracts import Parcel
from providers.http_api import HttpApiOptions
from providers.s3 import S3Options

pytestmark = pytest.mark.crash

API: dict[str, Any] = {
    "per": "payment", "release": {"path": "/payouts"}, "block": 2, "timeout_s": 3, "send_window_s": 5,
    "enquiry": {
        "get": "/payouts", "items": "data", "match": "metadata.reference",
        "paging": {"parameter": "starting_after", "cursor": "id", "of_last_item": True, "more": "has_more"},
    },
}  # fmt: skip
WAYS: dict[str, dict[str, Any]] = {
    "keys": {"idempotency": {"lifetime_s": 3600}},
    "no_keys": {},
    "no_keys_but_a_promise": {"enquiry": {**API["enquiry"], "absent_after_s": 60}},
    "file": {
        "per": "file", "idempotency": {"lifetime_s": 3600},
        "steps": [{"path": "/consents", "body": {}, "take": {"consent": "data.consent"}}],
        "release": {"path": "/files", "body": {"consent": "{consent}", "metadata": {"reference": "{submission_id}"}}},
    },
    "bucket": {},
    "bucket_that_stays": {"finals_stay": True, "temporaries_cleared": False},
}  # fmt: skip
CERTAIN = {"keys", "no_keys_but_a_promise", "file", "bucket_that_stays"}
"""Ways that promise enough to settle every crash."""


@dataclass(frozen=True)
class Scene:
    """One submission and its provider. `made`: references that the provider acted on, as often as it did."""

    folder: Path
    options: Any
    parcel: Parcel
    wanted: list[str]
    made: Callable[[], list[str]]
    bank: Bank | None = None

    def start(self, at: int | None = None, how: int = signal.SIGKILL) -> Any:
        job = Job(self.options, "secret", self.parcel, self.folder / "log.db", self.folder / "report", at, how)
        process = workers().Process(target=work, args=(job,))
        process.start()
        return process

    def run(self, at: int | None = None) -> int | None:
        process = self.start(at)
        process.join(30)
        return int(process.exitcode)

    def later(self) -> None:
        (self.folder / "log.minutes").write_text("2")
        if self.bank is not None:
            self.bank.ahead_s = 120

    def state(self) -> Any:
        return Log(self.folder / "log.db").state


@contextmanager
def scene(way: str, folder: Path) -> Iterator[Scene]:
    folder.mkdir()
    if way.startswith("bucket"):
        with pytest.MonkeyPatch.context() as patch, s3_server(patch) as name:
            bucket = boto3.resource("s3").Bucket(name)
            endpoint = os.environ["AWS_ENDPOINT_URL"]
            options: Any = S3Options.model_validate(
                {"bucket": name, "endpoint_url": endpoint, "timeout_s": 5, **WAYS[way]}
            )
            parcel = make_parcel(folder)

            def held() -> list[str]:
                found = [(item.key, item.get()["Body"].read()) for item in bucket.objects.all()]
                assert all(data == DATA for _, data in found)
                return [key for key, _ in found]

            yield Scene(folder, options, parcel, [parcel.name], held)
        return
    with bank_api(Bank(keys=way in {"keys", "file"})) as bank:
        options = HttpApiOptions.model_validate(API | WAYS[way] | {"base_url": bank.url})
        wanted = ["P0", "P1", "P2"]
        if way == "file":
            parcel = make_parcel(folder)
            wanted = [parcel.submission_id]
        else:
            lines = [
                {"reference": name, "amount_minor": 1, "currency": "EUR", "body": {"amount": 1, "metadata": {"reference": name}}}
                for name in wanted
            ]  # fmt: skip
            data = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
            (folder / "parcel").write_bytes(data)
            parcel = Parcel("S0123456789abcdef012", "x", folder / "parcel", len(data), hashlib.sha256(data).hexdigest())
        yield Scene(folder, options, parcel, wanted, bank.references, bank)


@cache
def _points(way: str) -> list[int]:
    """Those of a run that nobody disturbs, which is run once for both tests."""
    with tempfile.TemporaryDirectory(prefix="bulkrail-whole-") as place, scene(way, Path(place) / "whole") as whole:
        assert whole.run() == 0
        seen, outcome = (whole.folder / "report").read_text().split(" ", 1)
        assert outcome == "done"
        assert whole.state() is S.DELIVERED
        assert sorted(whole.made()) == whole.wanted
    points = list(range(int(seen)))
    assert len(points) >= 10
    return sample(points, 4)


def _check(one: Scene, way: str, at: int) -> None:
    made = one.made()
    assert len(made) == len(set(made)), f"{way}, point {at}: made twice"
    assert one.state() in {S.DELIVERED, S.UNKNOWN}, f"{way}, point {at}"
    if way in CERTAIN:
        assert one.state() is S.DELIVERED, f"{way}, point {at}"
    if one.state() is S.DELIVERED:
        assert sorted(made) == one.wanted, f"{way}, point {at}"


@pytest.mark.parametrize("way", WAYS)
def test_killed_anywhere_and_started_again(tmp_path, way) -> None:
    for at in _points(way):
        with scene(way, tmp_path / f"{at}") as one:
            assert one.run(at) == -signal.SIGKILL
            assert one.run() == 0
            one.later()
            for _ in range(2):
                assert one.run() == 0
            _check(one, way, at)


@pytest.mark.parametrize("way", WAYS)
def test_stopped_anywhere_while_a_second_worker_acts(tmp_path, way) -> None:
    for at in _points(way):
        with scene(way, tmp_path / f"{at}") as one:
            sleeper = one.start(at, signal.SIGSTOP)
            assert wait_until_stopped(sleeper.pid)
            assert one.run() == 0
            one.later()
            assert one.run() == 0
            os.kill(sleeper.pid, signal.SIGCONT)
            sleeper.join(30)
            assert sleeper.exitcode == 0
            assert one.run() == 0
            _check(one, way, at)

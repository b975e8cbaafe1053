"""Kill and stop the worker at every log move and every effect: the bank gets the file once, and nothing is forgotten."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from delivery_world import DATA, FolderOptions, MakeWorld, S, SftpOptions, World, wait_until_stopped
from workers import sample

from sandbox._bank_home import BankWays
from sandbox.keys import make_key, public_key
from sandbox.sftp import SftpSandbox, User

pytestmark = pytest.mark.crash

CERTAIN = {"folder", "sftp", "sftp_resume"}
"""Ways that promise enough to settle every crash: atomic rename, and nobody clears temporaries."""

WAYS = {
    "folder": {"temporaries_cleared": False},
    "folder_cleared": {},
    "sftp": {"rename_atomic": True, "temporaries_cleared": False},
    "sftp_resume": {"rename_atomic": True, "temporaries_cleared": False, "resume": True},
    "sftp_copy": {},
    "sftp_marker": {"release": "marker"},
    "sftp_direct": {"release": "direct"},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[tuple[SftpSandbox, Path, str]]:
    root = tmp_path_factory.mktemp("banks")
    key = make_key(root / "keys", "gateway")
    homes = root / "homes"
    users = [
        User(username=name, kind="bank", home=str(homes / name), authorized_keys=public_key(key), ways=ways)
        for name, ways in {"atomic": BankWays(), "copy": BankWays(rename="copy")}.items()
    ]
    with SftpSandbox(users, root / "keys" / "host") as sandbox:
        yield sandbox, homes, key.read_text()


@pytest.fixture
def make_world(server, tmp_path) -> MakeWorld:
    sandbox, homes, secret = server

    def make(way: str) -> World:
        number = len(list(tmp_path.iterdir()))
        if way.startswith("folder"):
            folder = tmp_path / f"{number}"
            (folder / "in").mkdir(parents=True)
            return World(folder, FolderOptions(inbox=folder / "in", **WAYS[way]), secret)
        user = "copy" if way == "sftp_copy" else "atomic"
        name = f"in/{tmp_path.name}-{number}"
        folder = tmp_path / f"{number}"
        folder.mkdir()
        (homes / user / name).mkdir(parents=True)
        # The bank's folder is the user's; `World` sees it under its own name.
        (folder / "in").symlink_to(homes / user / name)
        options = SftpOptions(
            host="127.0.0.1", port=sandbox.port, username=user, private_key_secret="key", host_key=sandbox.host_key,
            inbox=f"/{name}", timeout_s=10, **WAYS[way],
        )  # fmt: skip
        return World(folder, options, secret)

    return make


def _check(world: World, way: str, point: str) -> None:
    state, copies = world.state(), world.copies()
    assert state in {S.DELIVERED, S.UNKNOWN}, point
    if way in CERTAIN:
        assert state is S.DELIVERED, point
    if state is S.DELIVERED:
        assert [copy.read_bytes() for copy in copies] == [DATA], point
    assert len(copies) <= 1, point


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("bank_is_quick", [False, True])
def test_killed_anywhere_and_started_again(make_world, way: str, bank_is_quick: bool) -> None:
    points = make_world(way).points()
    assert points >= 10
    for at in sample(list(range(points)), 4):
        world = make_world(way)
        assert world.run(at) == -signal.SIGKILL
        if bank_is_quick:
            world.bank_takes()
        for _ in range(2):
            assert world.run() == 0
        world.bank_takes()
        assert world.run() == 0
        _check(world, way, f"{way}, killed at point {at}")


@pytest.mark.parametrize("way", WAYS)
def test_stopped_anywhere_while_a_second_worker_acts(make_world, way: str) -> None:
    points = make_world(way).points()
    assert points >= 10
    for at in sample(list(range(points)), 4):
        world = make_world(way)
        sleeper = world.start(at, signal.SIGSTOP)
        assert wait_until_stopped(sleeper.pid)
        assert world.run() == 0
        world.bank_takes()
        os.kill(sleeper.pid, signal.SIGCONT)
        sleeper.join(30)
        assert sleeper.exitcode == 0
        assert world.run() == 0
        world.bank_takes()
        _check(world, way, f"{way}, stopped at point {at}")

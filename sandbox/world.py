"""Start and end the sandbox's processes as one: the SFTP server, Airflow, the banks. Used by `demo` and `up`.

Everything lives below one folder. Each process leads a process group of its own and is ended with the whole group
(Airflow's scheduler outlives a SIGTERM to its parent alone); if this process dies without a word, the kernel ends them.
"""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from sandbox.keys import make_key, public_key
from sandbox.sftp import SandboxConfig, User

REPOSITORY: Final = Path(__file__).resolve().parents[1]
CLIENTS: Final = ("alder", "birch", "cedar")
BANKS: Final = ("euro_bank", "us_bank")
_USERS: Final = {"admin": "admin", "operator": "user", "viewer": "viewer"}
_PR_SET_PDEATHSIG: Final = 1
_PATIENT_CALLS: Final = 20


@dataclass(frozen=True, slots=True)
class World:
    """Where things are, on which ports."""

    root: Path
    sftp_port: int
    airflow_port: int

    @property
    def home(self) -> Path:
        """The gateway's own folder: registry, store, secrets."""
        return self.root / "gateway"

    @property
    def store(self) -> Path:
        """The object store: archive, lake, clients' homes, reports."""
        return self.home / "store"

    @property
    def keys(self) -> Path:
        """Private keys of the clients and of the server."""
        return self.root / "keys"

    @property
    def airflow_url(self) -> str:
        """Airflow's pages and API."""
        return f"http://127.0.0.1:{self.airflow_port}"

    def bank_home(self, bank: str) -> Path:
        """The bank's side of its SFTP account: in/ and out/."""
        return self.root / "banks" / bank

    def log(self, name: str) -> Path:
        """Where a process writes."""
        return self.root / "logs" / f"{name}.log"

    def password(self, user: str) -> str:
        """Airflow password of a user of this world."""
        return str(json.loads((self.root / "airflow" / "passwords.json").read_text(encoding="utf-8"))[user])

    def environment(self) -> dict[str, str]:
        """What the gateway and Airflow need to know."""
        dags = [
            {
                "name": "bulkrail",
                "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
                "kwargs": {"path": str(REPOSITORY / "dags"), "refresh_interval": 30},
            }
        ]
        url = self.airflow_url
        airflow = {
            "AIRFLOW_HOME": str(self.root / "airflow"),
            # Its processes wait for one another longer than the five seconds that SQLite waits by itself: machines may be slow.
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.root / 'airflow' / 'airflow.db'}?timeout=30",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in _USERS.items()),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.root / "airflow" / "passwords.json"),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.airflow_port),
            "AIRFLOW__API__BASE_URL": url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(dags),
            "AIRFLOW__DAG_PROCESSOR__STALE_DAG_THRESHOLD": "300",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        }
        gateway = {
            "BULKRAIL_HOME": str(self.home),
            "BULKRAIL_CONFIG_DIR": str(REPOSITORY / "examples" / "config"),
            "BULKRAIL_POLL_INTERVAL_S": "1",
            "BULKRAIL_PROVIDER_POLL_INTERVAL_S": "2",
            "BULKRAIL_SFTP_PORT": str(self.sftp_port),
            "BULKRAIL_SFTP_HOST_KEY": public_key(self.keys / "server"),
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "BULKRAIL_"))}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        return {**inherited, **airflow, **gateway, "PATH": path, "PYTHONUNBUFFERED": "1"}


def free_port(preferred: int = 0) -> int:
    """`preferred` where nobody listens on it, else any free port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", preferred))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def build(root: Path, sftp_port: int, airflow_port: int) -> World:
    """Make folders, keys, passwords and the SFTP server's configuration; what is there already is kept."""
    world = World(root.resolve(), sftp_port, airflow_port)
    for folder in (world.store, world.home / "secrets", world.root / "logs", world.root / "airflow"):
        folder.mkdir(parents=True, exist_ok=True)
    make_key(world.keys, "server")
    users = []
    for client in CLIENTS:
        folder = world.store / "clients" / client
        folder.mkdir(parents=True, exist_ok=True)
        public = public_key(make_key(world.keys, client))
        users.append(User(username=client, kind="client", home=f"file://{folder}", authorized_keys=public))
    for bank in BANKS:
        for name in ("in", "out"):
            (world.bank_home(bank) / name).mkdir(parents=True, exist_ok=True)
        key = make_key(world.home / "secrets", f"{bank}_key")
        users.append(
            User(
                username=f"{bank}_bulkrail",
                kind="bank",
                home=str(world.bank_home(bank)),
                authorized_keys=public_key(key),
            )
        )
    config = SandboxConfig(
        users=tuple(users), host_key=world.keys / "server", port=sftp_port, ready_file=world.root / "sftp.ready"
    )
    (world.root / "sftp.json").write_text(config.model_dump_json(indent=2), encoding="utf-8")
    ours = {name: value for name, value in world.environment().items() if name.startswith("BULKRAIL_")}
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in ours.items()]
    (world.root / "environment.sh").write_text("".join(lines), encoding="utf-8")
    passwords = world.root / "airflow" / "passwords.json"
    if not passwords.exists():
        passwords.write_text(json.dumps({user: secrets.token_urlsafe(9) for user in _USERS}), encoding="utf-8")
        passwords.chmod(0o600)
    return world


@contextmanager
def running(world: World) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """The SFTP server and Airflow, up and answering; both are ended with all their children afterwards."""
    with ExitStack() as stack:
        (world.root / "sftp.ready").unlink(missing_ok=True)
        sftp = stack.enter_context(
            process(world, "sftp", [sys.executable, "-m", "sandbox.sftp", "--config", str(world.root / "sftp.json")])
        )
        airflow = stack.enter_context(process(world, "airflow", [sys.executable, "-m", "airflow", "standalone"]))
        wait_for((world.root / "sftp.ready").exists, "the SFTP server", sftp, world.log("sftp"), 20)
        yield {"sftp": sftp, "airflow": airflow}


@contextmanager
def process(world: World, name: str, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that leads its own group and writes to its own log; the group is ended afterwards."""
    with world.log(name).open("ab") as log:
        started = subprocess.Popen(  # noqa: S603  our own commands
            command, env=world.environment(), cwd=REPOSITORY, stdout=log, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, preexec_fn=_lead_a_group,  # noqa: PLW1509  no threads are running yet
        )  # fmt: skip
    try:
        yield started
    finally:
        end(started)


def _lead_a_group() -> None:
    os.setsid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def end(started: subprocess.Popen[bytes], patience_s: float = 8.0) -> None:
    """SIGTERM to the whole group, SIGKILL to what is left of it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(started.pid, number)
        except ProcessLookupError:
            break
        until = time.monotonic() + patience_s
        while time.monotonic() < until and _alive(started):
            time.sleep(0.1)
    started.wait()


def _alive(started: subprocess.Popen[bytes]) -> bool:
    started.poll()
    try:
        os.killpg(started.pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(
    ready: Callable[[], Any], what: str, started: subprocess.Popen[bytes] | None, log: Path | None, patience_s: float
) -> Any:
    """Poll until `ready` gives something true, and give that.

    Raises:
        RuntimeError: the process ended first, or the time is up; the message names its log.
    """
    until = time.monotonic() + patience_s
    where = f"; see {log}" if log else ""
    while time.monotonic() < until:
        if (found := ready()) is not None and found is not False:
            return found
        if started is not None and started.poll() is not None:
            raise RuntimeError(f"{what} ended with code {started.returncode}{where}")
        time.sleep(0.2)
    raise RuntimeError(f"{what} was not ready after {patience_s:.0f} s{where}")


class Airflow:
    """Airflow's REST API, as the admin of this world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._client = httpx.Client(base_url=world.airflow_url, timeout=60, trust_env=False)

    def healthy(self) -> bool:
        """All four components say so."""
        try:
            found = self._client.get("/api/v2/monitor/health")
        except httpx.TransportError:
            return False
        parts = found.json() if found.status_code == httpx.codes.OK else {}
        wanted = ("metadatabase", "scheduler", "triggerer", "dag_processor")
        return all((parts.get(name) or {}).get("status") == "healthy" for name in wanted)

    def login(self) -> None:
        """Take a token."""
        body = {"username": "admin", "password": self._world.password("admin")}
        found = self._client.post("/auth/token", json=body)
        found.raise_for_status()
        self._client.headers["Authorization"] = f"Bearer {found.json()['access_token']}"

    def dags(self) -> set[str]:
        """Ids of the DAGs that are parsed."""
        return {item["dag_id"] for item in self._get("/api/v2/dags")["dags"]}

    def trigger(self, dag_id: str, run_id: str, conf: Mapping[str, Any]) -> None:
        """Start a run by hand. Its id makes a repeat visible as a repeat."""
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf)}
        self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", body)

    def runs(self, dag_id: str = "~") -> list[dict[str, Any]]:
        """Runs of one DAG, or of all of them."""
        return list(self._get(f"/api/v2/dags/{dag_id}/dagRuns?limit=100")["dag_runs"])

    def import_errors(self) -> list[str]:
        """DAG files that could not be read."""
        return [
            f"{item['filename']}: {item['stack_trace']}" for item in self._get("/api/v2/importErrors")["import_errors"]
        ]

    def make_pools(self) -> None:
        """The pools that the DAGs name."""
        text = (REPOSITORY / "bulkrail_airflow" / "pools.json").read_text(encoding="utf-8")
        for name, pool in json.loads(text).items():
            self._call("POST", "/api/v2/pools", {"name": name, **pool})

    def _get(self, path: str) -> dict[str, Any]:
        return dict(self._call("GET", path).json())

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        """Call until Airflow answers: on SQLite it says 500 while another of its processes holds the lock.

        Every call here may be repeated: what is there already (409) is as good as made.
        """
        for _ in range(_PATIENT_CALLS):
            found = self._client.request(method, path, json=body)
            if not found.is_server_error:
                break
            time.sleep(1)
        if found.status_code != httpx.codes.CONFLICT:
            found.raise_for_status()
        return found

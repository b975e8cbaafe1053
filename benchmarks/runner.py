"""The benchmarks' runner: work as a process of its own, its time and memory, and the table of what was found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from parsers._iso_xsd import FOLDER_VARIABLE

MILLION: Final = 1_000_000
_RUNS: Final = 3
"""Of a short case: the fastest counts, for other work on the machine only ever slows it."""
_TIMED_SHARE_MIN: Final = 0.01
"""Of smaller inputs nobody looks at the times, only at what is found."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One process. Seconds; `anon_mib`: the most anonymous memory it had."""

    wall_s: float
    cpu_s: float
    anon_mib: float
    found: dict[str, Any]


def run(*work: str) -> Ran:
    """Run `benchmarks.work` as a process of its own and watch its memory. Its modules are compiled, as installed ones are."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before, first = os.times(), time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.work", *work], stdout=subprocess.PIPE, text=True, env=environment
    )  # fmt: skip
    peak = [0.0]
    watcher = threading.Thread(target=_watch, args=(process.pid, peak))
    watcher.start()
    out, _ = process.communicate()
    watcher.join()
    wall, after = time.perf_counter() - first, os.times()
    if process.returncode:
        raise SystemExit(f"{' '.join(work)} failed")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Ran(wall, cpu, peak[0], json.loads(out.splitlines()[-1]))


def _watch(pid: int, peak: list[float]) -> None:
    status = Path(f"/proc/{pid}/status")
    while True:
        try:
            lines = status.read_text().splitlines()
        except OSError:
            return
        anon = next((int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon")), None)
        if anon is None:
            return  # it has ended
        peak[0] = max(peak[0], anon)
        time.sleep(0.02)


@dataclass(slots=True)
class Bench:
    """One run of all cases. `share` scales the inputs; `rows` of the table are collected as they come.

    `largest`: how far curves go, in millions of payments.
    """

    folder: Path
    share: float
    rows: list[tuple[str, ...]]
    largest: float = 1.0

    def count(self, millions: float) -> int:
        """Payments of an input."""
        return max(1000, int(millions * MILLION * self.share))

    def file(self, name: str, write: Callable[[Path], object]) -> Path:
        """An input, written once."""
        path = self.folder / name
        if not path.exists():
            write(path)
        return path

    @property
    def schemas(self) -> Path:
        """The folder of schemas that the gateway of a benchmark finds."""
        return Path(os.environ.get(FOLDER_VARIABLE) or os.devnull)

    @property
    def runs(self) -> int:
        """How often a short case is run."""
        return _RUNS if self.share >= _TIMED_SHARE_MIN else 1

    def fastest(self, *work: str) -> Ran:
        """The fastest of a few runs of a short case."""
        return min((run(*work) for _ in range(self.runs)), key=lambda ran: ran.wall_s)

    def received(self, path: Path) -> tuple[Path, Ran]:
        """The folder of a fresh gateway that has received the file, and how long digest and archive took."""
        home = Path(tempfile.mkdtemp(dir=self.folder))
        return home, run("receive", str(home), str(path))

    def home(self, kept: Path, *, xsd: bool = False) -> Path:
        """A copy of such a folder, to go on in."""
        home = Path(tempfile.mkdtemp(dir=self.folder))
        shutil.copytree(kept, home, dirs_exist_ok=True)
        if xsd:
            (home / "xsd").touch()
        return home

    def note(self, case: str, ran: Ran, yardstick: Ran | None, target: float | None, remark: str = "") -> None:
        """One line of the table."""
        ratio = ran.wall_s / yardstick.wall_s if yardstick else None
        kept = "" if target is None or ratio is None else ("yes" if ratio <= target else "NO")
        self.rows.append((
            case, f"{ran.wall_s:.2f}", f"{ran.cpu_s:.2f}", f"{ran.anon_mib:.0f}",
            f"{yardstick.wall_s:.2f}" if yardstick else "", f"{ratio:.2f}" if ratio else "",
            f"{target:.2f}" if target else "", kept, remark,
        ))  # fmt: skip
        print(" | ".join(self.rows[-1]), flush=True)

"""The sandbox to stay: `python -m sandbox.up` (or `make up`). Ctrl-C ends every process; the data below `var/up` stays."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import Final

from rich.console import Console

from sandbox.banks import BankConfig, BanksConfig
from sandbox.world import BANKS, CLIENTS, Airflow, World, build, free_port, process, running, wait_for

ROOT: Final = Path("var/up")


def main() -> None:
    """Start, say what to try, wait for Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    out = Console()
    world = build(ROOT, free_port(2222), free_port(8080))
    banks = BanksConfig(
        banks=tuple(
            BankConfig(home=world.bank_home(name), books=world.root / "banks" / f"{name}.sqlite", example=name)
            for name in BANKS
        )
    )
    config = world.root / "banks.json"
    config.write_text(banks.model_dump_json(indent=2), encoding="utf-8")
    try:
        with running(world) as processes:
            command = [sys.executable, "-m", "sandbox.banks", "--config", str(config), "--every", "2"]
            with process(world, "banks", command) as playing:
                airflow = Airflow(world)
                with out.status("Airflow starts …"):
                    wait_for(airflow.healthy, "Airflow", processes["airflow"], world.log("airflow"), 120)
                airflow.login()
                airflow.make_pools()
                _say(out, world, config)
                while all(item.poll() is None for item in (*processes.values(), playing)):
                    time.sleep(0.5)
            out.print("[red]a process ended by itself[/]; its log tells why", world.root / "logs")
    except KeyboardInterrupt:
        out.print("\nended; the data stays in", world.root)


def _say(out: Console, world: World, config: Path) -> None:
    line = f"sftp -i {world.keys}/{CLIENTS[0]} -P {world.sftp_port} -o StrictHostKeyChecking=no {CLIENTS[0]}@127.0.0.1"
    python = f"{Path(sys.executable)}"
    for text in (
        f"[bold]Airflow[/]        {world.airflow_url}   user admin, password {world.password('admin')}",
        f"[bold]Clients[/]        {', '.join(CLIENTS)}; keys in {world.keys}",
        f"[bold]Try[/]            {line}",
        "               sftp> put salaries.xml inbox/     and later:  ls outbox",
        f"[bold]Files to send[/]  {python} -m sandbox.day FOLDER    writes today's example files",
        f"[bold]Statements[/]     {python} -m sandbox.banks --config {config} --once --close-day",
        f"[bold]Command line[/]   source {world.root}/environment.sh; .venv/bin/bulkrail status ID",
        f"[bold]Logs[/]           {world.root}/logs",
        "Ctrl-C ends everything.",
    ):
        out.print(text, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()

"""`make bench`: every case as a whole process beside its yardstick, what it found held against what was written.

Only ratios within one run mean anything: the machine is whoever's it is. Inputs are seeded and written first.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import finance, load, make_camt053, make_csv, make_nacha, make_pain001, town
from benchmarks.runner import Bench, run
from parsers._iso_xsd import FOLDER_VARIABLE


def iso(
    bench: Bench, kind: str, millions: float = 1.0, bad: float = 0.0, *, steps: tuple[str, ...] = ("parse", "judge")
) -> None:
    """Arrival to the lake, all rules and the answer, the same with XSD."""
    count = bench.count(millions)
    write = make_pain001.write if kind == "pain.001" else make_pain001.write_pain008
    totals: list[int] = []
    path = bench.file(f"{kind}-{count}-{bad}.xml", lambda out: totals.append(write(out, count, 1, bad)))
    yardstick = bench.fastest("sax", str(path))
    label = f"{kind} {count:,}" + (f", {bad:.0%} bad" if bad else "")
    kept, received = bench.received(path)
    if "xsd" in steps and not any(bench.schemas.glob(f"{kind}.*.xsd")):
        print(f"{label}: the same with XSD | not measured: no schemas here ({FOLDER_VARIABLE} names their folder)")
        steps = tuple(step for step in steps if step != "xsd")
    for step in steps:
        home = bench.home(kept, xsd=step == "xsd")
        ran = run("parse" if step == "parse" else "judge", str(home), received.found["file_id"])
        found = ran.found["payments"] if step == "parse" else ran.found["accepted"] + ran.found["rejected"]
        assert found == count, (label, step, ran.found)
        if not bad and step != "parse":
            assert (ran.found["rejected"], ran.found["findings"]) == (0, 0), ran.found
        words = {"parse": "to the lake", "judge": "all rules, pain.002, lake", "xsd": "the same with XSD"}[step]
        target = {"parse": 1.7, "judge": 3.0, "xsd": 5.0}[step]
        remark = f"digest and archive {received.wall_s:.1f} s" if step == "parse" else str(ran.found["stages_s"])
        bench.note(f"{label}: {words}", ran, yardstick, target, remark)
        shutil.rmtree(home)
    shutil.rmtree(kept)


def flat(
    bench: Bench, kind: str, label: str, path: Path, count: int, yardstick: tuple[str, str] | None, target: float | None
) -> None:
    """A line-based format: parse and all record rules; beside the ratio of whole processes that without both start-ups."""
    started = bench.fastest("start", kind)
    measure = bench.fastest(*yardstick) if yardstick else None
    ran = bench.fastest("windows", kind, str(path))
    assert ran.found["payments"] + ran.found["unreadable"] == count, ran.found
    remark = f"{ran.found['findings']} findings; start-up {started.wall_s:.2f} s"
    if yardstick and measure:
        other = bench.fastest("start", yardstick[0])
        rest = (ran.wall_s - started.wall_s) / (measure.wall_s - other.wall_s)
        remark += f", of the yardstick {other.wall_s:.2f} s; both taken off, the ratio is {rest:.2f}"
    bench.note(label, ran, measure, target, remark)


def lines(bench: Bench, wanted: Callable[[str], bool]) -> None:
    """The line-based formats."""
    million = bench.count(1)
    if wanted("nacha"):
        path = bench.file("nacha.ach", lambda out: make_nacha.write(out, million, 1))
        flat(bench, "nacha", f"NACHA {million:,} entries with addenda", path, million, ("nacha_loop", str(path)), 0.4)
    if wanted("csv"):
        path = bench.file("payments.csv", lambda out: make_csv.write(out, million, 1))
        flat(bench, "csv", f"CSV {million:,} rows", path, million, ("polars_csv", str(path)), 3.0)
    if wanted("xlsx"):
        rows = bench.count(0.1)
        path = bench.file("payments.xlsx", lambda out: make_csv.write_xlsx(out, rows, 1))
        flat(bench, "xlsx", f"XLSX {rows:,} rows", path, rows, None, None)


def checks(bench: Bench) -> None:
    """`bulkrail check` of a small good file of each format, start-up included."""
    makers: dict[str, Callable[[Path], object]] = {
        "small.001.xml": lambda out: make_pain001.write(out, 100, 1, 0.0),
        "small.008.xml": lambda out: make_pain001.write_pain008(out, 100, 1, 0.0),
        "small.ach": lambda out: make_nacha.write(out, 100, 1),
        "small.csv": lambda out: make_csv.write(out, 100, 1),
        "small.xlsx": lambda out: make_csv.write_xlsx(out, 100, 1),
    }
    paths = [bench.file(name, write) for name, write in makers.items()]
    golden = Path(__file__).parent.parent / "tests" / "parsers" / "golden"
    paths += [
        golden / "bacs18" / "single_day.txt", golden / "mt101" / "two_messages.fin", golden / "camt055" / "request.xml",
    ]  # fmt: skip
    for path in paths:
        ran = bench.fastest("check", str(path))
        bench.note(f"bulkrail check {path.name}", ran, None, None, f"{ran.found['verdict']}; at most 2 s")


def out(bench: Bench, kind: str, label: str, path: Path, target: float, *, back: bool) -> None:
    """Payments to a provider's file, beside the parsing of the same payments."""
    folder = str(bench.folder / f"{kind}-ready")
    count = run("keep", kind, str(path), folder).found["payments"]
    yardstick = run("windows", kind, str(path))
    ran = run("out", kind, folder, "yes" if back else "no")
    assert ran.found["payments"] == count == yardstick.found["payments"], (ran.found, yardstick.found)
    remark = f"CPU {ran.cpu_s / yardstick.cpu_s:.2f} x parsing"
    bench.note(f"{label} {count:,}", ran, yardstick, target, remark)
    shutil.rmtree(folder)


def provider_files(bench: Bench, million: int) -> None:
    """The exports that have a target."""
    path = bench.file(f"pain.001-{million}-0.0.xml", lambda file: make_pain001.write(file, million, 1, 0.0))
    out(bench, "pain.001", "pain.001 out, read back", path, 1.5, back=True)
    path = bench.file("nacha.ach", lambda file: make_nacha.write(file, million, 1))
    out(bench, "nacha", "NACHA out", path, 1.2, back=False)


def everything(bench: Bench, only: str) -> None:
    """All cases whose name holds `only`."""
    million = bench.count(1)

    def wanted(name: str) -> bool:
        return only in name

    if wanted("pain.001"):
        iso(bench, "pain.001", steps=("parse", "judge", "xsd"))
        iso(bench, "pain.001", 1, 0.01)
        iso(bench, "pain.001", 1, 0.20)
    if wanted("memory"):
        iso(bench, "pain.001", 3, steps=("parse", "judge", "xsd"))
    if wanted("pain.008"):
        iso(bench, "pain.008", steps=("parse", "judge"))
    lines(bench, wanted)
    for name, case in (
        ("journey", journey),
        ("camt.053", statement),
        ("sftp", line),
        ("check", checks),
        ("load", load.case),
        *finance.CASES.items(),
    ):
        if wanted(name):
            case(bench)
    if wanted("duplicates"):
        home = tempfile.mkdtemp(dir=bench.folder)
        ran = run("duplicates", home, str(bench.count(100)), str(million))
        bench.note(
            f"duplicates {million:,} keys against {bench.count(100):,}",
            ran,
            None,
            None,
            f"{ran.found['seconds']} s searched, target 1 s",
        )
        shutil.rmtree(home)


def journey(bench: Bench) -> None:
    """The whole way of one file, to four banks."""
    million = bench.count(1)
    path = bench.file(f"pain.001-{million}-0.0.xml", lambda file: make_pain001.write(file, million, 1, 0.0))
    home = Path(tempfile.mkdtemp(dir=bench.folder))
    town.banks(home, -(-million // len(town.ACCOUNTS)))
    received = run("receive", str(home), str(path)).found
    yardstick, ran = bench.fastest("sax", str(path)), run("journey", str(home), received["file_id"])
    assert ran.found["payments"] == million, ran.found
    assert ran.found["files"] == len(town.ACCOUNTS), ran.found
    assert ran.found["sum_minor"] == ran.found["parsed_minor"], ran.found
    bench.note(
        f"whole journey, {million:,} payments, four files",
        ran,
        yardstick,
        4.5,
        f"CPU {ran.cpu_s / yardstick.cpu_s:.2f} x",
    )
    shutil.rmtree(home)


def statement(bench: Bench) -> None:
    """An account statement from the archive to the lake."""
    entries = bench.count(0.2)
    path = bench.file(f"camt053-{entries}.xml", lambda out: make_camt053.write(out, entries, 1))
    home = tempfile.mkdtemp(dir=bench.folder)
    run("ready", home)
    yardstick, ran = bench.fastest("sax", str(path)), run("feedback", home, "camt.053", str(path))
    assert ran.found["entries"] == entries, ran.found
    assert ran.found["findings"] == 0, ran.found
    bench.note(
        f"camt.053 {entries:,} entries to the lake", ran, yardstick, 2.0, f"CPU {ran.cpu_s / yardstick.cpu_s:.2f} x"
    )
    shutil.rmtree(home)


def line(bench: Bench) -> None:
    """One large file to OpenSSH's sshd on this machine, by the whole protocol, beside the plain client."""
    from benchmarks import lines

    if not lines.possible():
        print("sftp: OpenSSH's sshd or sftp is not installed here")
        return
    size = int(500_000_000 * bench.share)
    path = bench.file(f"line-{size}.bin", lambda out: lines.make_file(out, size))
    with lines.bank(bench.folder) as server:
        yardstick, ran = run("sftp_plain", str(server), str(path)), run("sftp_delivery", str(server), str(path))
    assert yardstick.found == ran.found, "the bank has another file"
    bench.note(f"SFTP delivery, {size / 1e6:.0f} MB to sshd", ran, yardstick, 2.0, "beside the plain sftp client")


def main() -> None:
    """Write the inputs, run the cases, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the full inputs")
    parser.add_argument(
        "--only",
        default="",
        help=f"pain.001, memory, pain.008, nacha, csv, xlsx, camt.053, check, sftp, journey, load, duplicates, {', '.join(finance.CASES)} or out",
    )
    parser.add_argument(
        "--largest", type=float, default=1.0, help="millions of payments at the end of the curve of reconcile: up to 10"
    )
    parser.add_argument("--keep", type=Path, help="folder in which inputs are kept for the next run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        bench = Bench(folder, options.share, [], options.largest)
        everything(bench, options.only)
        if options.only in "out":
            provider_files(bench, bench.count(1))
    table = Table(
        title=f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
    )
    for name in ("case", "wall s", "CPU s", "anon MiB", "yardstick s", "ratio", "target", "kept", ""):
        table.add_column(name)
    for row in bench.rows:
        table.add_row(*row)
    Console(width=200).print(table)


if __name__ == "__main__":
    main()

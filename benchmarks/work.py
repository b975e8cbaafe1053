"""What the benchmarks run, each as a whole process: `python -m benchmarks.work NAME ARGUMENT...`.

A yardstick does the least that anybody must do with the same file; the others are the gateway itself. Each prints one JSON
object of what it found, so that the runner can hold it against what the generator wrote.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

from gateway.__main__ import collect_seldom

Facts = dict[str, Any]


def sax(path: str) -> Facts:
    """libxml2 SAX into an empty target, one thread."""
    from lxml import etree

    class Nothing:
        def close(self) -> None:
            return None

    parser: Any = etree.XMLParser(target=cast(Any, Nothing()), huge_tree=True, resolve_entities=False)
    with Path(path).open("rb") as file:
        while chunk := file.read(2**20):
            parser.feed(chunk)
    parser.close()
    return {}


def nacha_loop(path: str) -> Facts:
    """Slice the fields of every record in a plain loop; no checks."""
    count, total = 0, 0
    fields: list[Any] = []
    with Path(path).open(encoding="ascii") as file:
        for line in file:
            kind = line[0]
            if kind == "6":
                fields = [
                    line[1:3], line[3:11], line[11], line[12:29].strip(), int(line[29:39]), line[39:54].strip(),
                    line[54:76].strip(), line[76:78], line[78], line[79:94],
                ]  # fmt: skip
                count += 1
                total += fields[4]
            elif kind == "7":
                fields = [line[1:3], line[3:83].strip(), line[83:87], line[87:94]]
            elif kind in "58":
                fields = [line[1:4], line[4:20].strip(), line[20:40].strip(), line[40:50], line[50:53], line[53:63]]
    return {"payments": count, "sum": total}


def polars_csv(path: str) -> Facts:
    """Polars' own reader."""
    import polars as pl

    return {"payments": pl.read_csv(path, infer_schema=False).height}


def start(name: str) -> Facts:
    """Load what a format's reader, or a yardstick, needs, and do nothing."""
    if name == "polars_csv":
        import polars as pl

        return {"loaded": pl.__name__}
    if name != "nacha_loop":
        from canonical.plugins import lookup

        return {"loaded": lookup("parsers", "FORMAT", name).name}
    return {"loaded": ""}


def windows(kind: str, path: str) -> Facts:
    """Read a file by its format's own reader, with the findings of its records, and keep nothing."""
    import mmap

    from canonical.contracts import Source
    from canonical.plugins import lookup

    found = lookup("parsers", "FORMAT", kind)
    count, total, findings, unreadable = 0, 0, 0, 0
    with Path(path).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for window in found.windows(Source("0" * 20, Path(path).name, data), found.options()):
            count += window.payments.height
            total += int(window.payments["amount_minor"].sum())
            findings += window.findings.height
            unreadable += window.unreadable
    return {"payments": count, "sum": total, "findings": findings, "unreadable": unreadable}


def keep(kind: str, path: str, folder: str) -> Facts:
    """Payments of a file as they are after routing, for `out`."""
    from benchmarks import ready

    return {"payments": ready.keep(kind, Path(path), Path(folder))}


def out(kind: str, folder: str, back: str) -> Facts:
    """Kept payments to a provider's file and, where `back` is "yes", read back and compared."""
    import mmap
    import tempfile

    from benchmarks import ready
    from canonical.contracts import Source
    from canonical.plugins import discover

    export, order = discover("exporters", "EXPORT")[kind], ready.order(kind)
    with tempfile.TemporaryFile(dir=folder) as file:
        summary = export.write(order, ready.kept(Path(folder)), file)
        file.flush()
        if back == "yes":
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                assert export.reread(Source("0" * 20, "out", data), order) == summary
    return {"payments": summary.payments, "sums_minor": summary.sums_minor}


def check(path: str) -> Facts:
    """`bulkrail check`, as the command line runs it."""
    import contextlib
    import io

    from gateway.__main__ import main

    printed, sys.argv = io.StringIO(), ["bulkrail", "check", path, "--output", "json"]
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        main()
    return {"verdict": json.loads(printed.getvalue())["verdict"]}


def receive(home: str, path: str) -> Facts:
    """Digest and archive the file."""
    from benchmarks.town import opened
    from gateway.intake.receive import receive as take

    with opened(Path(home)) as gateway:
        gateway.store.put(f"clients/bench/inbox/{Path(path).name}", Path(path))
        found = [item.file_id for item in take(gateway)]
    return {"file_id": found[0]}


def parse(home: str, file_id: str) -> Facts:
    """From the archive to the canonical frame in the lake."""
    from benchmarks.town import opened
    from gateway.intake.parse import parse as stage

    with opened(Path(home)) as gateway:
        return stage(gateway, file_id)


def judge(home: str, file_id: str) -> Facts:
    """Parse, all rules, findings and verdicts in the lake, and the client's pain.002."""
    from benchmarks.town import opened
    from gateway.stages import run_stage

    seconds, before = {}, time.perf_counter()
    with opened(Path(home)) as gateway:
        for name in ("parse", "validate", "approve", "answer"):
            found = run_stage(gateway, name, file_id)
            seconds[name] = round(time.perf_counter() - before, 2)
            before = time.perf_counter()
            if name == "validate":
                facts: Facts = found
    return {**facts, "stages_s": seconds}


def journey(home: str, file_id: str) -> Facts:
    """From the archive to the files of four banks, read back and delivered, with everything between and the client's answer."""
    from benchmarks.town import opened
    from gateway.delivery.dispatch import due
    from gateway.planning.plans import live_submissions
    from gateway.stages import run_journey, run_stage

    with opened(Path(home)) as gateway:
        run_journey(gateway, file_id)
        for row in due(gateway):
            run_stage(gateway, "dispatch", row["submission_id"])
        rows, parsed = live_submissions(gateway, file_id), gateway.lake.committed(file_id, "parse")
    assert parsed is not None
    assert all(row["state"] == "DELIVERED" for row in rows), [row["state"] for row in rows]
    return {
        "files": len(rows), "payments": sum(row["payments"] for row in rows), "sum_minor": sum(row["sum_minor"] for row in rows),
        "parsed_minor": parsed["sums"]["EUR"],
    }  # fmt: skip


def ready(home: str) -> Facts:
    """A gateway whose registry is made, as any is but at its first start."""
    from benchmarks.town import opened

    with opened(Path(home)):
        return {}


def feedback(home: str, kind: str, path: str) -> Facts:
    """A provider's file, archived before, to the lake: read, checked, written and committed."""
    from benchmarks.town import followed

    return followed(Path(home), kind, Path(path))


def duplicates(home: str, known: str, new: str) -> Facts:
    """Look new keys up among those known, in runs as many files would have left them; the time of the search alone."""
    from benchmarks.town import searched

    return searched(Path(home), int(known), int(new))


def quality(count: str, seeds: str, at_once: str) -> Facts:
    """Days of known truth, matched and judged."""
    from benchmarks.quality import facts, measured

    return facts(measured(int(count), range(1, int(seeds) + 1), at_once=at_once == "yes"))


def days(folder: str, count: str) -> Facts:
    """A day of known truth as files of frames, for `reference_join` and `ladder`."""
    from benchmarks.ladder import keep

    return keep(Path(folder), int(count))


def reference_join(folder: str) -> Facts:
    """Polars' join of book and entries on the reference, and nothing else."""
    from benchmarks.ladder import joined

    return joined(Path(folder))


def ladder(folder: str) -> Facts:
    """All rungs and claims on the same frames."""
    from benchmarks.ladder import climbed

    return climbed(Path(folder))


def closed_days(home: str, days: str, count: str) -> Facts:
    """So many days of so many payments each, all but the last closed."""
    from benchmarks.closing import prepare_days

    return prepare_days(Path(home), int(days), int(count))


def open_day(home: str, count: str, booked_of: str) -> Facts:
    """A gateway with many open payments, for `reconciliation` and `close`."""
    from benchmarks.closing import prepare

    return prepare(Path(home), int(count), int(booked_of))


def reconciliation(home: str) -> Facts:
    """A run of reconciliation that reads everything, and one that finds nothing new."""
    from benchmarks.closing import reconciled

    return reconciled(Path(home))


def close(home: str) -> Facts:
    """A day's close, and once more without news."""
    from benchmarks.closing import closed

    return closed(Path(home))


def report(export: str, count: str) -> Facts:
    """A report of many open breaks, written by one export; the time of the writing alone."""
    from benchmarks.reports import written

    return written(export, int(count))


def sftp_plain(server: str, path: str) -> Facts:
    """The `sftp` client of OpenSSH."""
    from benchmarks.lines import plain

    return plain(server, path)


def sftp_delivery(server: str, path: str) -> Facts:
    """Our own delivery by the whole protocol."""
    from benchmarks.lines import delivery

    return delivery(server, path)


WORK: Final[dict[str, Callable[..., Facts]]] = {
    item.__name__: item
    for item in (
        ready,
        feedback,
        sax,
        nacha_loop,
        polars_csv,
        start,
        windows,
        check,
        keep,
        out,
        receive,
        parse,
        judge,
        journey,
        duplicates,
        quality,
        days,
        reference_join,
        ladder,
        closed_days,
        open_day,
        reconciliation,
        close,
        report,
        sftp_plain,
        sftp_delivery,
    )
}


if __name__ == "__main__":
    # As installed for use: where test tools stand beside it, pandera loads hypothesis, a fifth of a second.
    sys.modules["hypothesis"] = cast(Any, None)
    collect_seldom()
    sys.stdout.write(json.dumps(WORK[sys.argv[1]](*sys.argv[2:])) + "\n")

"""Reports as finance gets them, of a day of known truth forty days on: every payment is an open break."""

from __future__ import annotations

import datetime as dt
import io
import time
from typing import Any, Final

from benchmarks.make_days import DAY, make
from benchmarks.quality import book
from canonical.frames import FUNDINGS, MATCHES, POSTINGS, STATEMENTS, SUGGESTIONS, empty
from canonical.plugins import lookup
from reconciliation.adjusted import adjusted_balances, items
from reconciliation.balances import entries_posted, moved
from reconciliation.breaks import payment_breaks
from reconciliation.frames import WORK
from reconciliation.ledger import postings
from reconciliation.reports import Period, reconciliation_report
from reconciliation.states import ATTRIBUTED, payment_states
from reconciliation.totals import Totals
from reconciliation.worked import worked

_LATE: Final = dt.timedelta(days=40)


def period(count: int) -> Period:
    """That many payments, all sent and none booked."""
    days = make(count, 1)
    day = DAY + _LATE
    states = payment_states(book(days.payments), empty(ATTRIBUTED), empty(MATCHES))
    providers = dict.fromkeys(states["account"].unique().sort(), "bank")
    entries = days.entries.clear()
    new = postings(states, entries, empty(MATCHES), empty(POSTINGS), providers, day)
    breaks = payment_breaks(states, empty(STATEMENTS), day, 2)
    on_books = entries_posted(entries, empty(MATCHES), new)
    totals = Totals.of(states, None, empty(MATCHES))
    listed = items(empty(STATEMENTS), entries, on_books, totals.in_transit, day)
    return Period(
        day=day, scope="bank", totals=totals, entries=entries, statements=empty(STATEMENTS),
        matches=empty(MATCHES), fundings=empty(FUNDINGS), items=listed, adjusted=adjusted_balances(empty(STATEMENTS), on_books, listed),
        breaks=worked(breaks, empty(WORK), empty(SUGGESTIONS), day), earlier=moved(empty(POSTINGS)),
        new=moved(new), on_books=on_books, providers=providers, digests=(("payment states", "0" * 64),),
    )  # fmt: skip


def written(name: str, count: int) -> dict[str, Any]:
    """The reconciliation report of that many open payments, written by one export: its seconds, size and longest table."""
    export, report = lookup("exporters", "EXPORT", name), reconciliation_report(period(count))
    out = io.BytesIO()
    first, cpu = time.perf_counter(), time.process_time()
    export.write(report, out)
    seconds, cpu = time.perf_counter() - first, time.process_time() - cpu
    pages = 0
    if export.suffix == ".pdf":
        from pypdf import PdfReader

        pages = len(PdfReader(out).pages)
    rows = max(sheet.frame.height for sheet in report.sheets)
    return {"seconds": seconds, "cpu_s": cpu, "bytes": len(out.getvalue()), "rows": rows, "pages": pages}

"""What a plug-in is: the protocols each folder's modules keep, and the frozen data that passes between stages.

A module holds one constant: `FORMAT` in parsers/, `RULE` in validators/, `EXPORT` in exporters/, `TRANSPORT` in
providers/. `canonical.plugins.discover` finds it. The names are taken from here; the modules behind it part them by subject.
"""

from __future__ import annotations

from canonical.contracts._delivery import DeliveryLog, DeliveryState, Parcel, Remote, RemoteFile, Transport
from canonical.contracts._exports import ANSWER_DTYPES, Answer, AnswerExport, Order, ProviderExport
from canonical.contracts._reading import (
    Cancellation,
    CancellationFormat,
    Feedback,
    FeedbackFormat,
    FileHeader,
    FormatFacts,
    PaymentFormat,
    Source,
    Window,
)
from canonical.contracts._reports import Chart, Report, ReportExport, Sheet, SignOff
from canonical.contracts._rules import Context, Fallen, FileRule, LastRule, RowRule, Rule
from canonical.profiles import Model
from canonical.requests import Reply, RequestBlock, Sent
from canonical.tally import ExportSummary, Said

__all__ = [
    "ANSWER_DTYPES", "Answer", "AnswerExport", "Cancellation", "CancellationFormat", "Chart", "Context", "DeliveryLog",
    "DeliveryState", "ExportSummary", "Fallen", "Feedback", "FeedbackFormat", "FileHeader", "FileRule", "FormatFacts", "LastRule",
    "Model", "Order", "Parcel", "PaymentFormat", "ProviderExport", "Remote", "RemoteFile", "Reply", "Report", "ReportExport",
    "RequestBlock", "RowRule", "Rule", "Said", "Sent", "Sheet", "SignOff", "Source", "Transport", "Window",
]  # fmt: skip

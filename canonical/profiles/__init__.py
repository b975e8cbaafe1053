"""What a client and a provider agreed with us, as frozen data. Read from one YAML file each by `gateway.config`.

The names are taken from here; the modules behind it part them by subject.
"""

from __future__ import annotations

from canonical.profiles._clients import (
    DEFAULT_CLIENT,
    MILESTONES,
    AnswerPlugin,
    ClientProfile,
    ExecutionDates,
    Funding,
    Limits,
    Milestone,
    PaidIn,
    Pgp,
    Screening,
)
from canonical.profiles._model import CurrencyCode, Minor, Model, NoOptions, Plugin, Slug, ZoneName
from canonical.profiles._prices import Price, Prices
from canonical.profiles._providers import (
    Account,
    BreakTerms,
    Expectations,
    FeedbackSource,
    Health,
    ProviderProfile,
    ReturnRate,
    StatementExpected,
    Verification,
)
from canonical.profiles._rails import Capacity, FileLimits, Rail

__all__ = [
    "DEFAULT_CLIENT", "MILESTONES", "Account", "AnswerPlugin", "BreakTerms", "Capacity", "ClientProfile",
    "CurrencyCode", "ExecutionDates", "Expectations", "FeedbackSource", "FileLimits", "Funding", "Health", "Limits",
    "Milestone", "Minor", "Model", "NoOptions", "PaidIn", "Pgp", "Plugin", "Price", "Prices", "ProviderProfile", "Rail",
    "ReturnRate", "Screening", "Slug", "StatementExpected", "Verification", "ZoneName",
]  # fmt: skip

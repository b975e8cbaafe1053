"""corrected-rows: just the rejected payments in the client's own format, ready to be mended and sent again.

The bytes are those of `Answer.rejected_rows`: an excerpt of the client's file with totals that fit. Where nothing was
rejected nothing is written, and an answer without a byte is not sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import BinaryIO, ClassVar, Final, Literal

from canonical.contracts import Answer, Model

_ENVELOPES: Final = frozenset({".gz", ".zip", ".pgp", ".gpg", ".asc"})
_EXTENSION: Final = re.compile(r"\.[A-Za-z0-9]{1,8}")


class CorrectedRowsOptions(Model):
    """No options: the file is as the client's own."""


@dataclass(frozen=True, slots=True)
class CorrectedRows:
    """The answer `corrected-rows`."""

    name: str = "corrected-rows"
    options: type[Model] = CorrectedRowsOptions
    kind: ClassVar[Literal["answer"]] = "answer"

    def with_options(self, options: CorrectedRowsOptions) -> CorrectedRows:  # noqa: ARG002 - there are none
        """The same export."""
        return self

    def suffix_of(self, answer: Answer) -> str:
        """`.rejected` and the extension of the client's file, without those of envelopes: the rows are plain."""
        extensions = PurePath(answer.file_name).suffixes
        while extensions and extensions[-1].lower() in _ENVELOPES:
            extensions.pop()
        known = extensions[-1] if extensions and _EXTENSION.fullmatch(extensions[-1]) else ""
        return f".rejected{known}"

    def write(self, answer: Answer, out: BinaryIO) -> None:
        """Write the rows; nothing where none was rejected on receipt, or the file was a copy.

        What a bank refused later is not among them: those payments were ordered, and are ordered anew with a new reference.
        """
        if answer.milestone != "validated" or answer.duplicate_of is not None:
            return
        out.write(answer.rejected_rows() or b"")


EXPORT: Final = CorrectedRows()

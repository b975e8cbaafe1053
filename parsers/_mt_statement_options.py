"""What a provider's profile declares of its MT940 and MT942: encoding, lines around the messages, the dialect of `:86:`."""

from __future__ import annotations

from typing import Annotated, Literal

import polars as pl
from polars.exceptions import ComputeError
from pydantic import AfterValidator, Field

from canonical.contracts import Model
from parsers._text_lines import Encoding


def _pattern(text: str) -> str:
    try:
        pl.Series([""]).str.contains(rf"^(?:{text})$")
    except ComputeError as fault:
        raise ValueError(f"{text} is no regular expression: {fault}") from fault
    return text


LinePattern = Annotated[str, AfterValidator(_pattern)]


class StatementOptions(Model):
    """The dialect. Patterns match a whole line; of what is not declared nothing is guessed.

    `prelude`: lines that stand before or between messages. `ending`: lines that end a message besides `-`, `-}` and
    `-XXX`. `information`: how `:86:` is written: `text` for reading only, `subfields` (166?00..?20..?32..), `codes`
    (/EREF/../NAME/..). `separator`: the sign before a subfield. `codes`: further codes between slashes.
    `supplementary`: what the line below `:61:` holds.
    """

    encoding: Encoding = "swift"
    prelude: tuple[LinePattern, ...] = ()
    ending: tuple[LinePattern, ...] = ()
    information: Literal["text", "subfields", "codes"] = "text"
    separator: Annotated[str, Field(pattern=r"^[!-/:-@\[-`{-~]$")] = "?"
    codes: tuple[Annotated[str, Field(pattern=r"^[A-Z0-9]{2,5}$")], ...] = ()
    supplementary: Literal["text", "account"] = "text"

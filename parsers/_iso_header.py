"""What the business application header (AppHdr, head.001) before a Document says that the Document is."""

from __future__ import annotations

import re
from typing import Final

_NAME: Final = re.compile(r"[a-z]{4}\.[0-9]{3}\.[0-9]{3}\.[0-9]{2}")


class HeaderName:
    """MsgDefIdr of the last AppHdr. Told of every element outside the message, and of its text."""

    def __init__(self) -> None:
        self._asked = self._open = False
        self._text = ""

    def start(self, local: str) -> None:
        """An element opens. The first MsgDefIdr counts: one in Rltd names the message that is answered."""
        self._open = False
        if local == "AppHdr":
            self._asked, self._text = True, ""
        elif local == "MsgDefIdr" and self._asked:
            self._asked, self._open = False, True

    def characters(self, text: str) -> None:
        """Text outside the message."""
        if self._open:
            self._text += text

    def other_than(self, version: str) -> str | None:
        """The name that the header gives, where it is not that of the Document (`pain.001.001.09`, or a variant of it)."""
        found, self._text = _NAME.search(self._text), ""
        return found.group() if found and found.group() != version[: len(found.group())] else None

"""What the tests of ISO payment messages share: reading, comparing, and files made by chance."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from canonical.contracts import Source, Window
from canonical.currencies import exponent
from parsers._iso_format import IsoFormat
from parsers.pain001 import FORMAT as PAIN001
from parsers.pain008 import FORMAT as PAIN008

FRAMES = ("payments", "totals", "findings")
PATIENT = settings(suppress_health_check=[HealthCheck.too_slow])


def source(data: bytes) -> Source:
    return Source("F" * 20, "file.xml", data)


def read(data: bytes, form: IsoFormat = PAIN001) -> list[Window]:
    return list(form.windows(source(data), form.options()))


def whole(parts: list[Window]) -> dict[str, pl.DataFrame]:
    return {name: pl.concat([getattr(part, name) for part in parts]) for name in FRAMES}


def same(left: list[Window], right: list[Window]) -> None:
    one, other = whole(left), whole(right)
    assert_frame_equal(one["payments"], other["payments"])
    assert_frame_equal(one["totals"], other["totals"])
    # Findings stand by line; those of one line may change places where a window is cut in it.
    order = ["line", "rule", "row", "field"]
    assert_frame_equal(one["findings"].sort(order), other["findings"].sort(order))
    assert left[0].header == right[0].header
    assert sum(part.unreadable for part in left) == sum(part.unreadable for part in right)


def ties(frames: dict[str, pl.DataFrame]) -> bool:
    """Declared totals against rows."""
    payments = frames["payments"]
    for level, batch, measure, declared in frames["totals"].select("level", "batch", "measure", "declared").iter_rows():
        own = payments if level == "file" else payments.filter(pl.col("batch") == batch)
        pairs = own.select("amount_minor", "currency").iter_rows()
        found = own.height if measure == "count" else sum((m or 0) * 10 ** (5 - (exponent(c) or 0)) for m, c in pairs)
        if found != declared:
            return False
    return True


def spans(data: bytes, payments: pl.DataFrame, form: IsoFormat = PAIN001) -> None:
    tag = rb"(\w+:)?" + form.message.payment.encode()
    for offset, length, line in payments.select("offset", "length", "line").iter_rows():
        element = data[offset : offset + length]
        assert re.fullmatch(rb"<" + tag + rb"\b.*</" + tag + rb"\s*>", element, re.DOTALL)
        assert data[:offset].count(b"\n") + 1 == line
    for batch in payments.partition_by("batch"):
        (start,), (length,) = batch["batch_offset"].unique(), batch["batch_length"].unique()
        assert re.match(rb"<(\w+:)?PmtInf\b", data[start : start + length])
        assert start + length == batch["offset"][0]
        assert batch["batch_line"].unique().to_list() == [data[:start].count(b"\n") + 1]


@dataclass(frozen=True)
class Shape:
    """One message, to make files of."""

    form: IsoFormat
    version: str
    amounts: tuple[str, ...]
    paths: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.form.name

    def with_batches(self, batches: list[str]) -> bytes:
        """The message with these in place of its one PmtInf."""
        return re.sub("<PmtInf>.*</PmtInf>", lambda _: "\n".join(batches), self.message("").decode()).encode()

    def message(self, payments: str, *, version: str = "", group: str = "", batch: str = "") -> bytes:
        head = "<GrpHdr><MsgId>M</MsgId><CreDtTm>2026-11-20T09:30:00</CreDtTm><NbOfTxs>1</NbOfTxs></GrpHdr>"
        element = self.form.message.element
        method = "" if "<PmtMtd>" in batch else f"<PmtMtd>{self.form.message.methods[0]}</PmtMtd>"
        return (
            f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{version or self.version}"><{element}>{group or head}'
            f"<PmtInf><PmtInfId>B</PmtInfId>{method}{batch}{payments}</PmtInf></{element}></Document>"
        ).encode()


_SHARED_PATHS = (
    "PmtId/EndToEndId", "PmtId/InstrId", "RmtInf/Ustrd", "RmtInf/Strd/CdtrRefInf/Ref",
    "RmtInf/Strd/CdtrRefInf/Tp/CdOrPrtry/Cd", "PmtTpInf/SvcLvl/Cd", "PmtTpInf/CtgyPurp/Cd", "PmtTpInf/CtgyPurp",
    "PmtTpInf/LclInstrm/Prtry", "PmtTpInf/SeqTp", "UltmtDbtr/Nm", "ChrgBr", "Purp/Cd", "SplmtryData/Envlp/X", "BtchBookg",
)  # fmt: skip


def _party_paths(role: str) -> tuple[str, ...]:
    paths = ("Nm", "PstlAdr/AdrLine", "PstlAdr/Ctry", "PstlAdr/StrtNm", "Id/OrgId/LEI", "Id/OrgId/Othr/Id")
    others = ("Acct/Id/IBAN", "Acct/Id/Othr/Id", "Acct/Tp/Cd", "Agt/FinInstnId/ClrSysMmbId/MmbId")
    return tuple(f"{role}/{path}" for path in paths) + tuple(role + path for path in others)


CREDIT = Shape(PAIN001, "pain.001.001.09", ("Amt/InstdAmt", "Amt/EqvtAmt/Amt"), (*_SHARED_PATHS, *_party_paths("Cdtr")))
DEBIT = Shape(
    PAIN008, "pain.008.001.08", ("InstdAmt",),
    (
        *_SHARED_PATHS, *_party_paths("Dbtr"), "DrctDbtTx/MndtRltdInf/MndtId", "DrctDbtTx/MndtRltdInf/DtOfSgntr",
        "DrctDbtTx/MndtRltdInf/AmdmntInd", "DrctDbtTx/CdtrSchmeId/Id/PrvtId/Othr/Id",
    ),
)  # fmt: skip
SHAPES = (CREDIT, DEBIT)

PLAIN = ["E", " ", "", "a &amp; b", "x\n y", "ü €", "&#228;", "true", "2026-11-25", "long enough for a view", "a -> b"]
NESTED = ["<b>q</b>t"]
ODD = [*PLAIN, *NESTED, "&#13;x", "x\r\ny", "a/>b", "xmlns", "<!--c-->", "<![CDATA[<]]>", "]]&gt;", "<b c='>'/>"]


def nest(path: str, text: str) -> str:
    steps = path.split("/")
    opening = "".join(f"<{step}>" for step in steps[:-1])
    last = steps[-1]
    attribute = ' Ccy="E&#85;R"' if text == "E" else ' Ccy="EUR"'
    leaf = f"<{last}{attribute if last == 'InstdAmt' else ''}>{text}</{last}>" if text else f"<{last}/>"
    return opening + leaf + "".join(f"</{step}>" for step in reversed(steps[:-1]))


@st.composite
def payment(draw: st.DrawFn, shape: Shape, texts: list[str], gaps: list[str]) -> str:
    plain = texts is not ODD
    paths = draw(st.lists(st.sampled_from(shape.paths), max_size=6, unique=plain))
    parts = [nest(path, draw(st.sampled_from(texts))) for path in paths]
    if plain or draw(st.integers(0, 5)):
        amount = draw(st.sampled_from(shape.amounts))
        parts.insert(0, nest(amount, draw(st.sampled_from(["1.50", "12345678901.00", "3", "1.505", "E"]))))
    tag = shape.form.message.payment
    return f"<{tag}>{''.join(parts)}</{tag}>"


@st.composite
def document(draw: st.DrawFn, shape: Shape, *, plain: bool) -> bytes:
    texts = [*PLAIN, *NESTED] if plain else ODD
    gaps = ["", "\n  ", "\r\n", "text"] if plain else ["", "<!-- x -->", "<X/>", "<ChrgBr>L</ChrgBr>", "\r"]
    tag = shape.form.message.payment
    totals = ["", "<NbOfTxs>2</NbOfTxs>", "<CtrlSum>1.5</CtrlSum>\n", "<!-- x -->"]
    totals += [] if plain else [f"<!-- <{tag}> -->", "<![CDATA[x]]>", f"<{tag}/>"]
    # A file's payments look alike: a few forms, repeated, and now and then one of its own.
    forms = draw(st.lists(payment(shape, texts, gaps), min_size=1, max_size=3))
    one = st.one_of(st.sampled_from(forms), st.sampled_from(forms), payment(shape, texts, gaps))
    batches = []
    for _ in range(draw(st.integers(1, 4))):
        paths = draw(st.lists(st.sampled_from(shape.paths), max_size=2, unique=plain))
        head = "".join(nest(path, draw(st.sampled_from(texts))) for path in paths)
        gap = draw(st.sampled_from(gaps))
        body = "".join(each + gap for each in draw(st.lists(one, min_size=int(plain), max_size=7)))
        late = "" if draw(st.integers(0, 5)) else "<ChrgBr>L</ChrgBr>"
        batches.append(f"<PmtInf>{draw(st.sampled_from(totals))}<PmtInfId>B</PmtInfId>{head}{body}{late}</PmtInf>")
    return shape.with_batches(batches)

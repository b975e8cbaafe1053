"""The columns of the fast reader, one by one: tags, views, ranks, amounts, shapes; and a file of many shapes."""

from __future__ import annotations

import random
from functools import partial

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso_cases import PATIENT, SHAPES, Shape, same, source
from polars.testing import assert_series_equal

from canonical.money import amount_minor, minor_of
from parsers import _iso_fast
from parsers._iso_fast import fast_reads
from parsers._iso_faults import Doubt
from parsers._iso_shapes import Shapes
from parsers._iso_tags import Powers, Ranks, Spelling, sequence_prints, tags_of
from parsers._iso_views import views_of
from parsers._iso_windows import exact_windows

END = b"</CdtTrfTxInf>"


@given(st.lists(st.tuples(st.text(max_size=20), st.sampled_from(["EUR", "JPY", "BHD", "XXX", ""]))))
def test_amounts_of_any_text_are_the_houses(pairs: list[tuple[str, str]]) -> None:
    check_amounts(pairs)


@given(
    st.lists(st.tuples(st.from_regex(r"\A[ 0-9]{0,14}\.?[0-9]{0,6}\Z"), st.sampled_from(["EUR", "JPY", "BHD", "TND"])))
)
def test_amounts_that_look_like_one_are_the_houses(pairs: list[tuple[str, str]]) -> None:
    check_amounts(pairs)


def check_amounts(pairs: list[tuple[str, str]]) -> None:
    frame = pl.DataFrame(pairs, schema={"text": pl.String, "currency": pl.String}, orient="row")
    expected = frame.select(amount_minor(pl.col("text"), pl.col("currency")).alias("amount_minor")).to_series()
    assert_series_equal(minor_of(frame["text"], frame["currency"]), expected, check_names=False)


@given(st.lists(st.text(max_size=30), min_size=1, max_size=40), st.integers(0, 40))
def test_views_are_the_texts(texts: list[str], empty: int) -> None:
    if empty < len(texts):
        texts[empty] = ""
    parts = [text.encode() for text in texts]
    data = b"".join(parts) + END
    sizes = np.array([len(part) for part in parts], np.int64)
    starts = np.cumsum(sizes) - sizes
    columns = views_of(data, ["a", "b"], np.column_stack([starts, starts[::-1]]), np.column_stack([sizes, sizes[::-1]]))
    for column, expected in zip(columns, (texts, texts[::-1]), strict=True):
        assert column.to_list() == [text or None for text in expected]


@given(st.binary(min_size=1, max_size=300), st.lists(st.integers(0, 300), max_size=20))
def test_ranks_count(data: bytes, offsets: list[int]) -> None:
    offsets = [min(offset, len(data)) for offset in offsets]
    ranks = Ranks(np.frombuffer(data, np.uint8) == data[0])
    assert ranks.at(np.array(offsets, np.int64)).tolist() == [data[:offset].count(data[0]) for offset in offsets]
    assert ranks.total == data.count(data[0])


TAG = st.sampled_from(
    ["<a>", "</a>", "<a/>", "<abcdefg>", "<abcdefgh>", "<abcdefghijklmnop>", "<abcdefghijklmnoq>", '<InstdAmt Ccy="EUR">',
     '<InstdAmt Ccy="EUS">', '<InstdAmt x="1" Ccy="EUR" yyyy="zzzzzzzzzz">', '<InstdAmt x="1" Ccy="USD" yyyy="zzzzzzzzzz">',
     "<!-- " + "x" * 2000 + "-->"]
)  # fmt: skip


@given(st.lists(st.tuples(TAG, st.sampled_from(["", " ", "text", "a > b", "]] >"]))), TAG)
def test_tags_are_found_whatever_stands_between(parts: list[tuple[str, str]], wanted: str) -> None:
    data = "".join(tag + text for tag, text in parts).encode() + END
    tags = tags_of(data, np.frombuffer(data, np.uint8))
    names = [tag for tag, _ in parts]
    assert [data[start : data.find(b">", start) + 1].decode() for start in tags.opens] == [*names, END.decode()]
    expected = [ordinal for ordinal, tag in enumerate(names) if tag == wanted]
    assert tags.spells(wanted.encode()).tolist() == expected


@given(st.lists(TAG, min_size=1, max_size=6), st.lists(TAG, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_runs_of_tags_are_the_same_to_the_byte(names: list[str], others: list[str], chance: random.Random) -> None:
    runs = [names, chance.sample(names, len(names)), (others * len(names))[: len(names)], names, others, names]
    data = "".join(f"{tag}{chance.choice(['', 'text', ' > '])}" for run in runs for tag in run).encode() + END
    tags = tags_of(data, np.frombuffer(data, np.uint8))
    ends = np.cumsum([len(run) for run in runs])
    firsts = ends - [len(run) for run in runs]
    wanted = [names, others]
    spellings = [Spelling([name.encode() for name in names]) for names in wanted]
    which = np.array([chance.randrange(2) for _ in runs], np.int64)
    kept = np.flatnonzero(np.array([chance.random() < 0.8 for _ in runs]))  # what is left out stands between
    found = tags.runs_spelling(firsts[kept], ends[kept] - 1, spellings, which[kept])
    assert found.tolist() == [runs[run] == wanted[which[run]] for run in kept.tolist()]
    assert spellings[0].sizes.tolist() == [len(name) for name in names]


@given(st.lists(TAG, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_heads_counts(names: list[str], chance: random.Random) -> None:
    other = chance.sample(names, len(names))
    data = "".join([*names, "<|>", *other, "<|>"]).encode() + END
    tags = tags_of(data, np.frombuffer(data, np.uint8))
    middle = len(names)
    prints = sequence_prints(tags, np.array([0, middle + 1]), np.array([middle, 2 * middle + 1]), Powers())
    assert (prints[0] == prints[1]) == ([name[:8] for name in names] == [name[:8] for name in other])


@pytest.mark.parametrize("data", [b"<a <b>", b"x]]>y<a>"])
def test_what_is_no_tag_is_in_doubt_or_harmless(data: bytes) -> None:
    if b"]]>" in data:
        with pytest.raises(Doubt):
            tags_of(data + END, np.frombuffer(data + END, np.uint8))
    else:
        tags_of(data + END, np.frombuffer(data + END, np.uint8))


def many(shape: Shape, chance: random.Random, oddities: list[str]) -> bytes:
    """A file of some thousand payments in dozens of shapes, some of them met once."""
    tag = shape.form.message.payment
    texts = ["E", "longer than twelve bytes", "ü €", "a &amp; b", "&lt;&amp;lt;&gt;", " ", *oddities]

    def payment(paths: list[str]) -> str:
        parts = "".join(_leaf(path, chance.choice(texts)) for path in paths)
        return (
            f"<{tag}>{_leaf(shape.amounts[0], f'{chance.randrange(10**6)}.{chance.randrange(10):02d}')}{parts}</{tag}>"
        )

    # Text beside the children of an element that may hold either is a fault for the exact reader.
    paths = [path for path in shape.paths if path != "PmtTpInf/CtgyPurp"]
    forms = [chance.sample(paths, 4) + chance.choices(["RmtInf/Ustrd"], k=2) for _ in range(30)]
    batches = []
    for number in range(12):
        chosen = [payment(chance.choice(forms)) for _ in range(200)]
        chosen += [payment(chance.sample(paths, 5)) for _ in range(3)]
        chance.shuffle(chosen)
        lines = "\n".join(chosen)
        batches.append(f"<PmtInf><PmtInfId>{number}</PmtInfId><NbOfTxs>203</NbOfTxs>{lines}</PmtInf>")
    return shape.with_batches(batches)


def _leaf(path: str, text: str) -> str:
    steps = path.split("/")
    attribute = ' Ccy="EUR"' if steps[-1] == "InstdAmt" else ""
    closing = "".join(f"</{step}>" for step in reversed(steps))
    return "".join(f"<{step}>" for step in steps[:-1]) + f"<{steps[-1]}{attribute}>{text}{closing}"


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
@pytest.mark.parametrize(
    ("oddities", "most"), [([], 20), (["a > b", "&#228;", "x<y/>z", ""], 1024)], ids=["plain", "odd"]
)
def test_many_shapes_in_slices_and_windows(shape: Shape, oddities: list[str], most: int, monkeypatch) -> None:
    monkeypatch.setattr(_iso_fast, "_SLICE_BYTES", 40_000)
    monkeypatch.setattr(_iso_fast, "Shapes", partial(Shapes, most=most))
    data = many(shape, random.Random(shape.name + str(oddities)), oddities)
    assert len(data) > 500_000
    found = [read.window for read in fast_reads(source(data), shape.form.message, 150_000)]
    assert len(found) > 3
    same(found, list(exact_windows(source(data), shape.form.message, 10**9)))


def test_shapes_are_learned_once_and_kept() -> None:
    shape = SHAPES[0]
    data = many(shape, random.Random(1), [])
    start, end = data.index(b"<CdtTrfTxInf>"), data.rindex(END) + len(END)
    shapes = Shapes(shape.form.message, "")
    _iso_fast.scan(data[start:end], shapes)
    known = dict(shapes.known)
    assert 60 <= len(known) <= 66
    _iso_fast.scan(data[start:end], shapes)
    assert shapes.known == known


def test_no_more_shapes_are_learned_than_so_many() -> None:
    shape = SHAPES[0]
    data = many(shape, random.Random(1), [])
    shapes = Shapes(shape.form.message, "", 20)
    _iso_fast.scan(data[data.index(b"<CdtTrfTxInf>") : data.rindex(END) + len(END)], shapes)
    assert len(shapes.known) == 20


@PATIENT
@given(st.data())
def test_one_payment_damaged_among_many(draw: st.DataObject) -> None:
    shape = SHAPES[0]
    data = bytearray(many(shape, random.Random(2), [])[:60_000])
    cut = data.rindex(END) + len(END)
    data = data[:cut] + b"</PmtInf></CstmrCdtTrfInitn></Document>"
    place = draw.draw(st.integers(300, cut))
    data[place : place + draw.draw(st.integers(0, 3))] = draw.draw(
        st.sampled_from([b"<", b">", b"&", b"/", b"\x00", b"\xff", b"]]>", b"'"])
    )
    found = list(_iso_fast.windows(source(bytes(data)), shape.form.message, 20_000))
    same(found, list(exact_windows(source(bytes(data)), shape.form.message, 10**9)))

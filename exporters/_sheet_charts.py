"""The charts of a report as a worksheet: each beside the figures it is drawn from."""

from __future__ import annotations

from typing import Final

from xlsxwriter import Workbook  # type: ignore[import-untyped]  # ships no types

from canonical.contracts import Chart
from exporters._sheets import Formats, print_on_a4

NAME: Final = "Charts"
_BLUE: Final = "#1F4E79"
_ROW_PIXELS: Final = 20
_BAR_PIXELS: Final = 34
_FRAME_PIXELS: Final = 110
_WIDTH_PIXELS: Final = 620
_LABEL_CHARS: Final = 30


def write_charts(book: Workbook, formats: Formats, charts: tuple[Chart, ...]) -> None:
    """A worksheet of bars; none for no charts."""
    drawn = [chart for chart in charts if chart.values]
    if not drawn:
        return
    sheet = book.add_worksheet(NAME)
    sheet.set_column(0, 0, _LABEL_CHARS)
    sheet.set_column(1, 1, 12)
    row = 0
    for chart in drawn:
        height = _FRAME_PIXELS + _BAR_PIXELS * len(chart.values)
        sheet.write_string(row, 0, chart.title, formats.head("text"))
        sheet.write_string(row, 1, chart.unit, formats.head("count"))
        first, last = row + 1, row + len(chart.values)
        for place, (label, value) in enumerate(zip(chart.labels, chart.values, strict=True), first):
            sheet.write_string(place, 0, label, formats.of("@"))
            sheet.write_number(place, 1, value, formats.of("#,##0"))
        bars = book.add_chart({"type": "bar"})
        bars.add_series({
            "categories": [NAME, first, 0, last, 0], "values": [NAME, first, 1, last, 1], "name": chart.unit,
            "fill": {"color": _BLUE}, "gap": 60, "data_labels": {"value": True, "num_format": "#,##0"},
        })  # fmt: skip
        bars.set_title({"name": chart.title, "name_font": {"size": 12, "color": _BLUE}})
        bars.set_legend({"none": True})
        # A bar chart counts from below; the figures beside it from above.
        bars.set_y_axis({"reverse": True, "major_tick_mark": "none"})
        bars.set_x_axis({"visible": False, "major_gridlines": {"visible": False}, "min": 0})
        bars.set_size({"width": _WIDTH_PIXELS, "height": height})
        sheet.insert_chart(row, 3, bars, {"description": f"{chart.title}, in {chart.unit}"})
        row += max(len(chart.values) + 2, height // _ROW_PIXELS + 2)
    print_on_a4(sheet)

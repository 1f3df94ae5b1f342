import asyncio
import subprocess
import sys
from decimal import Decimal
from io import BytesIO

import pytest
from PIL import Image

from hub.scheduled.reports import chart_picture
from hub.scheduled.reports.chart_picture import PictureFailed, draw_picture
from hub.scheduled.reports.figures import Measure, Row, build_figures

HOSTILE_LABELS = ["<b>&", "東京", "\u202eback", "e" + "\u0301" * 60, "", "\ud800", "'; DROP TABLE"]
BAR = (0x0B, 0x64, 0x59)


def draw(rows, title="Sales"):
    figures = build_figures("Day", [Measure("Total")], rows)
    picture = asyncio.run(draw_picture(figures, 0, title=title, subtitle="last week"))
    return Image.open(BytesIO(picture)).convert("RGB")


def bar_heights(image, count):
    """The number of pixels of each bar, in the middle of its place."""
    slot = (image.width - 48) / count
    columns = [int(24 + slot * (number + 0.3)) for number in range(count)]
    return [sum(image.getpixel((x, y)) == BAR for y in range(image.height)) for x in columns]


def test_each_value_is_a_bar_of_its_height():
    image = draw([Row("Mon", (Decimal(50),)), Row("Tue", (Decimal(100),)), Row("Wed", (None,))])
    low, high, none = bar_heights(image, 3)
    assert image.size == (900, 420) and none == 0 and abs(high - 2 * low) <= 2


def test_a_small_and_a_negative_value_are_visible():
    values = [Decimal(10) ** 9, Decimal(1), Decimal(-(10**9))]
    assert all(bar_heights(draw([Row(str(one), (one,)) for one in values]), 3))


def test_hostile_labels_and_numbers_are_drawn_as_text():
    rows = [Row(label, (Decimal(10) ** 30,)) for label in HOSTILE_LABELS]
    assert draw(rows, title="<script> 東京 \u202e").size == (900, 420)


def test_a_picture_that_cannot_be_drawn_is_an_expected_failure(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("raise SystemExit(3)")
    with pytest.raises(PictureFailed, match="3"):
        chart_picture.run_program(b"{}", program, 20)
    program.write_text("import time; time.sleep(60)")
    with pytest.raises(PictureFailed, match="TimeoutExpired"):
        chart_picture.run_program(b"{}", program, 0.2)


def test_the_processes_of_the_hub_do_not_load_the_library():
    code = "import sys, hub.scheduled.reports.chart_picture; print('PIL' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"

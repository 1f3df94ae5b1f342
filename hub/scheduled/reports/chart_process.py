"""Draw a bar chart as PNG: a separate program, which reads JSON and writes the picture.

`{"title", "subtitle", "labels": […], "values": […], "font"}` on standard input, PNG on standard
output; `font` is the path of a font, "" for Pillow's own, which has only the letters of English.
Pillow takes 20 MB in a process that has loaded it. No other module imports this one, so that the
long-lived processes of the hub do not load Pillow.
"""

import json
import sys
from collections.abc import Sequence
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 900, 420  # pixels
LEFT, RIGHT, TOP, BOTTOM = 24, 24, 84, 64
INK_COLOUR, FAINT_COLOUR, BAR_COLOUR, PAPER_COLOUR = "#1f2937", "#6b7280", "#0b6459", "#ffffff"
TITLE_SIZE, TEXT_SIZE = 22, 14
MAX_BARS = 40
MIN_BAR_PIXELS = 2  # pixels, so that a value that is not 0 is visible

UNASSIGNED = "\uffff"  # no character: a font shows its sign for a missing one

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def draw_chart(document: dict[str, Any]) -> bytes:
    """Return the PNG of a chart: one bar for each value, with its label below it."""
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER_COLOUR)
    draw = ImageDraw.Draw(image)
    font = load_font(document["font"], TEXT_SIZE)
    title_font = load_font(document["font"], TITLE_SIZE)
    width = WIDTH - LEFT - RIGHT
    title = keep_readable(document["title"], title_font)
    draw.text((LEFT, 16), fit_text(title, title_font, width), INK_COLOUR, title_font)
    draw.text((LEFT, 46), fit_text(document["subtitle"], font, width), FAINT_COLOUR, font)
    draw_bars(draw, document["values"][:MAX_BARS], document["labels"][:MAX_BARS], font)
    file = BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def load_font(path: str, size: int) -> Font:
    try:
        return ImageFont.truetype(path, size) if path else ImageFont.load_default(size)
    except OSError:
        return ImageFont.load_default(size)


def keep_readable(text: str, font: Font) -> str:
    """Return the text without characters that the font lacks."""
    missing = bytes(font.getmask(UNASSIGNED))
    return "".join(one for one in text if one == " " or bytes(font.getmask(one)) != missing)


def draw_bars(
    draw: ImageDraw.ImageDraw, values: Sequence[float], labels: Sequence[str], font: Font
) -> None:
    """Draw the bars from a common zero line, which is higher if there are negative values."""
    highest, lowest = max(0.0, *values), min(0.0, *values)
    scale = (HEIGHT - TOP - BOTTOM) / ((highest - lowest) or 1.0)
    zero = TOP + highest * scale
    slot = (WIDTH - LEFT - RIGHT) / max(1, len(values))
    for position, (value, label) in enumerate(zip(values, labels, strict=True)):
        left = LEFT + position * slot
        height = max(abs(value) * scale, MIN_BAR_PIXELS) if value else 0
        top, bottom = (zero - height, zero) if value > 0 else (zero, zero + height)
        if height:
            draw.rectangle((left + slot * 0.12, top, left + slot * 0.88, bottom), BAR_COLOUR)
        number = format_short(value)
        if draw.textlength(number, font) <= slot:
            draw_centred(draw, left + slot / 2, top - 20, number, font, INK_COLOUR)
        # a label of another script is the number of its row in the table
        is_readable = keep_readable(label, font) == label
        text = fit_text(label if is_readable else f"#{position + 1}", font, slot - 4)
        draw_centred(draw, left + slot / 2, HEIGHT - BOTTOM + 16, text, font, FAINT_COLOUR)
    draw.line((LEFT, zero, WIDTH - RIGHT, zero), FAINT_COLOUR, 1)


def draw_centred(
    draw: ImageDraw.ImageDraw, x: float, y: float, text: str, font: Font, colour: str
) -> None:
    draw.text((x - draw.textlength(text, font) / 2, y), text, colour, font)


def fit_text(text: str, font: Font, width: float) -> str:
    """Return as much of a text as fits; "" if no part of it fits."""
    cut_text = text
    while cut_text and font.getlength(cut_text + ("" if cut_text == text else "…")) > width:
        cut_text = cut_text[:-1]
    return cut_text if cut_text == text else f"{cut_text}…" if len(cut_text) > 1 else ""


def format_short(value: float) -> str:
    """Return a number in few characters, such as 12.5, 3.4k, 1.2M."""
    for divisor, unit in ((1e9, "B"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= divisor:
            return f"{value / min(divisor, 1e3 if unit == 'k' else divisor):.1f}{unit}"
    return f"{value:.0f}" if value == int(value) else f"{value:.2f}"


if __name__ == "__main__":
    sys.stdout.buffer.write(draw_chart(json.load(sys.stdin)))

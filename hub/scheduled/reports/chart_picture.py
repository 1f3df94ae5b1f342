"""A chart of figures as PNG, drawn by a separate process."""

import asyncio
import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from hub.scheduled.reports.figures import Figures

PROGRAM = Path(__file__).with_name("chart_process.py")
# the font of the staff pages; it has Latin, Greek and Cyrillic letters
FONT = Path(str(files("unfold"))) / "static/unfold/fonts/inter/Inter-Regular.woff2"
TIMEOUT = 20.0  # seconds
MAX_BARS = 40
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class PictureFailed(Exception):
    """The picture could not be drawn."""


async def draw_picture(figures: Figures, measure: int, *, title: str, subtitle: str) -> bytes:
    """Return the PNG of one measure. Raises PictureFailed."""
    rows = figures.rows[:MAX_BARS]
    document = {
        "title": title,
        "subtitle": subtitle,
        "labels": [row.label for row in rows],
        "values": [float(row.values[measure] or 0) for row in rows],
        "font": str(FONT),
    }
    return await asyncio.to_thread(run_program, json.dumps(document).encode(), PROGRAM, TIMEOUT)


def run_program(document: bytes, program: Path, timeout: float) -> bytes:
    """Run the drawing program, isolated from the environment and from our modules.

    `timeout`: in seconds. Raises PictureFailed.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(program)],
            input=document,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PictureFailed(type(error).__name__) from error
    if done.returncode or not done.stdout.startswith(PNG_SIGNATURE):
        raise PictureFailed(f"the program ended with {done.returncode}")
    return done.stdout

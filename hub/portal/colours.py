"""One colour of a house in all the shades that its pages need, each readable on its ground. Pure."""

import colorsys
from itertools import chain

WHITE, INK = "#ffffff", "#000000"
GROUNDS = {"light": "#eef2f2", "dark": "#22313a"}  # the darkest of the light grounds, the lightest of the dark ones
READABLE = 4.5  # contrast of text, after WCAG 2.2 AA
STEP = 0.01  # of lightness


def channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def luminance(colour: str) -> float:
    linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels(colour))
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def with_lightness(colour: str, lightness: float) -> str:
    hue, _, saturation = colorsys.rgb_to_hls(*channels(colour))
    return "#" + "".join(f"{round(part * 255):02x}" for part in colorsys.hls_to_rgb(hue, lightness, saturation))


def readable_on(ground: str, colour: str) -> str:
    """The nearest shade of the colour that can be read as text on this ground."""
    lightness = colorsys.rgb_to_hls(*channels(colour))[1]
    away = -STEP if luminance(ground) > 0.18 else STEP
    nearer = (with_lightness(colour, min(1.0, max(0.0, lightness + away * step))) for step in range(1, 101))
    return next(shade for shade in chain([colour], nearer) if contrast(shade, ground) >= READABLE)


def written_on(colour: str) -> str:
    """White or black, whichever is read better on the colour: one of them always reaches AA."""
    return max((WHITE, INK), key=lambda text: contrast(text, colour))


def shades(colour: str) -> dict[str, str]:
    """What the style sheet takes: a fill with the text on it, and the colour as text on light and on dark."""
    return {
        "brand": colour,
        "on_brand": written_on(colour),
        "accent_light": readable_on(GROUNDS["light"], colour),
        "accent_dark": readable_on(GROUNDS["dark"], colour),
    }

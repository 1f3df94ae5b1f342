"""Derive the shades of a brand colour that pages need, each readable on its background. Pure."""

import colorsys
from itertools import chain

WHITE, BLACK = "#ffffff", "#000000"
# the darkest light background, the lightest dark background
BACKGROUNDS = {
    "light": "#eef2f2",
    "dark": "#22313a",
}
MIN_CONTRAST = 4.5  # of text, by WCAG 2.2 AA
LIGHTNESS_STEP = 0.01  # of lightness


def parse_rgb_channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5))
    return red, green, blue


def compute_luminance(colour: str) -> float:
    linear = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in parse_rgb_channels(colour)
    )
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def compute_contrast(first: str, second: str) -> float:
    darker, lighter = sorted((compute_luminance(first), compute_luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def set_lightness(colour: str, lightness: float) -> str:
    hue, _, saturation = colorsys.rgb_to_hls(*parse_rgb_channels(colour))
    return "#" + "".join(
        f"{round(part * 255):02x}" for part in colorsys.hls_to_rgb(hue, lightness, saturation)
    )


def find_readable_shade(background: str, colour: str) -> str:
    """Return the nearest shade of the colour that is readable as text on this background."""
    lightness = colorsys.rgb_to_hls(*parse_rgb_channels(colour))[1]
    direction = -LIGHTNESS_STEP if compute_luminance(background) > 0.18 else LIGHTNESS_STEP
    nearer = (
        set_lightness(colour, min(1.0, max(0.0, lightness + direction * step)))
        for step in range(1, 101)
    )
    return next(
        shade
        for shade in chain([colour], nearer)
        if compute_contrast(shade, background) >= MIN_CONTRAST
    )


def choose_text_colour(colour: str) -> str:
    """Return white or black, whichever has more contrast with the colour: always AA (WCAG 2.2)."""
    return max((WHITE, BLACK), key=lambda text: compute_contrast(text, colour))


def build_shades(colour: str) -> dict[str, str]:
    """Return the style sheet's colours: a fill, its text, and texts on light and dark."""
    return {
        "brand": colour,
        "on_brand": choose_text_colour(colour),
        "accent_light": find_readable_shade(BACKGROUNDS["light"], colour),
        "accent_dark": find_readable_shade(BACKGROUNDS["dark"], colour),
    }

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.portal.colours import BACKGROUNDS, MIN_CONTRAST, build_shades, compute_contrast

colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_black_on_white_is_the_most_there_is():
    assert compute_contrast("#000000", "#ffffff") == pytest.approx(21)


def test_a_colour_that_can_be_read_stays_as_it_is():
    assert build_shades("#0b6459")["accent_light"] == build_shades("#0b6459")["brand"] == "#0b6459"


@given(colours)
def test_whatever_colour_the_house_has_its_texts_can_be_read(colour):
    shades = build_shades(colour)
    assert compute_contrast(shades["on_brand"], shades["brand"]) >= MIN_CONTRAST
    assert compute_contrast(shades["accent_light"], BACKGROUNDS["light"]) >= MIN_CONTRAST
    assert compute_contrast(shades["accent_dark"], BACKGROUNDS["dark"]) >= MIN_CONTRAST

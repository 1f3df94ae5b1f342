import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.portal.colours import GROUNDS, READABLE, contrast, shades

colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_black_on_white_is_the_most_there_is():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


def test_a_colour_that_can_be_read_stays_as_it_is():
    assert shades("#0b6459")["accent_light"] == shades("#0b6459")["brand"] == "#0b6459"


@given(colours)
def test_whatever_colour_the_house_has_its_texts_can_be_read(colour):
    made = shades(colour)
    assert contrast(made["on_brand"], made["brand"]) >= READABLE
    assert contrast(made["accent_light"], GROUNDS["light"]) >= READABLE
    assert contrast(made["accent_dark"], GROUNDS["dark"]) >= READABLE

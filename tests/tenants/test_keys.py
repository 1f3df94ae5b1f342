"""The text of an API key."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants import keys


def zeros(length):
    return bytes(length)


def test_a_key_says_what_it_is_and_for_which_environment():
    assert keys.make("live", random=zeros).startswith("hub_live_00000000_" + "0" * 33)


def test_what_was_made_can_be_read():
    text = keys.make("test", random=lambda length: b"\xff" * length)
    told = keys.read(text)
    assert (told.environment, told.public_id) == ("test", text[9:17])


def test_the_random_part_has_room_for_all_its_bits():
    assert 62**keys.RANDOM_LENGTH > 2 ** (8 * keys.RANDOM_BYTES) >= 2**160
    assert 62**keys.ID_LENGTH > 2 ** (8 * keys.ID_BYTES)


@given(st.integers(0, 65), st.sampled_from(keys.ALPHABET + "_ "))
def test_one_mistyped_character_is_noticed(place, character):
    text = keys.make("live", random=lambda length: bytes(range(length)))
    place %= len(text)
    mistyped = text[:place] + character + text[place + 1 :]
    assert mistyped == text or keys.read(mistyped) is None


@given(st.text())
def test_strange_texts_are_no_keys(text):
    assert keys.read(text) is None
    assert keys.read(f"hub_live_{text}") is None


@pytest.mark.parametrize("around", ["{} ", " {}", "{}\n", "x{}", "{}x"])
def test_nothing_may_stand_around_it(around):
    assert keys.read(around.format(keys.make("live", random=zeros))) is None


def test_scanners_find_a_key_that_leaked():
    key = keys.make("live", random=zeros)
    assert re.search(keys.PATTERN, f"curl -H 'Authorization: Bearer {key}' …")[0] == key

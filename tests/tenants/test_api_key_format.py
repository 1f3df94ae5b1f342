"""The text of an API key."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants import api_key_format


def zeros(length):
    return bytes(length)


def test_a_key_says_what_it_is_and_for_which_environment():
    assert api_key_format.generate_api_key("live", random=zeros).startswith(
        "hub_live_00000000_" + "0" * 33
    )


def test_what_was_made_can_be_read():
    text = api_key_format.generate_api_key("test", random=lambda length: b"\xff" * length)
    api_key = api_key_format.parse_api_key(text)
    assert (api_key.environment, api_key.public_id) == ("test", text[9:17])


def test_the_random_part_has_room_for_all_its_bits():
    assert 62**api_key_format.RANDOM_LENGTH > 2 ** (8 * api_key_format.RANDOM_BYTES) >= 2**160
    assert 62**api_key_format.ID_LENGTH > 2 ** (8 * api_key_format.ID_BYTES)


@given(st.integers(0, 65), st.sampled_from(api_key_format.ALPHABET + "_ "))
def test_one_mistyped_character_is_noticed(place, character):
    text = api_key_format.generate_api_key("live", random=lambda length: bytes(range(length)))
    place %= len(text)
    mistyped = text[:place] + character + text[place + 1 :]
    assert mistyped == text or api_key_format.parse_api_key(mistyped) is None


@given(st.text())
def test_strange_texts_are_no_keys(text):
    assert api_key_format.parse_api_key(text) is None
    assert api_key_format.parse_api_key(f"hub_live_{text}") is None


@pytest.mark.parametrize("around", ["{} ", " {}", "{}\n", "x{}", "{}x"])
def test_nothing_may_stand_around_it(around):
    assert (
        api_key_format.parse_api_key(
            around.format(api_key_format.generate_api_key("live", random=zeros))
        )
        is None
    )


def test_scanners_find_a_key_that_leaked():
    key = api_key_format.generate_api_key("live", random=zeros)
    assert (
        re.search(api_key_format.API_KEY_PATTERN, f"curl -H 'Authorization: Bearer {key}' …")[0]
        == key
    )

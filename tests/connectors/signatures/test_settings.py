"""A person describes a scheme by parameters, and learns which of them cannot be used."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.signatures import (
    PRESETS,
    HmacScheme,
    SchemeError,
    Secret,
    SharedSecretScheme,
    WebhookRequest,
    decode_secret,
    scheme_from_settings,
    sign,
    verify,
)
from tests.connectors.signatures.requests import BODY, NOW, PADDLE, TEXT_SECRET, URL, WHSEC_SECRET

CUSTOM = {"preset": "custom", "header": "X-Signature"}


def errors_of(**settings):
    with pytest.raises(SchemeError) as caught:
        scheme_from_settings(settings)
    return set(caught.value.errors)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_named(name):
    assert scheme_from_settings({"preset": name}) is PRESETS[name]


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_verifies_what_it_signs(name):
    secret = WHSEC_SECRET if name == "standard_webhooks" else TEXT_SECRET
    headers = (("Content-Type", "application/x-www-form-urlencoded"),)
    request = sign(
        PRESETS[name], WebhookRequest("POST", URL, b"a=1", headers), [secret], NOW, "msg_1"
    )
    assert verify(PRESETS[name], request, [secret], NOW).is_valid


def test_a_custom_scheme_as_a_form_gives_it():
    settings = json.loads(
        '{"preset": "custom", "header": "Paddle-Signature", "signed": "{timestamp}:{body}",'
        ' "prefix": "h1=", "separator": ";", "timestamp_element": "ts", "algorithm": "",'
        ' "encoding": "", "timestamp_header": "", "id_header": "", "tolerance": 300}'
    )
    assert scheme_from_settings(settings) == PADDLE
    assert scheme_from_settings(CUSTOM) == HmacScheme(header="X-Signature")


@pytest.mark.parametrize(
    ("changes", "parameter"),
    [
        ({"header": ""}, "header"),
        ({"header": "X Signature"}, "header"),
        ({"header": "X-Signature\r\n"}, "header"),
        ({"header": "é"}, "header"),
        ({"header": None}, "header"),
        ({"header": ["X"]}, "header"),
        ({"algorithm": "md5"}, "algorithm"),
        ({"algorithm": 1}, "algorithm"),
        ({"encoding": "base32"}, "encoding"),
        ({"prefix": "é"}, "prefix"),
        ({"prefix": "a" * 33}, "prefix"),
        ({"separator": ",", "prefix": "v1,"}, "prefix"),
        ({"separator": "|"}, "separator"),
        ({"tolerance": 0}, "tolerance"),
        ({"tolerance": 3601}, "tolerance"),
        ({"tolerance": "300"}, "tolerance"),
        ({"tolerance": True}, "tolerance"),
        ({"tolerance": 1e400}, "tolerance"),
        ({"timestamp_unit": "minutes"}, "timestamp_unit"),
        ({"secret_encoding": "rot13"}, "secret_encoding"),
        ({"signed": "{body"}, "signed"),
        ({"signed": "{body}}"}, "signed"),
        ({"signed": "{}"}, "signed"),
        ({"signed": "{secret}{body}"}, "signed"),
        ({"signed": "{body.__class__}"}, "signed"),
        ({"signed": "{body!r}"}, "signed"),
        ({"signed": "{body}{body}"}, "signed"),
        ({"signed": "{timestamp}"}, "signed"),
        ({"signed": "no field"}, "signed"),
        ({"signed": "x" * 200 + "{body}"}, "signed"),
        ({"signed": "{timestamp}.{body}"}, "signed"),
        ({"signed": "{id}.{body}"}, "signed"),
        ({"id_header": "X-Id"}, "signed"),
        ({"timestamp_header": "X-Timestamp"}, "signed"),
        ({"timestamp_header": "X Timestamp"}, "timestamp_header"),
        ({"timestamp_element": "t", "signed": "{timestamp}{body}"}, "separator"),
        ({"timestamp_element": "t", "separator": ","}, "prefix"),
        ({"timestamp_element": "t=", "separator": ","}, "timestamp_element"),
        ({"timestamp_element": "t", "timestamp_header": "X-T"}, "timestamp_element"),
        ({"body_bytes_max": 10**12}, "body_bytes_max"),
        ({"secret_bytes_min": 0}, "secret_bytes_min"),
        ({"__class__": "x"}, "__class__"),
    ],
)
def test_an_error_names_its_parameter(changes, parameter):
    assert parameter in errors_of(**CUSTOM | changes)


@pytest.mark.parametrize("preset", [None, "", "GitHub", 1, [], {}, "none"])
def test_an_unknown_preset_is_an_error(preset):
    assert errors_of(preset=preset) == {"preset"}


def test_a_preset_takes_no_parameters():
    assert errors_of(preset="github", algorithm="sha1", header="X") == {"algorithm", "header"}
    assert errors_of() == {"preset"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
)


@given(settings=st.dictionaries(st.sampled_from([*CUSTOM, "signed", "separator"]), json_values))
def test_settings_of_any_type_are_a_scheme_or_an_error(settings):
    try:
        scheme = scheme_from_settings(settings | {"preset": "custom"})
    except SchemeError as error:
        assert error.errors
    else:
        request = sign(scheme, WebhookRequest("POST", URL, BODY), [TEXT_SECRET], NOW)
        assert isinstance(verify(scheme, request, [TEXT_SECRET], NOW).is_valid, bool)


@pytest.mark.parametrize(
    ("location", "name", "parameter"),
    [("body", "x", "location"), ("header", "", "name"), ("query", "a b", "name")],
)
def test_a_shared_secret_has_a_place(location, name, parameter):
    with pytest.raises(SchemeError) as caught:
        SharedSecretScheme(location=location, name=name)
    assert set(caught.value.errors) == {parameter}


@pytest.mark.parametrize(
    ("preset", "value", "text"),
    [
        ("github", "", "required"),
        ("github", " \n", "required"),
        ("github", "too short", "at least 16"),
        ("standard_webhooks", "whsec_" + "A" * 31, "base64"),
        ("standard_webhooks", "whsec_" + "A" * 28, "at least 24"),
    ],
)
def test_a_form_learns_why_a_secret_cannot_be_used(preset, value, text):
    with pytest.raises(ValueError, match=text):
        decode_secret(PRESETS[preset], Secret(value))

import pickle

import pytest
from django.test import override_settings

from hub.egress import EgressRefused, EgressRules, check_url, load_rules
from hub.egress.url_guard import parse_with_urllib3, parse_with_yarl
from tests.hub.egress.urls import NAMES, WRITTEN

LENIENT = EgressRules(
    https_only=False, ports=frozenset({80, 443, 9999}), own_hosts=frozenset({"hub.example"})
)


def rule(url, rules=LENIENT):
    with pytest.raises(EgressRefused) as refused:
        check_url(url, rules)
    return refused.value.rule


@pytest.mark.parametrize(
    "parsers",
    [(), (parse_with_yarl,), (parse_with_urllib3,)],
    ids=["when saved", "by aiohttp", "by requests"],
)
@pytest.mark.parametrize("url", WRITTEN, ids=ascii)
def test_an_address_that_leads_inside_is_refused(url, parsers):
    with pytest.raises(EgressRefused):
        check_url(url.replace("%PORT%", "9999"), LENIENT, *parsers)


@pytest.mark.parametrize("host", NAMES)
def test_a_name_is_judged_only_when_it_is_resolved(host):
    assert check_url(f"https://{host}/", EgressRules()).host == host


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://example.com", "example.com", 443),
        ("HTTPS://Example.COM/a?b=c#d", "example.com", 443),
        ("https://example.com:8088/services/collector", "example.com", 8088),
        ("https://na1.my_domain.example.com/é?q=ü", "na1.my_domain.example.com", 443),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443),
        ("https://93.184.216.34/", "93.184.216.34", 443),
        ("https://[2606:2800:0220:1::1]:8443/", "2606:2800:220:1::1", 8443),
        ("https://example.com/a@b:c", "example.com", 443),
    ],
)
def test_a_public_address_is_read_alike_by_both_clients(url, host, port):
    assert (
        parse_with_yarl(url)[:3]
        == parse_with_urllib3(url)[:3]
        == check_url(url, EgressRules())[:3]
        == ("https", host, port)
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://example.com/", "scheme"),
        ("ftp://example.com/", "scheme"),
        ("https://me:secret@example.com/", "userinfo"),
        ("https://example.com:8080/", "port"),
        ("https://example.com:443:443/", "host"),
        ("https://intranet/", "host"),
        ("https://bücher.example/", "host"),
        ("https://example.com/a b", "characters"),
        ("https://example.com\\@127.0.0.1/", "characters"),
        ("https://127.0.0.1/", "denied_address"),
        ("https://hub.example/", "own_host"),
    ],
)
def test_a_refusal_names_its_rule(url, expected):
    assert rule(url, EgressRules(own_hosts=frozenset({"hub.example"}))) == expected


def test_a_parser_that_reads_another_host_is_not_believed():
    with pytest.raises(EgressRefused) as refused:
        check_url(
            "https://example.com/",
            EgressRules(),
            lambda url: parse_with_yarl("https://evil.example/"),
        )
    assert refused.value.rule == "address"


@pytest.mark.parametrize("place", ["127.0.0.1:9100", "localhost:9100", "[::1]:9100"])
def test_the_sandbox_of_a_desk_is_reached_by_its_exact_place_only(place):
    desk = EgressRules(allow=frozenset({place}))
    assert check_url(f"http://{place}/slack/api", desk).port == 9100
    assert rule(f"http://{place.replace('9100', '9101')}/", desk) == "scheme"
    assert rule(f"https://{place.replace(':9100', '')}/", desk) in ("denied_address", "host")


def test_userinfo_is_refused_for_the_sandbox_too():
    assert (
        rule("http://me@127.0.0.1:9100/", EgressRules(allow=frozenset({"127.0.0.1:9100"})))
        == "userinfo"
    )


def test_a_refusal_is_permanent_and_says_why_in_a_sentence():
    refused = EgressRefused("port", "example.com")
    assert (refused.reason, refused.permanent, str(refused)) == (
        "egress_refused",
        True,
        "This port is not allowed.",
    )


def test_a_refusal_survives_pickling():
    assert pickle.loads(pickle.dumps(EgressRefused("port", "example.com"))).rule == "port"


def test_the_rules_come_from_the_settings():
    with override_settings(
        HUB_PUBLIC_URL="https://Hub.example.com/",
        ALLOWED_HOSTS=["hub.example.com", "[2606:0::1]", "*"],
        HUB_EGRESS_ALLOW=[" LOCALHOST:9100"],
        HUB_EGRESS_PORTS=[443],
    ):
        assert load_rules() == EgressRules(
            allow=frozenset({"localhost:9100"}),
            ports=frozenset({443}),
            own_hosts=frozenset({"hub.example.com", "2606::1"}),
        )

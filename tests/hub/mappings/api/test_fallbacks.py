"""Fallbacks of identities by REST."""

import pytest

from hub.mappings.models import IdentityFallback
from tests.hub.connections.api.rest import connection_url, summarize_problem

pytestmark = pytest.mark.django_db

DEFAULT = {"kind": "channel", "direction": "out", "choice": "default", "default_id": "C0123456789"}


@pytest.fixture
def acme(make):
    return make.tenant("acme")


@pytest.fixture
def url(make, acme):
    return connection_url(make.connection(acme, "slack"), "identity-fallbacks")


@pytest.fixture
def shop(api, acme):
    return api.of(acme, scopes=["connections:read", "connections:write"])


def test_a_fallback_is_set_changed_listed_and_deleted(shop, url):
    assert shop.put(url, DEFAULT, format="json").json().items() >= DEFAULT.items()
    skip = DEFAULT | {"choice": "skip", "explanation": "never", "default_id": ""}
    assert shop.put(url, skip, format="json").status_code == 200
    (item,) = shop.get(url).json()["items"]
    assert (item["choice"], item["explanation"], item["default_id"]) == ("skip", "never", "")
    assert shop.delete(f"{url}?kind=channel&direction=out").json()["choice"] == "skip"
    assert not IdentityFallback.unscoped.exists()
    assert shop.delete(f"{url}?kind=channel&direction=out").status_code == 404


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"default_id": ""}, "/default_id"),
        ({"default_id": "no id"}, "/default_id"),
        ({"choice": "skip"}, "/explanation"),
        ({"choice": "guess"}, "/choice"),
        ({"direction": "up"}, "/direction"),
        ({"direction": "in"}, "/kind"),
        ({"kind": ""}, "/kind"),
        ({"more": 1}, "/more"),
    ],
)
def test_what_cannot_be_is_refused_by_field(shop, url, change, pointer):
    answer = shop.put(url, DEFAULT | change, format="json")
    assert answer.status_code == 400, answer.json()
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert not IdentityFallback.unscoped.exists()


def test_another_tenant_finds_nothing(api, make, url):
    stranger = api.of(make.tenant("globex"))
    assert summarize_problem(stranger.get(url))[0] == 404
    assert summarize_problem(stranger.put(url, DEFAULT, format="json"))[0] == 404

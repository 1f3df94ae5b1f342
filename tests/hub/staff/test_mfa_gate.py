"""Before what is sensitive, staff show again who they are."""

from datetime import timedelta

import pytest
from django.urls import reverse

from hub.connections.models import Credential
from tenants.models import ApiKey
from tests.tenants.door import age_session, code_of, with_totp

pytestmark = pytest.mark.django_db

KEY = {"name": "shop", "scopes": ["events:write"], "lifetime": "30"}
SENSITIVE = {
    "issue a key": lambda rows: reverse("admin:tenants_apikey_add"),
    "register a connector app": lambda rows: (
        reverse("admin:connections_connectorapp_add") + "?connector=salesforce"
    ),
    "change a connector app": lambda rows: reverse(
        "admin:connections_connectorapp_change", args=[rows["app"].pk]
    ),
    "take a second factor away": lambda rows: reverse(
        "admin:tenants_user_verb", args=[rows["person"].pk, "reset_factor"]
    ),
    "add a person": lambda rows: reverse("admin:tenants_user_add"),
    "set a password": lambda rows: reverse(
        "admin:auth_user_password_change", args=[rows["person"].pk]
    ),
}


@pytest.fixture
def person(make):
    return make.staff(is_superuser=True)


@pytest.fixture
def old_session(client, person):
    client.force_login(person)
    age_session(client, since_sign_in=timedelta(minutes=6))
    return client


@pytest.fixture
def rows(make):
    other = make.user()
    with_totp(other)
    return {"app": make.app("slack"), "person": other}


@pytest.mark.parametrize("act", SENSITIVE)
@pytest.mark.parametrize("method", ["get", "post"])
def test_what_is_sensitive_asks_again(old_session, person, rows, act, method):
    with_totp(person)
    url = SENSITIVE[act](rows)
    asked = getattr(old_session, method)(
        url, {"client_secret": "a client secret"} if method == "post" else {}
    )
    assert asked.status_code == 302 and asked.url.startswith(reverse("mfa_reauthenticate"))
    assert "a client secret" not in str(dict(old_session.session))


def test_changing_what_a_person_may_asks_again_and_reading_it_does_not(old_session, person, rows):
    with_totp(person)
    url = reverse("admin:tenants_user_change", args=[rows["person"].pk])
    assert old_session.get(url).status_code == 200
    response = old_session.post(url, {"email": "thief@example.com", "is_superuser": "on"})
    assert response.url.startswith(reverse("mfa_reauthenticate"))
    rows["person"].refresh_from_db()
    assert (rows["person"].email, rows["person"].is_superuser) != ("thief@example.com", True)


@pytest.mark.parametrize("act", SENSITIVE)
def test_a_recent_sign_in_is_enough(client, person, rows, act):
    client.force_login(person)
    assert client.get(SENSITIVE[act](rows)).status_code == 200


@pytest.mark.parametrize("name", ["rotate_signing_secret", "end_signing_overlap"])
def test_a_signing_secret_changes_only_after_staff_sign_in_again(old_session, person, make, name):
    with_totp(person)
    endpoint = make.connection()
    url = reverse("admin:connections_connection_verb", args=[endpoint.pk, name])
    assert old_session.post(url).url.startswith(reverse("mfa_reauthenticate"))
    assert Credential.read_version(endpoint) == endpoint.credential.version


def test_a_code_leads_back_to_the_form_and_then_the_key_is_issued(old_session, person):
    secret, url = with_totp(person), SENSITIVE["issue a key"]({})
    response = old_session.post(url, KEY)
    assert not ApiKey.unscoped.exists()
    back = old_session.post(response.url, {"code": code_of(secret), "next": url}, follow=True)
    assert back.redirect_chain[-1][0] == url
    assert "Nothing has been saved" in back.content.decode()
    old_session.post(url, KEY)
    assert ApiKey.unscoped.exists()


def test_an_export_asks_staff_again_and_no_customer(old_session, person, make, client):
    tenant = make.tenant("acme")
    make.membership(tenant, person)
    asked = old_session.get("/t/acme/events/export.csv")
    assert asked.status_code == 302 and asked.url.startswith(reverse("account_reauthenticate"))
    client.force_login(make.membership(tenant, make.user()).user)
    assert client.get("/t/acme/events/export.csv").status_code == 200

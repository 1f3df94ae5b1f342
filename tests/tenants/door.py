"""Going through the door as a person does."""

import time
from datetime import timedelta

from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.contrib.auth import get_user

from tests.mails import get_mailed_link

PASSWORD = "correct horse"
LOGIN, RESET = "/accounts/login/", "/accounts/password/reset/"


def sign_in(client, email, password=PASSWORD, **options):
    return client.post(
        LOGIN, {"login": email, "password": password} | options.pop("said", {}), **options
    )


def with_totp(user):
    """The secret of the authenticator app that the person has from now on."""
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    return secret


def confirm_first_factor(client):
    """Open the link that staff are sent before they set up their first second factor."""
    client.post("/accounts/2fa/first/")
    return client.get(get_mailed_link())


def code_of(secret):
    """What the app shows now."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def come_as_guest(client, link):
    """By a portal link, as `make.portal_link()` makes it."""
    return client.post(f"/enter/{link.token}/")


def open_portal_as_support(client, tenant, **data):
    """By the button on the tenant's page, as a member of staff who is signed in."""
    url = f"/admin/tenants/tenant/{tenant.pk}/verbs/visit/"
    return client.post(url, {"reason": "ticket 7"} | data)


def is_signed_in(client):
    return get_user(client).is_authenticated


def reauthenticate(client):
    return client.post("/accounts/reauthenticate/", {"password": PASSWORD})


def age_session(client, since_sign_in=timedelta(), since_activity=timedelta()):
    """As if so much time had gone by since the person signed in, and since they last did
    something.
    """
    session = client.session
    session["signed_in_at"] -= since_sign_in.total_seconds()
    session["active_at"] -= since_activity.total_seconds()
    for record in session.get("account_authentication_methods", ()):
        record["at"] -= since_sign_in.total_seconds()
    session.save()

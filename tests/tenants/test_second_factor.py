"""Staff show a second factor; whoever has one is asked for it; what is sensitive asks again."""

import base64
import io
import time
import zlib
from contextlib import suppress

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY
from django.contrib.sessions.models import Session
from django.core import signing
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from hub.staff.mfa_setup import LINK_LIFETIME_SECONDS, SALT
from tests.mails import deliver_mails, get_mailed_link
from tests.tenants.door import (
    LOGIN,
    PASSWORD,
    code_of,
    confirm_first_factor,
    is_signed_in,
    sign_in,
    with_totp,
)

pytestmark = pytest.mark.django_db

ACTIVATE = reverse("mfa_activate_totp")


@pytest.mark.django_db(transaction=True)
def test_fresh_staff_are_led_to_a_second_factor_before_any_page(client, robin):
    sign_in(client, robin.email)
    setup = client.get("/admin/tenants/tenant/", follow=True)
    assert setup.redirect_chain[-1][0].startswith(reverse("mfa_activate_totp"))
    assert f"Send the link to {robin.email}" in setup.content.decode()
    setup = client.get(confirm_first_factor(client).url)
    page = setup.content.decode()
    assert 'src="data:image/svg+xml;base64,' in page
    assert "img-src 'self' data:" in setup.headers["Content-Security-Policy"]
    secret = setup.context["form"].secret
    codes = client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)}, follow=True)
    assert codes.redirect_chain[-1][0] == reverse("mfa_view_recovery_codes")
    assert client.get("/admin/tenants/tenant/").status_code == 200


# --- the first one of staff ---


def test_a_password_alone_sets_up_no_factor_of_staff(client, robin):
    sign_in(client, robin.email)
    for answer in (client.get(ACTIVATE), client.post(ACTIVATE, {"code": "123456"})):
        assert "Confirm that it is you" in answer.content.decode() and "secret" not in (
            answer.context or {}
        )
        assert SECRET_SESSION_KEY not in client.session
    assert not Authenticator.objects.exists()


def test_a_password_alone_leads_the_link_to_no_other_address(client, robin):
    sign_in(client, robin.email)
    page = client.post(reverse("account_email"), {"action_add": "1", "email": "thief@evil.test"})
    assert "Confirm that it is you" in page.content.decode()
    assert not deliver_mails()
    confirm_first_factor(client)
    assert (
        client.post(
            reverse("account_email"), {"action_add": "1", "email": "robin@new.test"}
        ).status_code
        == 302
    )


def test_the_link_works_in_a_session_of_that_person_only(client, robin, make):
    sign_in(client, robin.email)
    client.post(reverse("first_factor_send"))
    link, thief, other = get_mailed_link(), Client(), Client()
    assert thief.get(link).url.startswith(LOGIN)
    sign_in(other, make.staff().email)
    assert "for another account" in other.get(link, follow=True).content.decode()
    assert "Confirm that it is you" in other.get(ACTIVATE).content.decode()
    assert "Scan this QR code" in client.get(link, follow=True).content.decode()


def test_an_old_or_unknown_link_is_refused(client, robin, settings):
    sign_in(client, robin.email)
    old = signing.TimestampSigner(salt=SALT)
    old.timestamp = lambda: signing.b62_encode(int(time.time()) - LINK_LIFETIME_SECONDS - 1)
    for token in ("none", old.sign_object(robin.pk), signing.dumps(robin.pk, salt="another")):
        page = client.get(
            reverse("first_factor_confirm", args=[token]), follow=True
        ).content.decode()
        assert "no longer valid" in page and "Confirm that it is you" in page


def test_links_are_mailed_a_few_times_a_minute(client, robin):
    sign_in(client, robin.email)
    for _ in range(5):
        client.post(reverse("first_factor_send"))
    assert len(deliver_mails()) == 3


def test_without_mail_an_operator_makes_the_link(client, robin, settings):
    settings.HUB_EMAIL_URL = ""
    sign_in(client, robin.email)
    page = client.post(reverse("first_factor_send"), follow=True).content.decode()
    assert "E-mail is not set up" in page and f"factor_link {robin.email}" in page
    text = io.StringIO()
    call_command("factor_link", robin.email, stdout=text)
    path = text.getvalue().strip().removeprefix("https://hub.test")
    assert "Scan this QR code" in client.get(path, follow=True).content.decode()
    with pytest.raises(CommandError):
        call_command("factor_link", "nobody@hub.test")


def test_customers_set_up_theirs_by_their_password(client, ann):
    sign_in(client, ann.email)
    assert "Scan this QR code" in client.get(ACTIVATE).content.decode()


# --- signing in ---


def test_staff_sign_in_with_both_factors(client, robin):
    secret = with_totp(robin)
    assert sign_in(client, robin.email).url == reverse("mfa_authenticate")
    assert not is_signed_in(client)
    assert client.get("/admin/", follow=True).redirect_chain[-1][0] == reverse("mfa_authenticate")
    client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert client.get("/admin/").status_code == 200


def test_a_session_that_showed_no_second_factor_is_asked_for_it(client, robin):
    sign_in(client, robin.email)
    secret = with_totp(robin)
    response = client.get("/admin/tenants/tenant/", follow=True)
    assert response.redirect_chain[-1][0].startswith(reverse("mfa_reauthenticate"))
    data = {"code": code_of(secret), "next": "/admin/tenants/tenant/"}
    assert client.post(reverse("mfa_reauthenticate"), data).url == "/admin/tenants/tenant/"
    assert client.get("/admin/tenants/tenant/").status_code == 200


def test_another_users_second_factor_is_refused(client, robin, ann):
    client.force_login(ann)
    session = client.session
    session["second_factor"] = robin.pk
    session.save()
    ann.is_staff = True
    ann.save()
    assert (
        client.get("/admin/", follow=True)
        .redirect_chain[-1][0]
        .startswith(reverse("mfa_activate_totp"))
    )


def test_a_person_who_is_no_staff_sees_no_admin(client, ann):
    client.force_login(ann)
    assert client.get("/admin/", follow=True).status_code == 403


def test_the_admins_own_login_takes_no_password(client, robin):
    answer = client.post(reverse("admin:login"), {"username": robin.email, "password": PASSWORD})
    assert answer.url.startswith(LOGIN)
    assert not is_signed_in(client)


def test_a_code_works_once(client, robin):
    secret = with_totp(robin)
    code = code_of(secret)
    for browser in (client, Client()):
        sign_in(browser, robin.email)
        browser.post(reverse("mfa_authenticate"), {"code": code})
    assert is_signed_in(client)
    assert not is_signed_in(browser)


def test_guessing_codes_ends_after_a_few_tries(client, robin):
    secret = with_totp(robin)
    sign_in(client, robin.email)
    for number in range(6):
        client.post(reverse("mfa_authenticate"), {"code": f"00000{number}"})
    client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert not is_signed_in(client)


def test_a_recovery_code_signs_in_once_and_secrets_lie_sealed(client, robin):
    sign_in(client, robin.email)
    confirm_first_factor(client)
    secret = client.get(reverse("mfa_activate_totp")).context["form"].secret
    page = client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)}, follow=True)
    codes = page.context["unused_codes"]
    kept = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert not any(told in kept for told in [secret, *codes])
    assert kept.count("gAAAA") == 2
    shown_again = client.get(reverse("mfa_view_recovery_codes")).content.decode()
    assert not any(code in shown_again for code in codes)
    for expected in (True, False):
        browser = Client()
        sign_in(browser, robin.email)
        browser.post(reverse("mfa_authenticate"), {"code": codes[0]})
        assert is_signed_in(browser) is expected


def test_before_it_is_confirmed_the_secret_lies_sealed_too(client, robin):
    sign_in(client, robin.email)
    confirm_first_factor(client)
    secret = client.get(reverse("mfa_activate_totp")).context["form"].secret
    assert client.session[SECRET_SESSION_KEY] == secret
    assert read_stored_secret(Session.objects.get()).count(secret) == 0


def read_stored_secret(row):
    """Of a backup: what is signed only can be read by everybody."""
    texts = [row.session_data, *row.session_data.replace(".", ":").split(":")]
    unpacked = [unpack(text + "=" * (-len(text) % 4)) for text in texts]
    return "".join([*texts, *unpacked])


def unpack(text):
    with suppress(ValueError, zlib.error):
        data = base64.urlsafe_b64decode(text)
        return (zlib.decompress(data) if data[:1] == b"x" else data).decode("utf-8", "replace")
    return ""


@pytest.mark.django_db(transaction=True)
def test_a_user_who_removes_the_factor_sets_up_another(client, robin):
    sign_in(client, robin.email)
    confirm_first_factor(client)
    secret = client.get(reverse("mfa_activate_totp")).context["form"].secret
    client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})
    assert client.get("/admin/").status_code == 200
    client.post(reverse("mfa_deactivate_totp"))
    assert (
        client.get("/admin/", follow=True)
        .redirect_chain[-1][0]
        .startswith(reverse("mfa_activate_totp"))
    )


def test_what_is_sensitive_asks_again_in_an_old_session(client, ann):
    client.force_login(ann)
    for name in ("mfa_activate_totp", "mfa_generate_recovery_codes"):
        assert client.get(reverse(name)).url.startswith(reverse("account_reauthenticate"))
    data = {"password": PASSWORD, "next": reverse("mfa_activate_totp")}
    assert client.post(reverse("account_reauthenticate"), data).url == reverse("mfa_activate_totp")
    assert client.get(reverse("mfa_activate_totp")).status_code == 200


# --- the pages ------------------------------------------------------------------------------------

PAGES = {
    "anonymous": (
        "account_login",
        "account_reset_password",
        "account_reset_password_done",
        "account_inactive",
    ),
    "signed in": (
        "account_logout",
        "account_change_password",
        "account_email",
        "account_reauthenticate",
        "mfa_index",
        "mfa_activate_totp",
    ),
}


@pytest.mark.parametrize(
    ("who", "name"), [(who, name) for who, names in PAGES.items() for name in names]
)
def test_every_page_is_our_own_and_runs_nothing(client, ann, who, name):
    if who == "signed in":
        sign_in(client, ann.email)
    page = client.get(reverse(name))
    text = page.content.decode()
    assert page.status_code == 200
    assert "portal/portal.css" in text
    assert "<script" not in text and "<style" not in text and "onclick" not in text

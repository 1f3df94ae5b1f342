"""The one door that people come in by."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user
from django.core import mail
from django.test import Client
from django.urls import reverse

from tenants.models import User
from tests.tenants.door import LOGIN, PASSWORD, RESET, code_of, link_of_the_mail, sign_in, with_totp

pytestmark = pytest.mark.django_db

DEAD = {"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_PORT": 9}


@pytest.fixture
def ann(make):
    return make.user("ann@acme.test", name="Ann")


@pytest.fixture
def robin(make):
    return make.user("robin@hub.test", is_staff=True, is_superuser=True)


@pytest.fixture(autouse=True)
def apps_that_are_a_step_off(settings):
    """So that no test fails where a half minute ends within it."""
    settings.MFA_TOTP_TOLERANCE = 1


def signed_in(client):
    return get_user(client).is_authenticated


def without_tokens(page):
    """What a person sees."""
    return page.content.decode().replace(str(page.context["csrf_token"]), "")


# --- signing in ------------------------------------------------------------------------------------------------------


def test_a_person_signs_in_and_begins_at_the_front(client, ann):
    assert sign_in(client, "Ann@Acme.test").url == "/"
    assert signed_in(client)


def test_known_and_unknown_people_are_answered_alike(client, ann):
    wrong, unknown = (sign_in(Client(), email, "wrong") for email in ("ann@acme.test", "nob@acme.test"))
    assert without_tokens(wrong).replace("ann@", "nob@") == without_tokens(unknown)
    assert wrong.status_code == unknown.status_code == 200


@pytest.mark.parametrize(
    "next",
    [
        "//evil.example",
        "/\\evil.example",
        "https:evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "http://hub.test@evil.example",
        "https://hub.test.evil.example",
        "/%0d%0aSet-Cookie:x",
        "\t//evil.example",
    ],
)
def test_nobody_is_led_astray(client, ann, robin, next):
    answer = sign_in(client, "ann@acme.test", said={"next": next})
    assert answer.url in ("/", "/%0d%0aSet-Cookie:x")
    assert "Set-Cookie" not in answer.headers
    assert "evil" not in Client().get(reverse("admin:login"), {"next": next}).url
    client.force_login(robin)
    assert client.get(reverse("admin:login"), {"next": next}).url == reverse("admin:index")


def test_two_next_addresses_do_not_confuse_it(client, ann):
    said = {"login": "ann@acme.test", "password": PASSWORD, "next": ["/t/", "//evil.example"]}
    assert "evil" not in client.post(f"{LOGIN}?next=//evil.example", said).url


def test_guessing_ends_after_a_few_tries_whatever_host_is_said(ann):
    """Each try by another client, address and Host header: only the account is the same."""
    for number in range(5):
        sign_in(Client(REMOTE_ADDR=f"192.0.2.{number}", HTTP_HOST=f"hub.test:{number + 1}"), ann.email, "wrong")
    last = Client(REMOTE_ADDR="192.0.2.99", HTTP_HOST="hub.test")
    assert "Too many failed" in sign_in(last, ann.email).content.decode()
    assert not signed_in(last)


def test_trying_many_accounts_from_one_place_ends_too(client):
    answers = [sign_in(client, f"person{number}@acme.test", "wrong") for number in range(12)]
    assert "Too many failed" in answers[-1].content.decode()
    assert {sign_in(client, "a@acme.test", "wrong").status_code for _ in range(25)} == {200, 429}


def test_an_unverified_address_is_confirmed_by_a_code_first(client, ann):
    ann.emailaddress_set.all().delete()
    page = sign_in(client, ann.email, follow=True)
    assert not signed_in(client)
    assert "ann@acme.test" in page.content.decode()
    code = mail.outbox[-1].subject.partition(": ")[2]
    client.post(reverse("account_email_verification_sent"), {"code": code})
    assert signed_in(client)
    assert EmailAddress.objects.get(user=ann).verified


def test_an_inactive_person_does_not_come_in(client, make):
    make.user("gone@acme.test", is_active=False)
    sign_in(client, "gone@acme.test", follow=True)
    assert not signed_in(client)


# --- passwords -------------------------------------------------------------------------------------------------------


def test_a_password_is_set_anew_by_a_link(client, ann):
    client.post(RESET, {"email": ann.email})
    form = client.get(link_of_the_mail(), follow=True)
    new = {"password1": "battery staple 9", "password2": "battery staple 9"}
    client.post(form.redirect_chain[-1][0], new)
    assert sign_in(client, ann.email, "battery staple 9").url == "/"
    assert "set anew" in mail.outbox[-1].subject


def test_a_link_sets_a_password_once(client, ann):
    client.post(RESET, {"email": ann.email})
    link = link_of_the_mail()
    ann.set_password("another one 7")
    ann.save()
    assert "not good any more" in client.get(link, follow=True).content.decode()


@pytest.mark.parametrize("host", [{"HTTP_HOST": "hub.test:8000"}, {"HTTP_X_FORWARDED_HOST": "evil.example"}])
def test_the_link_is_the_hubs_own_whatever_host_was_said(client, ann, host):
    client.post(RESET, {"email": ann.email}, **host)
    (letter,) = mail.outbox
    assert "https://hub.test/accounts/password/reset/key/" in letter.body
    assert "evil" not in str(letter.message())
    assert "8000" not in letter.body


def test_a_strange_host_is_refused(client, ann):
    assert client.post(RESET, {"email": ann.email}, HTTP_HOST="evil.example").status_code == 400
    assert not mail.outbox


def test_asking_for_a_link_does_not_tell_who_has_an_account(ann):
    answers = [Client().post(RESET, {"email": email}, follow=True) for email in (ann.email, "nobody@acme.test")]
    assert len({(answer.status_code, without_tokens(answer)) for answer in answers}) == 1
    assert [letter.to for letter in mail.outbox] == [[ann.email], ["nobody@acme.test"]]
    assert "no account" in mail.outbox[1].body


def test_a_dead_mail_server_breaks_no_page_and_tells_nothing(ann, settings):
    settings.EMAIL_BACKEND, settings.EMAIL_PORT = DEAD.values()
    answers = [Client().post(RESET, {"email": email}, follow=True) for email in (ann.email, "nobody@acme.test")]
    assert len({without_tokens(answer) for answer in answers}) == 1
    assert "the mail server may be away" in answers[0].content.decode()


def test_an_own_password_is_changed_and_told(client, ann):
    sign_in(client, ann.email)
    new = {"oldpassword": PASSWORD, "password1": "battery staple 9", "password2": "battery staple 9"}
    client.post(reverse("account_change_password"), new)
    ann.refresh_from_db()
    assert ann.check_password("battery staple 9")
    assert "was changed" in mail.outbox[-1].subject


def test_another_address_counts_once_it_is_confirmed(client, ann):
    sign_in(client, ann.email)
    client.post(reverse("account_email"), {"action_add": "1", "email": "ann@new.test"})
    ann.refresh_from_db()
    assert ann.email == "ann@acme.test"
    code = mail.outbox[-1].subject.partition(": ")[2]
    client.post(reverse("account_email_verification_sent"), {"code": code})
    ann.refresh_from_db()
    assert ann.email == "ann@new.test"
    assert mail.outbox[-1].to == ["ann@acme.test"]


# --- nobody comes uninvited ------------------------------------------------------------------------------------------


def test_nobody_signs_up_without_an_invitation(client):
    said = {"email": "me@evil.test", "name": "Me", "password1": "battery staple 9"}
    for answer in (client.get(reverse("account_signup")), client.post(reverse("account_signup"), said)):
        assert "by invitation" in answer.content.decode()
    assert not User.objects.exists()


# --- the second factor -----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_fresh_staff_are_led_to_a_second_factor_before_any_page(client, robin):
    sign_in(client, robin.email)
    setup = client.get("/admin/tenants/tenant/", follow=True)
    assert setup.redirect_chain[-1][0].startswith(reverse("mfa_activate_totp"))
    page = setup.content.decode()
    assert 'src="data:image/svg+xml;base64,' in page
    assert "img-src 'self' data:" in setup.headers["Content-Security-Policy"]
    secret = setup.context["form"].secret
    codes = client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)}, follow=True)
    assert codes.redirect_chain[-1][0] == reverse("mfa_view_recovery_codes")
    assert client.get("/admin/tenants/tenant/").status_code == 200


def test_staff_sign_in_with_both_factors(client, robin):
    secret = with_totp(robin)
    assert sign_in(client, robin.email).url == reverse("mfa_authenticate")
    assert not signed_in(client)
    assert client.get("/admin/", follow=True).redirect_chain[-1][0] == reverse("mfa_authenticate")
    client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert client.get("/admin/").status_code == 200


def test_a_session_that_showed_no_second_factor_is_asked_for_it(client, robin):
    sign_in(client, robin.email)
    secret = with_totp(robin)
    asked = client.get("/admin/tenants/tenant/", follow=True)
    assert asked.redirect_chain[-1][0].startswith(reverse("mfa_reauthenticate"))
    said = {"code": code_of(secret), "next": "/admin/tenants/tenant/"}
    assert client.post(reverse("mfa_reauthenticate"), said).url == "/admin/tenants/tenant/"
    assert client.get("/admin/tenants/tenant/").status_code == 200


def test_a_second_factor_of_somebody_else_opens_nothing(client, robin, ann):
    client.force_login(ann)
    session = client.session
    session["second_factor"] = robin.pk
    session.save()
    ann.is_staff = True
    ann.save()
    assert client.get("/admin/", follow=True).redirect_chain[-2][0].startswith(reverse("mfa_activate_totp"))


def test_a_person_who_is_no_staff_sees_no_admin(client, ann):
    client.force_login(ann)
    assert client.get("/admin/", follow=True).status_code == 403


def test_the_admins_own_login_takes_no_password(client, robin):
    answer = client.post(reverse("admin:login"), {"username": robin.email, "password": PASSWORD})
    assert answer.url.startswith(LOGIN)
    assert not signed_in(client)


def test_a_code_works_once(client, robin):
    secret = with_totp(robin)
    code = code_of(secret)
    for browser in (client, Client()):
        sign_in(browser, robin.email)
        browser.post(reverse("mfa_authenticate"), {"code": code})
    assert signed_in(client)
    assert not signed_in(browser)


def test_guessing_codes_ends_after_a_few_tries(client, robin):
    secret = with_totp(robin)
    sign_in(client, robin.email)
    for number in range(6):
        client.post(reverse("mfa_authenticate"), {"code": f"00000{number}"})
    client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert not signed_in(client)


def test_a_recovery_code_signs_in_once_and_secrets_lie_sealed(client, robin):
    sign_in(client, robin.email)
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
        assert signed_in(browser) is expected


@pytest.mark.django_db(transaction=True)
def test_whoever_takes_the_factor_away_sets_up_another(client, robin):
    sign_in(client, robin.email)
    secret = client.get(reverse("mfa_activate_totp")).context["form"].secret
    client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})
    assert client.get("/admin/").status_code == 200
    client.post(reverse("mfa_deactivate_totp"))
    assert client.get("/admin/", follow=True).redirect_chain[-1][0].startswith(reverse("mfa_activate_totp"))


def test_what_is_sensitive_asks_again_in_an_old_session(client, robin):
    client.force_login(robin)
    for name in ("mfa_activate_totp", "mfa_generate_recovery_codes"):
        assert client.get(reverse(name)).url.startswith(reverse("account_reauthenticate"))
    said = {"password": PASSWORD, "next": reverse("mfa_activate_totp")}
    assert client.post(reverse("account_reauthenticate"), said).url == reverse("mfa_activate_totp")
    assert client.get(reverse("mfa_activate_totp")).status_code == 200


# --- the pages -------------------------------------------------------------------------------------------------------

PAGES = {
    "anonymous": ("account_login", "account_reset_password", "account_reset_password_done", "account_inactive"),
    "signed in": (
        "account_logout",
        "account_change_password",
        "account_email",
        "account_reauthenticate",
        "mfa_index",
        "mfa_activate_totp",
    ),
}


@pytest.mark.parametrize(("who", "name"), [(who, name) for who, names in PAGES.items() for name in names])
def test_every_page_is_our_own_and_runs_nothing(client, ann, who, name):
    if who == "signed in":
        sign_in(client, ann.email)
    page = client.get(reverse(name))
    text = page.content.decode()
    assert page.status_code == 200
    assert "portal/portal.css" in text
    assert "<script" not in text and "<style" not in text and "onclick" not in text

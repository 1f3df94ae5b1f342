"""The one door that people come in by."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hub.db.clock import clock
from hub.mail.models import Mail
from tenants.models import User
from tests.mails import deliver_mails, get_mailed_link
from tests.tenants.door import LOGIN, PASSWORD, RESET, is_signed_in, sign_in

pytestmark = pytest.mark.django_db


def without_tokens(page):
    """What a person sees."""
    return page.content.decode().replace(str(page.context["csrf_token"]), "")


# --- signing in -----------------------------------------------------------------------------------


def test_a_person_signs_in_and_begins_at_the_front(client, ann):
    assert sign_in(client, "Ann@Acme.test").url == "/"
    assert is_signed_in(client)


def test_known_and_unknown_people_are_answered_alike(client, ann):
    wrong, unknown = (
        sign_in(Client(), email, "wrong") for email in ("ann@acme.test", "nob@acme.test")
    )
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
def test_redirects_stay_on_our_host(client, ann, robin, next):
    answer = sign_in(client, "ann@acme.test", said={"next": next})
    assert answer.url in ("/", "/%0d%0aSet-Cookie:x")
    assert "Set-Cookie" not in answer.headers
    assert "evil" not in Client().get(reverse("admin:login"), {"next": next}).url
    client.force_login(robin)
    assert client.get(reverse("admin:login"), {"next": next}).url == reverse("admin:index")


def test_two_next_addresses_do_not_confuse_it(client, ann):
    data = {"login": "ann@acme.test", "password": PASSWORD, "next": ["/t/", "//evil.example"]}
    assert "evil" not in client.post(f"{LOGIN}?next=//evil.example", data).url


def test_guessing_from_one_address_ends_after_a_few_tries_whatever_host_is_said(ann):
    for number in range(5):
        sign_in(Client(HTTP_HOST=f"hub.test:{number + 1}"), ann.email, "wrong")
    last = Client(HTTP_HOST="hub.test")
    assert "Too many failed" in sign_in(last, ann.email).content.decode()
    assert not is_signed_in(last)


def test_a_network_of_one_caller_counts_as_one_address(ann):
    for number in range(5):
        sign_in(Client(REMOTE_ADDR=f"2001:db8:1:2::{number:x}"), ann.email, "wrong")
    last = Client(REMOTE_ADDR="2001:db8:1:2:ffff::1")
    assert "Too many failed" in sign_in(last, ann.email).content.decode()


def test_guesses_from_elsewhere_lock_no_account(client, ann):
    for _ in range(6):
        sign_in(Client(REMOTE_ADDR="192.0.2.1"), ann.email, "wrong")
    assert sign_in(client, ann.email).url == "/"


def guess_from_many_addresses(email):
    for number in range(101):
        answer = sign_in(Client(REMOTE_ADDR=f"192.0.2.{number}"), email, "wrong")
    assert "Too many failed" in answer.content.decode()


def test_guessing_from_many_addresses_ends_too_but_not_in_a_known_browser(client, ann):
    known = sign_in(Client(), ann.email).cookies["known_browser"].value
    guess_from_many_addresses(ann.email)
    assert "Too many failed" in sign_in(client, ann.email).content.decode()
    client.cookies["known_browser"] = f"x{known}"
    assert "Too many failed" in sign_in(client, ann.email).content.decode()
    client.cookies["known_browser"] = known
    assert sign_in(client, ann.email).url == "/"


def test_signing_in_again_and_again_uses_no_tries_up(ann):
    assert {sign_in(Client(), ann.email).status_code for _ in range(12)} == {302}


def test_a_known_browser_is_known_for_its_person_and_guesses_no_more_than_others(client, ann, make):
    other = make.user()
    sign_in(client, other.email)
    client.post(reverse("account_logout"))
    guess_from_many_addresses(ann.email)
    assert "Too many failed" in sign_in(client, ann.email).content.decode()
    for _ in range(5):
        sign_in(client, other.email, "wrong")
    assert "Too many failed" in sign_in(client, other.email).content.decode()


def test_a_new_password_by_mail_is_the_way_back(client, ann):
    guess_from_many_addresses(ann.email)
    for _ in range(6):
        sign_in(client, ann.email, "wrong")
    client.post(RESET, {"email": ann.email})
    form = client.get(get_mailed_link(), follow=True)
    new = {"password1": "battery staple 9", "password2": "battery staple 9"}
    client.post(form.redirect_chain[-1][0], new)
    guess_from_many_addresses(ann.email)
    assert sign_in(client, ann.email, "battery staple 9").url == "/"


def test_trying_many_accounts_from_one_place_ends_too(client):
    answers = [sign_in(client, f"person{number}@acme.test", "wrong") for number in range(12)]
    assert "Too many failed" in answers[-1].content.decode()
    assert {sign_in(client, "a@acme.test", "wrong").status_code for _ in range(25)} == {200, 429}


def test_an_unverified_address_is_confirmed_by_a_code_first(client, ann):
    ann.emailaddress_set.all().delete()
    page = sign_in(client, ann.email, follow=True)
    assert not is_signed_in(client)
    assert "ann@acme.test" in page.content.decode()
    code = deliver_mails()[-1].subject.partition(": ")[2]
    client.post(reverse("account_email_verification_sent"), {"code": code})
    assert is_signed_in(client)
    assert EmailAddress.objects.get(user=ann).verified


def test_an_inactive_person_does_not_come_in(client, make):
    make.user("gone@acme.test", is_active=False)
    sign_in(client, "gone@acme.test", follow=True)
    assert not is_signed_in(client)


# --- passwords ------------------------------------------------------------------------------------


def test_a_password_is_set_anew_by_a_link(client, ann):
    client.post(RESET, {"email": ann.email})
    form = client.get(get_mailed_link(), follow=True)
    new = {"password1": "battery staple 9", "password2": "battery staple 9"}
    client.post(form.redirect_chain[-1][0], new)
    assert sign_in(client, ann.email, "battery staple 9").url == "/"
    assert "was reset" in deliver_mails()[-1].subject


def test_a_link_sets_a_password_once(client, ann):
    client.post(RESET, {"email": ann.email})
    link = get_mailed_link()
    ann.set_password("another one 7")
    ann.save()
    assert "no longer valid" in client.get(link, follow=True).content.decode()


@pytest.mark.parametrize(
    "host", [{"HTTP_HOST": "hub.test:8000"}, {"HTTP_X_FORWARDED_HOST": "evil.example"}]
)
def test_the_link_is_the_hubs_own_whatever_host_was_said(client, ann, host):
    client.post(RESET, {"email": ann.email}, **host)
    (letter,) = deliver_mails()
    assert "https://hub.test/accounts/password/reset/key/" in letter.body
    assert "evil" not in str(letter.message())
    assert "8000" not in letter.body


def test_a_strange_host_is_refused(client, ann):
    assert client.post(RESET, {"email": ann.email}, HTTP_HOST="evil.example").status_code == 400
    assert not deliver_mails()


def test_asking_for_a_link_does_not_tell_who_has_an_account(ann):
    answers = [
        Client().post(RESET, {"email": email}, follow=True)
        for email in (ann.email, "nobody@acme.test")
    ]
    assert len({(answer.status_code, without_tokens(answer)) for answer in answers}) == 1
    assert [letter.to for letter in deliver_mails()] == [[ann.email]]


def test_without_mail_the_page_says_so_to_every_visitor(ann, settings):
    settings.HUB_EMAIL_URL = ""
    answers = [
        Client().post(RESET, {"email": email}, follow=True)
        for email in (ann.email, "nobody@acme.test")
    ]
    assert len({without_tokens(answer) for answer in answers}) == 1
    assert "E-mail is not set up" in answers[0].content.decode()


def test_no_page_asks_the_mail_server_and_each_writes_one_sealed_row(client, ann, settings):
    """So that neither what is said nor how long it takes tells who has an account."""
    settings.EMAIL_BACKEND = "tests.fakes.NoMailServer"
    written = {}
    for email in (ann.email, "nobody@acme.test"):
        with CaptureQueriesContext(connection) as queries:
            client.post(RESET, {"email": email})
        written[email] = sum('INSERT INTO "hub_mail"' in query["sql"] for query in queries)
    assert written == {ann.email: 1, "nobody@acme.test": 1}
    (row,) = Mail.objects.values("to", "state", "attempt_count", "sealed")
    assert (row["to"], row["state"], row["attempt_count"]) == (ann.email, "waiting", 0)
    assert "password" not in str(row) and "/reset/" not in str(row)


def test_a_code_is_not_sent_when_it_is_good_no_longer(client, ann):
    ann.emailaddress_set.all().delete()
    sign_in(client, ann.email)
    assert not deliver_mails(at=clock() + timedelta(minutes=16))
    row = Mail.objects.get()
    assert (row.state, row.reason, row.sealed) == ("failed", "mail_expired", None)


def test_a_changed_password_is_audited_and_mailed(client, ann):
    sign_in(client, ann.email)
    new = {
        "oldpassword": PASSWORD,
        "password1": "battery staple 9",
        "password2": "battery staple 9",
    }
    client.post(reverse("account_change_password"), new)
    ann.refresh_from_db()
    assert ann.check_password("battery staple 9")
    assert "was changed" in deliver_mails()[-1].subject


def test_another_address_counts_once_it_is_confirmed(client, ann):
    sign_in(client, ann.email)
    client.post(reverse("account_email"), {"action_add": "1", "email": "ann@new.test"})
    ann.refresh_from_db()
    assert ann.email == "ann@acme.test"
    code = deliver_mails()[-1].subject.partition(": ")[2]
    client.post(reverse("account_email_verification_sent"), {"code": code})
    ann.refresh_from_db()
    assert ann.email == "ann@new.test"
    assert deliver_mails()[-1].to == ["ann@acme.test"]


# --- nobody comes uninvited -----------------------------------------------------------------------


def test_a_sign_up_needs_an_invitation(client):
    data = {"email": "me@evil.test", "name": "Me", "password1": "battery staple 9"}
    for answer in (
        client.get(reverse("account_signup")),
        client.post(reverse("account_signup"), data),
    ):
        assert "by invitation" in answer.content.decode()
    assert not User.objects.exists()


def test_the_door_has_one_link_to_a_new_password(client):
    page = client.get("/accounts/login/").text
    assert page.count("Forgot your password?") == page.count("/accounts/password/reset/") == 1

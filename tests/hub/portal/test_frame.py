"""What stands around every page: who, where, how it looks, and a policy that lets nothing inline
in.
"""

import re
from datetime import datetime
from pathlib import Path

import pytest
from django.urls import reverse

import hub
from tests.hub.portal.pages import PAGES, page
from tests.markup import normalize_markup

pytestmark = pytest.mark.django_db

TEMPLATES = Path(hub.__file__).parents[1] / "templates"
INCLUDED_ALONE = re.compile(r'{% include "([^"]+)"[^%]* only %}')


@pytest.mark.parametrize("name", PAGES)
def test_no_page_needs_anything_inline_or_foreign(name, owner, make, acme):
    answer = owner.get(page(name, make, acme))
    text, policy = answer.content.decode(), answer.headers["Content-Security-Policy"]
    assert answer.status_code == 200
    assert "unsafe" not in policy and "default-src 'self'" in policy
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=", text)
    assert not re.search(r'(src|href)="(https?:)?//', text)


@pytest.mark.corrections(item="3.9")
def test_no_part_with_a_form_is_included_without_the_context_that_holds_its_token():
    templates = {
        str(path.relative_to(TEMPLATES)): path.read_text() for path in TEMPLATES.rglob("*.html")
    }
    alone = {name for text in templates.values() for name in INCLUDED_ALONE.findall(text)}
    assert alone and not [name for name in alone if "csrf_token" in templates[name]]


def test_the_admin_may_set_colours_inline_and_nothing_else(make, client):
    client.force_login(make.staff(is_superuser=True))
    policy = client.get(reverse("admin:index"), follow=True).headers["Content-Security-Policy"]
    assert policy.count("'unsafe-inline'") <= 1 and "unsafe-eval" not in policy


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("", "Connections"),
        ("catalogue/", "Catalogue"),
        ("connect/slack/", "Catalogue"),
        ("settings/", "Settings"),
    ],
)
def test_the_section_where_one_is_is_marked(path, name, owner):
    text = owner.get(f"/t/acme/{path}").content.decode()
    (current,) = re.findall(r'aria-current="page">.*?</svg>([^<]+)</a>', text)
    assert current == name


def test_the_house_shows_its_own_name_and_colour(settings, owner, client):
    settings.HUB_NAME, settings.HUB_COLOUR = "Teahouse", "#ffcc00"
    assert "Teahouse" in owner.get("/t/acme/").content.decode()
    sheet = client.get("/look/brand.css")
    assert sheet.headers["Content-Type"] == "text/css"
    assert (
        "--brand: #ffcc00;" in sheet.content.decode()
        and "--on-brand: #000000;" in sheet.content.decode()
    )


def test_the_house_shows_its_own_logo(settings, tmp_path, owner, client):
    assert client.get("/look/logo").status_code == 404
    settings.HUB_LOGO = tmp_path / "logo.svg"
    settings.HUB_LOGO.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    assert "/look/logo" in owner.get("/t/acme/").content.decode()
    answer = client.get("/look/logo")
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    answer.close()


ACCOUNT = ("account_change_password", "mfa_index", "account_email", "people:tenants")


@pytest.mark.parametrize("path", ["/t/acme/", "/t/", "/accounts/email/", "/accounts/2fa/"])
def test_one_menu_below_the_persons_name_has_all_of_the_account(owner, path):
    text = owner.get(path, follow=True).content.decode()
    menu = re.search(r'<details class="menu">.*?</details>', text, re.S)[0]
    assert [menu.count(f'href="{reverse(name)}"') for name in ACCOUNT] == [1, 1, 1, 1]
    assert f'action="{reverse("account_logout")}"' in menu
    rest = text.replace(menu, "")
    assert not [name for name in ACCOUNT[:3] if f'href="{reverse(name)}"' in rest]


def test_staff_have_the_same_menu_in_the_admin(make, client):
    client.force_login(make.staff(is_superuser=True))
    text = client.get(reverse("admin:index")).content.decode()
    assert [text.count(f'href="{reverse(name)}"') for name in ACCOUNT] == [1, 1, 1, 1]
    assert reverse("admin:password_change") not in text and reverse("admin:logout") in text


def test_a_guest_has_no_account(make, client, acme):
    client.post(reverse("people:portal_link", args=[make.portal_link(acme).token]))
    text = client.get("/t/acme/").content.decode()
    assert not [name for name in ACCOUNT if f'href="{reverse(name)}"' in text]


def test_a_person_chooses_colours_for_this_browser(owner):
    page = "http://testserver/t/acme/?q=1"
    assert (
        owner.post("/look/prefer", {"hub_theme": "dark"}, HTTP_REFERER=page).headers["Location"]
        == page
    )
    page = normalize_markup(owner.get("/t/acme/").content.decode())
    assert '<html lang="en" data-theme="dark">' in page


def test_times_are_shown_in_the_tenants_zone_until_a_person_chooses_another(owner, make, acme):
    connection = make.connection(
        acme, state_changed_at=datetime.fromisoformat("2026-11-25T12:00:00+00:00")
    )
    url = f"/t/acme/connections/{connection.public_id}/"
    assert 'data-exact="2026-11-25 13:00:00 CET"' in owner.get(url).content.decode()
    owner.post("/look/prefer", {"hub_zone": "UTC"})
    assert 'data-exact="2026-11-25 12:00:00 UTC"' in owner.get(url).content.decode()


@pytest.mark.parametrize("back", ["https://evil.test/", "//evil.test", "javascript:alert(1)", ""])
def test_choosing_leads_nowhere_else(owner, back):
    assert owner.post("/look/prefer", {}, HTTP_REFERER=back).headers["Location"] == "/"


def test_strange_choices_are_not_kept(owner):
    owner.post("/look/prefer", {"hub_theme": '"><script>', "hub_zone": "Mars/Base"})
    assert "hub_theme" not in owner.cookies and "hub_zone" not in owner.cookies

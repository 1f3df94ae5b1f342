"""The lists that staff see: their names, and what they say when they are empty."""

import re
from html import unescape

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.urls import reverse

from hub.console.navigation import MENU
from tests.tenant_isolation.test_admin import ROWS, admin_of, page_of

pytestmark = pytest.mark.django_db
PAGES = [entry for entries in MENU.values() for entry in entries]


@pytest.fixture
def staff(make, client):
    client.force_login(make.staff(is_superuser=True))
    return client


def texts_of(page, tag):
    """The texts of all elements of a tag."""
    matches = re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", page, re.S)
    return [unescape(" ".join(re.sub(r"<[^>]+>", " ", text).split())) for text in matches]


@pytest.mark.parametrize(("title", "icon", "page", "permission"), PAGES)
def test_a_page_has_the_name_that_the_menu_gives_it(staff, title, icon, page, permission):
    shown = staff.get(reverse(page if ":" in page else f"admin:{page}_changelist")).text
    assert texts_of(shown, "h1") == [title]
    assert texts_of(shown, "title")[0].startswith(f"{title} |")


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("admin:incoming_inboundsource_health", "Webhook health"),
        ("admin:incoming_inboundsource_changelist", "Sources"),
        ("admin:tenants_tenant_add", "Tenants"),
        ("admin:index", "Overview"),
    ],
)
def test_the_menu_marks_the_page_that_is_shown_and_no_other(staff, page, title):
    groups = staff.get(reverse(page)).context["sidebar_navigation"]
    assert [item["title"] for group in groups for item in group["items"] if item["active"]] == [
        title
    ]


def test_every_list_is_in_the_menu():
    lists = {f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry}
    assert lists <= {page for _title, _icon, page, _permission in PAGES}


def test_every_empty_list_says_what_it_will_hold_in_words_of_its_own():
    texts = [page.empty_text for page in admin.site._registry.values()]
    assert all(texts) and len(set(texts)) == len(texts) == len(ROWS)


@pytest.mark.parametrize("label", sorted(set(ROWS) - {"tenants.User"}))  # whoever looks is a person
def test_an_empty_list_names_the_next_step(staff, label):
    page = unescape(staff.get(page_of(label, "changelist")).text)
    model_admin = admin_of(label)
    assert f"{model_admin.title_of_list()}: there are none yet" in page
    assert model_admin.empty_text in page
    step = model_admin.empty_step
    assert step is None or f'href="{reverse(step.page)}">{step.label}<' in page


@pytest.mark.parametrize("label", ROWS)
def test_a_search_that_finds_nothing_leads_back_to_all_rows(staff, make, label):
    ROWS[label](make, make.tenant("acme"))
    page = staff.get(page_of(label, "changelist"), {"q": "no-such-row"}).text
    if "hub-nothing" in page:
        assert "nothing matches “no-such-row”" in page
        assert '<a class="hub-button hub-button-primary" href="?">Show all</a>' in page


def test_a_filter_that_finds_nothing_says_that_it_is_active(staff, make):
    make.tenant("acme")
    page = staff.get(page_of("tenants.Tenant", "changelist"), {"suspended_at__isempty": "0"}).text
    assert "Tenants: nothing matches these filters" in page
    assert "Filters are active" in page


def test_staff_who_may_not_do_the_next_step_do_not_see_it(make, client):
    user = make.staff(make.tenant("acme"))
    user.user_permissions.set(Permission.objects.filter(codename="view_event"))
    client.force_login(user)
    page = client.get(reverse("admin:outgoing_event_changelist")).text
    assert "Events: there are none yet" in page
    assert "Send a test event</a>" not in page

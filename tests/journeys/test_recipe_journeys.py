"""Every ready-made integration in a real browser: switched on with at most four clicks, changed,
paused and removed. Lists of a connected system are read from the sandbox.
"""

from datetime import timedelta

import pytest
from django.test import Client
from playwright.sync_api import expect

from hub.db.clock import clock
from hub.mappings.models import FieldMapping
from hub.outgoing.models import Route
from hub.queue import pending_wake_ups
from hub.recipes.definitions import RECIPES
from hub.recipes.models import Integration
from hub.scheduled.models import Job
from hub.schemas.tasks import read_choice_list
from tenants.models import Membership
from tests.journeys.chromium import window
from tests.journeys.person import Visitor

pytestmark = [pytest.mark.desk, pytest.mark.django_db]

HERE = "/t/acme/integrations/"
CLICKS_MAX = 4  # choose, answer, see what would be sent, switch on


@pytest.fixture
def owner(make, demo):
    """A customer who has connected every system."""
    client = Client()
    client.force_login(Membership.unscoped.get(tenant__reference="acme", role="owner").user)
    return client


@pytest.fixture
def olga(browser, owner):
    with window(browser, owner) as page:
        yield Visitor(page, HERE)
        assert page.complaints == []


def read_requested_lists():
    """As a worker does in the background."""
    for name in pending_wake_ups("choices:", since=clock() - timedelta(minutes=1)):
        read_choice_list(name)


def switch_on(visitor, recipe):
    """From the page of all integrations to the page of this one, which says that it is on."""
    visitor.goes(HERE)
    visitor.follow(recipe.title)
    read_requested_lists()
    visitor.page.reload()
    for question in recipe.own_questions:
        if question.is_required and question.default == "":
            visitor.selects(question.label, index=1)  # the first of a list
    visitor.press("See what would be sent")
    expect(visitor.page.get_by_text("This is what would happen:")).to_be_visible()
    for part in recipe.parts:
        expect(visitor.page.get_by_role("heading", name=part.name, exact=True)).to_be_visible()
    assert "would not be sent" not in visitor.reads()
    visitor.press("Switch on")
    expect(visitor.page.get_by_text("It is on. It works from now on.")).to_be_visible()
    return Integration.unscoped.select_related("tenant").get()


def list_enabled(integration):
    """The keys of the parts whose route or job is enabled."""
    parts = integration.parts.select_related("route", "job").order_by("pk")
    return [
        part.key for part in parts if (part.route.enabled if part.route else part.job.is_enabled)
    ]


def count_rows():
    return [model.unscoped.count() for model in (Integration, Route, FieldMapping, Job)]


def shows_parts(visitor, recipe, word):
    for part in recipe.parts:
        row = visitor.page.get_by_role("listitem").filter(has_text=part.name)
        expect(row.get_by_text(word, exact=True)).to_be_visible()


@pytest.mark.parametrize("key", RECIPES)
def test_a_recipe_is_switched_on_with_four_clicks_and_removed_whole(olga, key):
    recipe, before = RECIPES[key], count_rows()
    integration = switch_on(olga, recipe)
    assert olga.clicks <= CLICKS_MAX
    assert (integration.recipe_key, integration.state) == (key, "on")
    assert list_enabled(integration) == [part.key for part in recipe.parts]
    assert integration.parts.filter(mapping=None).count() == len(recipe.jobs)
    shows_parts(olga, recipe, "enabled")
    olga.press("Pause")
    expect(olga.page.get_by_text("It is paused.")).to_be_visible()
    shows_parts(olga, recipe, "disabled")
    assert list_enabled(integration) == []
    olga.press("Resume")
    expect(olga.page.get_by_text("It is on again.")).to_be_visible()
    olga.page.locator("summary", has_text="Remove this integration").click()
    olga.press("Remove this integration")
    expect(olga.page.get_by_text("It has been removed with all that it made.")).to_be_visible()
    expect(olga.page.get_by_text("No integration is switched on yet.")).to_be_visible()
    assert count_rows() == before


def test_a_channel_is_chosen_from_the_list_of_the_workspace_and_changed(olga, demo):
    channels = [
        {"id": "C000ACMEORDERS", "name": "orders"},
        {"id": "C000ACMESALES", "name": "sales"},
    ]
    demo.desk.world(slack=[{"team": "T0000ACME", "channels": channels}])
    integration = switch_on(olga, RECIPES["weekly_sales_to_slack"])
    assert integration.answers["channel"] == "C000ACMEORDERS"
    lists = [line for line in demo.desk.ledger() if line["path"].endswith("conversations.list")]
    assert [(line["account"], line["status"]) for line in lists] == [("T0000ACME", 200)]
    olga.follow("Change the answers")
    olga.selects("Channel", label="#sales")
    olga.selects("Hour", label="07:00")
    olga.press("Save")
    expect(olga.page.get_by_text("It applies to what happens from now on.")).to_be_visible()
    expect(olga.page.get_by_role("definition").filter(has_text="#sales")).to_be_visible()
    job = integration.parts.get().job
    assert (job.cron, job.options["message"]["channel"]) == ("0 7 * * 1", "C000ACMESALES")
    olga.goes(HERE)
    assert "#sales" in olga.reads()


def test_without_scripts_it_takes_as_many_clicks(browser, owner):
    with window(browser, owner, java_script_enabled=False) as page:
        visitor = Visitor(page, HERE)
        switch_on(visitor, RECIPES["order_cancelled_to_slack"])
    assert visitor.clicks <= CLICKS_MAX

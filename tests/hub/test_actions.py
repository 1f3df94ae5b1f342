"""Every declared action is offered at the three doors, or its declaration says why not."""

from uuid import UUID

import pytest
from django.contrib import admin
from django.urls import NoReverseMatch, reverse

from hub.incoming.models import InboundItem, WebhookSubscription
from hub.incoming.processing.replay import ITEM_ACTIONS
from hub.incoming.registration.actions import SUBSCRIPTION_ACTIONS
from hub.outgoing.models import Delivery
from hub.outgoing.operations.delivery_actions import DELIVERY_ACTIONS
from hub.recipes.integration_actions import INTEGRATION_ACTIONS
from hub.recipes.models import Integration
from hub.scheduled.models import Run
from hub.scheduled.runs.run_actions import RUN_ACTIONS
from tenants.api_scopes import SCOPES

ID = UUID(int=7)
DELIVERIES = (DELIVERY_ACTIONS, Delivery, "delivery")  # declarations, model, names of URLs
WEBHOOKS = (SUBSCRIPTION_ACTIONS, WebhookSubscription, "webhook_subscription")
ITEMS = (ITEM_ACTIONS, InboundItem, "inbound_item")
RUNS = (RUN_ACTIONS, Run, "run")
INTEGRATIONS = (INTEGRATION_ACTIONS, Integration, "integration")
SUBJECTS = [DELIVERIES, WEBHOOKS, ITEMS, RUNS, INTEGRATIONS]
# the names of the URLs of pages, where they are not those of REST
PAGES = {"webhook_subscription": "webhook", "inbound_item": "incoming_item"}
DECLARED = [
    pytest.param(subject, action, id=f"{subject[2]}.{action.name}")
    for subject in SUBJECTS
    for action in subject[0].values()
]


def has_url(name, *args):
    try:
        return bool(reverse(name, args=args))
    except NoReverseMatch:
        return False


def find_offered(subject, action):
    """The doors that show the action."""
    actions, model, row = subject
    doors = {"rest"} if has_url(f"{row}_{action.name}", ID) else set()
    declared = admin.site._registry[model].declared_actions
    doors |= {"staff"} if declared is actions and action.is_offered_at("staff") else set()
    is_shown = has_url(f"portal:{PAGES.get(row, row)}_do", "acme", ID, action.name)
    return doors | ({"portal"} if is_shown and action.is_offered_at("portal") else set())


@pytest.mark.parametrize("subject, action", DECLARED)
def test_an_action_is_offered_at_a_door_or_its_declaration_says_why_not(subject, action):
    assert find_offered(subject, action) == {"staff", "portal", "rest"} - set(action.withheld)
    assert all(len(why) > 20 for why in action.withheld.values())


@pytest.mark.parametrize("subject, action", DECLARED)
def test_a_declaration_is_complete(subject, action):
    assert action.label and action.question and action.success
    assert "rest" in action.withheld or (action.summary and action.scope in SCOPES)

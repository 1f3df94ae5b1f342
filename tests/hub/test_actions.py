"""Every declared action is offered at the three doors, or its declaration says why not."""

from typing import Any, NamedTuple
from uuid import UUID

import pytest
from django.contrib import admin
from django.db.models import Model
from django.urls import NoReverseMatch, get_resolver, resolve, reverse

from hub.actions import Action, Actions
from hub.connections.actions.declared_actions import CONNECTION_ACTIONS
from hub.connections.actions.disconnection import DISCONNECT_ACTIONS
from hub.connections.actions.kill_switches import SWITCH_ACTIONS
from hub.connections.actions.maintenance import WINDOW_ACTIONS
from hub.connections.actions.queued_tests import TEST_ACTIONS
from hub.connections.actions.quota_actions import QUOTA_ACTIONS
from hub.connections.actions.reconnect_links import RECONNECT_ACTIONS
from hub.connections.actions.signing_secret_actions import SECRET_ACTIONS
from hub.connections.connecting.connect_links import CONNECT_LINK_ACTIONS
from hub.connections.models import Connection, ConnectLink, KillSwitch, MaintenanceWindow
from hub.console.mail_actions import MAIL_ACTIONS
from hub.drift.drift_actions import FINDING_ACTIONS, SCHEMA_ACTIONS
from hub.drift.models import DriftFinding
from hub.identities.models import DirectoryRead
from hub.identities.stopped_reads import READ_ACTIONS
from hub.incoming.gaps.gap_actions import GAP_ACTIONS, SOURCE_READ_ACTIONS
from hub.incoming.models import InboundGap, InboundItem, InboundSource, WebhookSubscription
from hub.incoming.processing.replay import ITEM_ACTIONS
from hub.incoming.registration.actions import SUBSCRIPTION_ACTIONS
from hub.incoming.watch.source_actions import CANARY_ACTIONS
from hub.mail.models import Mail
from hub.mappings.mapping_actions import MAPPING_ACTIONS
from hub.mappings.models import FieldMapping
from hub.notices.models import Notice
from hub.notices.notice_actions import NOTICE_ACTIONS
from hub.operations.models import Operation
from hub.operations.operation_actions import OPERATION_ACTIONS
from hub.outgoing.models import Delivery, Route
from hub.outgoing.operations.delivery_actions import DELIVERY_ACTIONS
from hub.outgoing.subscriptions.endpoint_routes import ENDPOINT_ACTIONS
from hub.outgoing.subscriptions.route_switches import ROUTE_ACTIONS
from hub.recipes.integration_actions import INTEGRATION_ACTIONS
from hub.recipes.models import Integration
from hub.scheduled.models import Discrepancy, Job, JobSchedule, Run
from hub.scheduled.repairs.discrepancy_actions import DISCREPANCY_ACTIONS
from hub.scheduled.runs.run_actions import JOB_ACTIONS, RUN_ACTIONS, SCHEDULE_ACTIONS
from hub.throttle.models import QuotaState
from tenants.api_scopes import SCOPES
from tenants.models import ApiKey, Invitation, Membership, PortalLink, Tenant, User
from tenants.services.api_key_actions import KEY_ACTIONS
from tenants.services.declared_actions import INVITATION_ACTIONS, INVITE_ACTIONS, MEMBER_ACTIONS
from tenants.services.portal_link_actions import LINK_ACTIONS
from tenants.services.tenant_actions import TENANT_ACTIONS
from tenants.services.user_actions import USER_ACTIONS

ID = UUID(int=7)


class Subject(NamedTuple):
    """The rows of declared actions, with their names in URLs of the API and of pages."""

    actions: Actions
    model: type[Model]
    row: str = "none"
    page: str = ""


SUBJECTS = [
    Subject(DELIVERY_ACTIONS, Delivery, "delivery"),
    Subject(SUBSCRIPTION_ACTIONS, WebhookSubscription, "webhook_subscription", "webhook"),
    Subject(CANARY_ACTIONS, WebhookSubscription, "webhook_subscription", "webhook"),
    Subject(GAP_ACTIONS, InboundGap, "gap"),
    Subject(SOURCE_READ_ACTIONS, InboundSource, "source"),
    Subject(ITEM_ACTIONS, InboundItem, "inbound_item", "incoming_item"),
    Subject(RUN_ACTIONS, Run, "run"),
    Subject(INTEGRATION_ACTIONS, Integration, "integration"),
    Subject(DISCREPANCY_ACTIONS, Discrepancy, "discrepancy"),
    Subject(JOB_ACTIONS, Job, "job"),
    Subject(OPERATION_ACTIONS, Operation, "operation"),
    Subject(CONNECTION_ACTIONS, Connection, "connection"),
    Subject(ENDPOINT_ACTIONS, Connection, "connection", "endpoint"),
    Subject(MAPPING_ACTIONS, FieldMapping, "mapping"),
    Subject(SCHEDULE_ACTIONS, JobSchedule),
    Subject(READ_ACTIONS, DirectoryRead),
    Subject(ROUTE_ACTIONS, Route),
    Subject(SWITCH_ACTIONS, KillSwitch),
    Subject(WINDOW_ACTIONS, MaintenanceWindow),
    Subject(QUOTA_ACTIONS, QuotaState),
    Subject(NOTICE_ACTIONS, Notice),
    Subject(MAIL_ACTIONS, Mail),
    Subject(TENANT_ACTIONS, Tenant),
    Subject(KEY_ACTIONS, ApiKey),
    Subject(LINK_ACTIONS, PortalLink),
    Subject(USER_ACTIONS, User),
    Subject(SCHEMA_ACTIONS, Connection, "schema"),
    Subject(FINDING_ACTIONS, DriftFinding),
    Subject(TEST_ACTIONS, Connection, "connection"),
    Subject(SECRET_ACTIONS, Connection, "connection", "endpoint"),
    Subject(RECONNECT_ACTIONS, Connection, "connection"),
    Subject(DISCONNECT_ACTIONS, Connection, "connection"),
    Subject(CONNECT_LINK_ACTIONS, ConnectLink, "connect_link"),
    Subject(INVITE_ACTIONS, Tenant, "tenant"),
    Subject(MEMBER_ACTIONS, Membership, "member"),
    Subject(INVITATION_ACTIONS, Invitation, "invitation"),
]
DECLARED = [
    pytest.param(subject, action, id=f"{subject.model._meta.model_name}.{action.name}")
    for subject in SUBJECTS
    for action in subject.actions.values()
]


def has_url(name, *args):
    try:
        return bool(reverse(name, args=args))
    except NoReverseMatch:
        return False


def find_offered(subject, action):
    """The doors that show the action."""
    doors = {"rest"} if has_url(f"{subject.row}_{action.name}", ID) else set()
    pages = admin.site._registry.get(subject.model)
    declared = pages.declared_actions.get(action.name) if pages else None
    doors |= {"staff"} if declared is action and action.is_offered_at("staff") else set()
    is_shown = find_page_action(subject, action.name) is action
    return doors | ({"portal"} if is_shown and action.is_offered_at("portal") else set())


def find_page_action(subject, name):
    """The action of this name that the view of the customers' page performs."""
    page = f"portal:{subject.page or subject.row}_do"
    for arguments in (("acme", ID, name), ("acme",)):
        if has_url(page, *arguments):
            return resolve(reverse(page, args=arguments)).func.actions.get(name)
    return None


@pytest.mark.parametrize("subject, action", DECLARED)
def test_an_action_is_offered_at_a_door_or_its_declaration_says_why_not(subject, action):
    assert find_offered(subject, action) == {"staff", "portal", "rest"} - set(action.withheld)
    assert all(len(why) > 20 for why in action.withheld.values())


@pytest.mark.parametrize("subject, action", DECLARED)
def test_a_declaration_is_complete(subject, action):
    assert action.label and action.question
    assert action.success or action.describe_result is not Action.describe_result
    assert "rest" in action.withheld or (action.summary and action.scope in SCOPES)


def test_no_page_of_staff_offers_an_action_that_is_not_listed_here():
    listed = {id(action) for subject in SUBJECTS for action in subject.actions.values()}
    offered: list[Any] = [
        action
        for page in admin.site._registry.values()
        for action in page.declared_actions.values()
    ]
    assert len(offered) > 40 and [action for action in offered if id(action) not in listed] == []


def test_every_page_of_customers_for_actions_is_listed_here():
    names = get_resolver().reverse_dict.keys()
    portal = get_resolver().namespace_dict["portal"][1].reverse_dict
    pages = {name.removesuffix("_do") for name in portal if str(name).endswith("_do")}
    assert names and pages == {
        subject.page or subject.row for subject in SUBJECTS if subject.row != "none"
    }

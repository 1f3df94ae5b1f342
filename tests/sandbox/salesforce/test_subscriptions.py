"""Our outbound messages and flows, kept at the simulated Salesforce by the connector's steps."""

import json

import pytest

from connectors.http import Response
from connectors.outcomes import Outcome
from connectors.registry import CONNECTORS
from connectors.webhook_sources import WantedSubscription
from tests.sandbox.test_connectors import ORG, key_for, send

KEPT = CONNECTORS["salesforce"].subscriptions
URL = "https://hub.test/hooks/salesforce/key/"


class Registrations:
    """The steps of a check, sent to the sandbox, with the names of those that were sent."""

    def __init__(self, desk):
        self.credential, self.steps = key_for(desk, "salesforce"), []

    def find(self):
        found, cursor = [], ""
        while True:
            answer = send(KEPT.list_request(self.credential, cursor=cursor))
            page = KEPT.parse_list(answer, cursor=cursor)
            if isinstance(page, Outcome):
                return page
            found, cursor = [*found, *page.subscriptions], page.cursor
            if not cursor:
                return list(KEPT.merge_pages(found))

    def create(self, wanted):
        return self.follow(lambda done: KEPT.next_step(self.credential, wanted, done))

    def repair(self, wanted, found):
        return self.follow(lambda done: KEPT.next_repair(self.credential, wanted, found, done))

    def remove(self, id):
        return self.follow(lambda done: KEPT.next_removal(self.credential, id, done))

    def follow(self, next_step):
        done = {}
        for _step in range(10):
            step = next_step(done)
            if step is None:
                return done
            self.steps.append(step.name)
            step_result = KEPT.parse_step(step.name, send(step.request))
            if isinstance(step_result, Outcome):
                return step_result
            done |= {step.name: "", **step_result}
        raise AssertionError(f"it does not end: {self.steps}")

    def change(self, kind, id, metadata):
        """Change something as an administrator does in Setup."""
        url = f"{self.credential.settings['instance_url']}/services/data/v67.0/tooling/sobjects"
        request = KEPT.list_request(self.credential)
        changed = type(request)(
            "PATCH", f"{url}/{kind}/{id}", json={"Metadata": metadata}, bearer=request.bearer
        )
        assert send(changed).status == 204


def wanted(key="order.created", url=URL):
    return WantedSubscription(key, (key,), KEPT.build_url(url, key))


@pytest.fixture
def org(desk):
    return Registrations(desk)


def test_what_is_created_is_found_as_wanted_and_a_second_change_has_a_message_of_its_own(org):
    assert org.find() == []
    for key in ("order.created", "order.updated"):
        record = org.create(wanted(key))
        (found,) = [entry for entry in org.find() if entry.key == key]
        assert found.external_id == KEPT.join_ids(record)
        assert KEPT.find_differences(wanted(key), found) == ()
    assert org.steps[:5] == ["describe", "identity", "user", "message", "find"]
    assert len(org.find()) == 2


def test_a_changed_url_and_a_deactivated_flow_are_repaired(org):
    record = org.create(wanted())
    org.change("WorkflowOutboundMessage", record["message"], {"endpointUrl": "https://x.test/"})
    org.change("FlowDefinition", record["definition"], {"activeVersionNumber": 0})
    (subscription,) = org.find()
    assert set(KEPT.find_differences(wanted(), subscription)) == {"url", "events", "inactive"}
    assert not isinstance(org.repair(wanted(), subscription), Outcome)
    (subscription,) = org.find()
    assert KEPT.find_differences(wanted(), subscription) == ()


def test_a_new_url_of_ours_replaces_the_old_one(org):
    org.create(wanted())
    (subscription,) = org.find()
    rotated = wanted(url="https://hub.test/hooks/salesforce/new/")
    assert KEPT.find_differences(rotated, subscription) == ("url",)
    org.repair(rotated, subscription)
    assert [entry.url for entry in org.find()] == [rotated.url]


def test_a_deleted_flow_is_created_again_under_the_name_of_its_message(org):
    record = org.create(wanted())
    org.change("FlowDefinition", record["definition"], {"activeVersionNumber": 0})
    org.follow(lambda done: None if "delete" in done else delete_flow(org, record["flow"]))
    (subscription,) = org.find()
    assert KEPT.find_differences(wanted(), subscription) == ("inactive",)
    org.repair(wanted(), subscription)
    (subscription,) = org.find()
    assert subscription.is_active


def delete_flow(org, id):
    step = KEPT.next_removal(
        org.credential,
        "04k000000000001AAA",
        {"definition": "300000000000001AAA", "active": "", "flows": id},
    )
    return type(step)("delete", step.request)


def test_the_flow_is_deactivated_and_deleted_before_its_message_and_twice_is_no_error(org):
    record = org.create(wanted())
    org.steps.clear()
    for _time in range(2):
        assert not isinstance(org.remove(record["message"]), Outcome)
    assert org.steps[:4] == ["find", "deactivate", f"delete {record['flow']}", "delete message"]
    assert org.find() == []


def test_an_organisation_without_active_flows_leaves_the_flow_to_a_person(desk, org):
    desk.world(salesforce=[{"org": ORG, "active_flows": False}])
    outcome = org.create(wanted())
    assert (outcome.kind, outcome.reason) == ("never", "only_by_hand")
    (subscription,) = org.find()
    assert KEPT.find_differences(wanted(), subscription) == ("inactive",)
    assert org.steps[-1] == "activate"


def test_without_customize_application_a_permission_is_missing(desk, org):
    desk.world(salesforce=[{"org": ORG, "customize_application": False}])
    outcome = org.find()
    assert outcome.reason == "permission_missing" and "Customize Application" in outcome.detail


@pytest.mark.corrections(item="2.1")
def test_a_message_carries_who_changed_the_record_also_of_an_object_with_many_fields(org):
    origin = {"CreatedById", "LastModifiedById", "LastModifiedDate"}
    assert origin <= set(org.create(wanted())["fields"].split(","))
    many = [{"name": f"Field_{number}__c", "type": "string"} for number in range(300)]
    described = {"fields": [*many, *({"name": name, "type": "reference"} for name in origin)]}
    answer = KEPT.parse_step("describe", Response(200, json.dumps(described).encode()))
    assert origin <= set(answer["fields"].split(","))

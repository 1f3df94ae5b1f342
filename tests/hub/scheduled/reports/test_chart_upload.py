"""The chart of a report is uploaded once, and its message goes without it where it cannot be."""

from datetime import UTC, datetime

import pytest

from hub.outgoing.models import Delivery
from hub.scheduled.reports.executor import run_report
from hub.scheduled.runs.context import RunStopped
from tests.hub.scheduled.reports.report_posts import body_of, place_orders, post, try_to_post
from tests.hub.scheduled.sandbox_run import connect, execute, start_run

pytestmark = pytest.mark.django_db(transaction=True)
CHANNEL = {"message": {"channel": "C0000ORD1"}}
AFTER_NOON = datetime(2026, 11, 30, 8, tzinfo=UTC)  # a Monday after the sandbox's present


def test_the_picture_is_not_uploaded_again_after_a_kill_before_the_message(make, desk, acme):
    connect(make, desk, acme, "app", "slack")
    place_orders(desk, "20.00", "30.00")
    context = start_run(make, acme, "app", slot_at=AFTER_NOON, **CHANNEL)
    context.at, context.stop_after = AFTER_NOON, 2  # figures, picture; then the process dies
    with pytest.raises(RunStopped):
        execute(run_report, context)
    uploads = len([call for call in context.called if "files." in call])
    context.stop_after = None
    result = execute(run_report, context)
    assert len([call for call in context.called if "files." in call]) == uploads == 2
    assert body_of(Delivery.unscoped.get())["picture"] == {"id": result["picture"]}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        pytest.param(
            {"path": "getUploadURL", "body": {"ok": False, "error": "missing_scope"}},
            "missing_scope",
            id="permission refused",
        ),
        pytest.param(
            {"path": "getUploadURL", "changes": {"upload_url": "https://evil.example/"}},
            "host_refused",
            id="another host",
        ),
        pytest.param({"path": "/slack/upload", "status": 500}, "status_500", id="upload failed"),
        pytest.param(
            {"path": "completeUpload", "body": {"ok": False, "error": "file_not_found"}},
            "file_not_found",
            id="not finished",
        ),
        pytest.param({"path": "completeUpload", "body": "<html>"}, "unreadable", id="no answer"),
    ],
)
def test_a_picture_that_slack_refuses_leaves_the_message(make, desk, acme, fault, reason):
    connect(make, desk, acme, "app", "slack")
    place_orders(desk, "20.00", "30.00")
    desk.fault("slack", times=9, **fault)
    context = start_run(make, acme, "app", slot_at=AFTER_NOON, **CHANNEL)
    context.at = AFTER_NOON
    result = execute(run_report, context)
    assert (result["picture"], result["picture_reason"]) == ("", reason)
    assert ("picture_refused", {"reason": reason}) in context.lines
    delivery = Delivery.unscoped.get()
    assert delivery.due_at == context.at and body_of(delivery)["picture"] is None
    page = post(desk, delivery)
    assert "50" in page and "/slack/files/view/" not in page


def test_a_permission_that_was_not_granted_costs_no_call(make, desk, acme):
    connect(make, desk, acme, "app", "slack", permissions=["chat:write"])
    place_orders(desk, "20.00")
    context = start_run(make, acme, "app", slot_at=AFTER_NOON, **CHANNEL)
    context.at = AFTER_NOON
    assert execute(run_report, context)["picture_reason"] == "missing_scope"
    assert not any("files." in call for call in context.called)


def test_a_message_whose_chart_is_not_processed_yet_is_sent_again(make, desk, acme):
    connect(make, desk, acme, "app", "slack")
    place_orders(desk, "20.00", "30.00")
    context = start_run(make, acme, "app", slot_at=AFTER_NOON, **CHANNEL)
    context.at = AFTER_NOON
    execute(run_report, context)
    desk.world(slack=[{"team": "T0000ACME", "limits": {"file_seconds": 600}}])
    outcome = try_to_post(desk, Delivery.unscoped.get())
    assert (outcome.kind, outcome.reason) == ("later", "file_not_ready")
    desk.now += 600
    assert try_to_post(desk, Delivery.unscoped.get()).kind == "delivered"

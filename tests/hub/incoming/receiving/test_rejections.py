"""What is not authentic is rejected with its cause, bounded in number and without its content."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import OperationalError, transaction
from django.db.backends.utils import CursorWrapper

from hub.db.clock import clock
from hub.incoming.models import InboundBody, InboundCount, InboundEndpoint, InboundMessage
from hub.incoming.receiving import admission
from hub.incoming.receiving.accepted_messages import ReceivedMessage
from hub.incoming.receiving.counts import truncate_to_minute
from hub.incoming.receiving.receive import RECEIVERS
from hub.incoming.receiving.receiver_cache import Receiver
from hub.incoming.receiving.storage import MAX_REJECTED_ROWS, store_messages
from hub.problems import Problem
from tests.hub.incoming.database_refusals import rows_refused_by_database
from tests.hub.incoming.sources import SOURCES, load_receiver, make_sender

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def slack(make, client):
    return make_sender(make, client, "slack")


@pytest.fixture
def pipedrive(make, client):
    return make_sender(make, client, "pipedrive")


def count_causes():
    counts = {}
    for cause, count in InboundCount.unscoped.values_list("cause", "count"):
        counts[cause] = counts.get(cause, 0) + count
    return counts


def forget_receivers():
    """Let the next request load its receiver, as a second later."""
    RECEIVERS.receivers.clear()


def forge(sender, body=b'{"event_id": "Ev666", "secret": "content"}'):
    request = sender.sign(b"{}")
    return sender.send(replace(request, body=body, query="token=abc123456&x=1"))


@pytest.mark.corrections(item="2.7")
def test_a_suspended_tenants_webhook_is_a_403_until_it_is_restored(pipedrive):
    tenant = pipedrive.endpoint.tenant
    tenant.suspend("unpaid", now=clock())
    forget_receivers()
    for method in ("POST", "GET"):
        answer = pipedrive.send(pipedrive.sign(b"{}"), method=method)
        assert (answer.status_code, answer.json()["code"]) == (403, "endpoint-suspended")
    assert count_causes() == {"suspended": 1}
    tenant.restore(now=clock())
    assert pipedrive.send(pipedrive.sign(b"{}")).status_code == 200
    assert InboundMessage.unscoped.count() == 1


def test_a_rejection_has_its_cause_and_headers_and_nothing_of_the_content(slack):
    assert forge(slack).status_code == 401
    message = InboundMessage.unscoped.get()
    assert (message.state, message.cause, message.due_at) == ("rejected", "wrong_secret", None)
    assert (message.message_key, message.share_key, message.query, message.size) == ("", "", "", 42)
    assert set(message.headers) <= set(SOURCES["slack"].stored_headers)
    assert "x-slack-signature" not in message.headers
    assert not InboundBody.objects.exists()
    assert count_causes() == {"wrong_secret": 1}


def test_at_most_sixty_rejections_a_minute_and_url_leave_a_row_and_all_are_counted(pipedrive):
    receiver, now = pipedrive.receiver, truncate_to_minute(clock())

    def reject(count, *, at, cause="wrong_secret"):
        rows = [build_rejected(receiver, cause, at=at) for _ in range(count)]
        store_messages([ReceivedMessage(row, b"", cause) for row in rows])

    reject(50, at=now)
    reject(40, at=now + timedelta(seconds=59), cause="missing_header")
    reject(1, at=now + timedelta(seconds=59))
    assert InboundMessage.unscoped.count() == MAX_REJECTED_ROWS == 60
    assert sum(count_causes().values()) == 91

    reject(1, at=now + timedelta(seconds=60))
    assert InboundMessage.unscoped.count() == 61


def build_rejected(receiver: Receiver, cause, *, at):
    return InboundMessage(
        endpoint=receiver.endpoint,
        connector_key=receiver.endpoint.connector_key,
        state="rejected",
        cause=cause,
        received_at=at,
    )


def test_a_disconnected_connection_answers_410_and_is_counted_only(pipedrive):
    with transaction.atomic():
        pipedrive.endpoint.connection.disconnect(keeps_events=True, now=clock())
    forget_receivers()
    request = pipedrive.sign(b"{}")
    assert pipedrive.send(request).status_code == 410
    assert pipedrive.send(request, method="GET").status_code == 410
    assert count_causes() == {"disconnected": 1}
    assert not InboundMessage.unscoped.exists()


def test_without_a_secret_everything_is_rejected(pipedrive):
    endpoint = InboundEndpoint.unscoped.get()
    endpoint.seal({**endpoint.open(), "secrets": []})
    endpoint.save()
    assert pipedrive.send(pipedrive.sign(b"{}")).status_code == 401
    assert InboundMessage.unscoped.get().cause == "no_secret"


def test_a_secret_that_cannot_be_opened_rejects_everything(pipedrive, make, client):
    other = make_sender(make, client, "pipedrive")
    InboundEndpoint.unscoped.filter(pk=pipedrive.endpoint.pk).update(sealed=other.endpoint.sealed)
    receiver = load_receiver("pipedrive", pipedrive.endpoint.key_digest, now=clock())
    assert receiver.secrets == []


def test_the_secret_of_one_tenant_does_not_open_the_url_of_another(make, client):
    first, second = (make_sender(make, client, "pipedrive") for _ in range(2))
    assert second.send(first.sign(b"{}"), path=second.sign(b"{}").path).status_code == 401


def test_only_allowed_networks_may_send(pipedrive):
    def allow(*networks):
        InboundEndpoint.unscoped.update(allowed_sources=list(networks))
        forget_receivers()
        return pipedrive.send(pipedrive.sign(b"{}")).status_code

    assert allow("10.0.0.0/8") == 401
    assert InboundMessage.unscoped.get().cause == "address_not_allowed"
    assert allow("not a network") == 401
    assert allow("10.0.0.0/8", "127.0.0.1/32") == 200


def test_an_ipv4_address_that_is_written_as_ipv6_is_the_same(pipedrive):
    InboundEndpoint.unscoped.update(allowed_sources=["127.0.0.0/8"])
    pipedrive.client.defaults["REMOTE_ADDR"] = "::ffff:127.0.0.1"
    assert pipedrive.send(pipedrive.sign(b"{}")).status_code == 200
    pipedrive.client.defaults["REMOTE_ADDR"] = "::ffff:203.0.113.7"
    assert pipedrive.send(pipedrive.sign(b"{}")).status_code == 401


def test_a_body_beyond_the_limit_of_its_source_is_413(pipedrive):
    limit = SOURCES["pipedrive"].body_bytes_max
    assert pipedrive.send(pipedrive.sign(b"x" * (limit + 1))).status_code == 413
    assert InboundMessage.unscoped.get().cause == "body_too_large"
    assert pipedrive.send(pipedrive.sign(b"x" * limit)).status_code == 200


def test_too_many_requests_in_progress_are_503_with_the_time_of_a_retry(pipedrive):
    admission.IN_PROGRESS.acquire(admission.REQUESTS_IN_PROGRESS_MAX)
    try:
        answer = pipedrive.send(pipedrive.sign(b"{}"))
    finally:
        admission.IN_PROGRESS.release(admission.REQUESTS_IN_PROGRESS_MAX)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert not InboundMessage.unscoped.exists()


def test_without_a_database_the_answer_is_503_and_nothing_is_acknowledged(pipedrive, monkeypatch):
    request = pipedrive.sign(b"{}")

    def break_off(*_arguments):
        raise OperationalError("the connection was closed")

    with monkeypatch.context() as patch:  # also of the threads of the event loop
        patch.setattr(CursorWrapper, "execute", break_off)
        answer = pipedrive.send(request)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert pipedrive.send(request).status_code == 200


def test_a_full_backlog_is_503_until_it_is_processed(pipedrive, settings):
    settings.HUB_INBOX_BACKLOG = 2
    backlog = admission.Backlog()
    for number in range(2):
        backlog.refuse_if_full(now=clock() + number * admission.BACKLOG_COUNT_AGE_MAX)
        pipedrive.send(pipedrive.sign(b"%d" % number))
    with pytest.raises(Problem):
        backlog.refuse_if_full(now=clock() + 5 * admission.BACKLOG_COUNT_AGE_MAX)
    InboundMessage.unscoped.update(due_at=None)
    backlog.refuse_if_full(now=clock() + 10 * admission.BACKLOG_COUNT_AGE_MAX)


def post_when_counted(sender, number):
    """Post a request; the backlog is counted again before, as a second later."""
    admission.BACKLOG.counted_at = None
    return sender.send(sender.sign(b'{"event_id": "%d", "team_id": "T1"}' % number)).status_code


def test_one_tenant_fills_at_most_half_of_the_backlog(pipedrive, make, client, settings):
    settings.HUB_INBOX_BACKLOG = 4
    splunk = make_sender(make, client, "splunk", tenant=pipedrive.endpoint.tenant)
    other = make_sender(make, client, "pipedrive", account="702", tenant=make.tenant("globex"))
    senders = [pipedrive, pipedrive, splunk, pipedrive, splunk, other, other]
    statuses = [post_when_counted(sender, number) for number, sender in enumerate(senders)]
    assert statuses == [200, 200, 200, 503, 503, 200, 503]
    InboundMessage.unscoped.update(due_at=None)
    assert post_when_counted(pipedrive, 9) == 200


def test_one_account_at_a_url_of_all_tenants_fills_at_most_half_of_the_backlog(
    make, client, settings
):
    settings.HUB_INBOX_BACKLOG = 4
    slack, other = make_sender(make, client, "slack"), make_sender(make, client, "splunk")
    statuses = [post_when_counted(slack, number) for number in range(5)]
    assert statuses == [200, 200, 200, 503, 503]
    assert post_when_counted(other, 6) == 200


def test_a_repeated_request_is_acknowledged_counted_and_stored_once(pipedrive):
    request = pipedrive.sign(b'{"meta": {"id": "1"}}')
    assert [pipedrive.send(request).status_code for _ in range(3)] == [200, 200, 200]
    assert InboundMessage.unscoped.count() == InboundBody.objects.count() == 1
    assert count_causes() == {"accepted": 1, "duplicate": 2}


def test_an_endpoint_that_was_deleted_meanwhile_is_404(pipedrive):
    request = pipedrive.sign(b"{}")
    pipedrive.send(request)
    InboundEndpoint.unscoped.all().delete()
    assert pipedrive.send(request).status_code == 404


def test_what_the_database_refuses_is_503_so_that_the_system_tries_again(pipedrive):
    request = pipedrive.sign(b"{}")
    with rows_refused_by_database("incoming_inboundmessage", unless="message_key = ''"):
        assert pipedrive.send(request).status_code == 503
    assert pipedrive.send(request).status_code == 200


def test_an_unknown_connector_is_404_and_not_remembered(client):
    forget_receivers()
    assert client.post(f"/hooks/{'x' * 100}/key/", b"{}", "application/json").status_code == 404
    assert RECEIVERS.receivers == {}


def test_handshakes_are_admitted_as_webhooks_are(pipedrive):
    admission.IN_PROGRESS.acquire(admission.REQUESTS_IN_PROGRESS_MAX)
    try:
        assert pipedrive.send(pipedrive.sign(b""), method="GET").status_code == 503
    finally:
        admission.IN_PROGRESS.release(admission.REQUESTS_IN_PROGRESS_MAX)

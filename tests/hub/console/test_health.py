"""The page that says how the hub stands: bounded questions, and only for who may see everybody's
numbers.
"""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hub.connections.models import Lane
from hub.console import health
from hub.db.clock import clock
from hub.mail.models import Mail
from hub.outgoing.models import Delivery
from hub.processes.loop_slots import LoopSlot
from hub.processes.worker_registry import Replacement, Worker, record_sweep_failures
from hub.queue import wake_up
from tests.factories import NOON
from tests.markup import normalize_markup

pytestmark = pytest.mark.django_db

MOST_QUERIES = 17  # three of them measure the inbox


@pytest.fixture
def superuser(make, client):
    client.force_login(make.staff(is_superuser=True))
    return client


def open_health_page(client):
    clock()  # it asks the database every few seconds, not for each page
    with CaptureQueriesContext(database) as queries:
        page = client.get(reverse("console:health"))
    assert page.status_code == 200
    assert len(queries) <= MOST_QUERIES
    return normalize_markup(page.content.decode())


def worker(*, seen, heard):
    Worker.objects.create(
        id=uuid4(),
        host="here",
        pid=7,
        pool=8,
        started_at=NOON,
        seen_at=seen,
        pool_since=NOON,
        heard_at=heard,
    )


def test_a_webhook_that_waits_and_a_subscription_that_fails_are_shown(superuser, make):
    worker(seen=clock(), heard=clock())
    connection = make.connection()
    make.inbound_message(connection, due_at=NOON)
    make.inbound_item(connection, state="quarantined")
    make.webhook_subscription(connection, failure_count=3)
    page = open_health_page(superuser)
    assert "Received webhooks are not being processed." in page
    assert "incoming items in quarantine" in page


def test_a_hub_without_a_worker_is_reported(superuser):
    assert "No worker is running." in open_health_page(superuser)


def test_worker_pool_pumps_wakeups_and_replacements_are_shown(superuser, make):
    now, lease = clock(), uuid4()
    worker(seen=now, heard=now)
    LoopSlot.objects.create(
        kind="pump", number=0, lease=lease, lease_until=now + timedelta(minutes=9, seconds=30)
    )
    Replacement.objects.create(at=now, host="here", pool=41, why="hung")
    wake_up("refresh:17", now=now)
    make.delivery()
    Delivery.unscoped.update(state="sending", lease=lease)
    Lane.unscoped.update(lease=lease, lease_until=now + timedelta(seconds=9))
    page = open_health_page(superuser)
    for shown in (
        "All systems normal: 1 worker runs.",
        "not responding",
        "refresh:17",
        "in 9 min",
        "process 7",
    ):
        assert shown in page


def test_an_unresponsive_pool_is_reported(superuser):
    now = clock()
    worker(seen=now, heard=now - timedelta(minutes=2))
    assert "A pool does not take its wake-ups." in open_health_page(superuser)


def test_a_step_of_the_sweep_that_fails_is_shown_by_name(superuser):
    worker(seen=clock(), heard=clock())
    record_sweep_failures({"end_abandoned": "KeyError"}, [], now=clock())
    page = open_health_page(superuser)
    assert "Some background work fails." in page
    assert '<code class="hub-mono">end_abandoned</code>' in page


def test_mails_that_are_not_sent_are_reported(superuser, make):
    worker(seen=clock(), heard=clock())
    make.invitation(make.tenant())
    assert "All systems normal" in open_health_page(superuser)
    Mail.objects.update(created_at=clock() - timedelta(minutes=11))
    assert "E-mails are not being sent." in open_health_page(superuser)


def test_held_deliveries_are_shown_by_reason_with_their_list(superuser, make):
    connection = make.connection()
    for _ in range(2):
        make.delivery(connection)
    connection.pause("moving", until=None, now=NOON)
    page = open_health_page(superuser)
    assert '<td>held: paused</td><td class="hub-number">2</td>' in page


def test_deliveries_claimed_by_a_dead_pump_are_reported(make):
    lease = uuid4()
    make.delivery()
    Delivery.unscoped.update(state="sending", lease=lease)
    Lane.unscoped.update(lease=lease)
    (*_, left) = health.list_pumps(health.take_health_snapshot(now=NOON))
    assert (left.name, left.sending.delivery_count) == ("left its slot", 1)


def test_staff_of_a_tenant_do_not_see_everybodys_numbers(client, make):
    client.force_login(make.staff(make.tenant()))
    assert client.get(reverse("console:health")).status_code == 403
    assert reverse("console:health") not in client.get(reverse("admin:index")).content.decode()


def test_who_is_not_signed_in_is_asked_to(client):
    assert client.get(reverse("console:health")).url.startswith(reverse("admin:login"))

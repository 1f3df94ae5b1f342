"""What is written down of what was sent."""

from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from django.db import connection as database

from connectors.http import Request, Response
from hub.connections.models import Lane
from hub.outgoing.models import Attempt, Delivery, Exchange
from hub.outgoing.pump.loop import run_pump
from hub.outgoing.pump.settling.settle import settle_results
from hub.outgoing.pump.types import LaneBatch, LaneCredential, OutboundRequest, SendResult
from hub.processes.db_thread import in_db_thread
from tests.factories import NOON


class WatchedSecrets(tuple[str, ...]):
    """Secrets that know whether a transaction was open whenever something was redacted by them."""

    def __new__(cls, *secrets):
        watched = super().__new__(cls, secrets)
        watched.in_transaction = []
        return watched

    def __iter__(self):
        self.in_transaction.append(database.in_atomic_block)
        return super().__iter__()


@pytest.mark.django_db(transaction=True)
def test_evidence_is_redacted_before_the_transaction_begins_that_writes_it(make):
    row, secrets = (
        make.connection(connector="slack", account="T1"),
        WatchedSecrets("s3cr3t-of-theirs"),
    )
    batch = LaneBatch(Lane.unscoped.get(connection=row), row, LaneCredential(None, secrets, 0))
    request = OutboundRequest(
        uuid4(), row.connector.actions[0], [], Request("POST", "https://x.test/"), ()
    )
    answer = Response(400, b"you sent s3cr3t-of-theirs", at=NOON)
    settle_results(
        uuid4(), [SendResult(batch, request, [], NOON, 1, answer)], {}, now=NOON, random=lambda: 0.5
    )
    assert bytes(Exchange.objects.get().response_body) == b"you sent ***"
    assert secrets.in_transaction and not any(secrets.in_transaction)


@pytest.mark.corrections(item="3.3")
@pytest.mark.django_db
def test_an_answer_that_comes_after_another_pump_took_over_is_no_attempt(make):
    delivery, kept = make.delivery(), make.delivery()

    @asynccontextmanager
    async def slow_outlet():
        async def send(request):
            deliveries = Delivery.unscoped.filter(pk=delivery.pk)
            await in_db_thread(lambda: deliveries.update(lease=uuid4(), attempt_count=2))
            return Response(200)

        yield send

    run_pump(clock=lambda: NOON, open_client=slow_outlet, random=lambda: 0, idle_seconds=0)
    assert [attempt.delivery_id for attempt in Attempt.unscoped.all()] == [kept.pk]
    assert Exchange.objects.count() == 1
    states = dict(Delivery.unscoped.values_list("pk", "state"))
    assert states == {delivery.pk: "sending", kept.pk: "delivered"}

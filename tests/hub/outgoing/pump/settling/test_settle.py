"""What is written down of what was sent."""

from uuid import uuid4

import pytest
from django.db import connection as database

from connectors.http import Request, Response
from hub.connections.models import Lane
from hub.outgoing.models import Exchange
from hub.outgoing.pump.settling.settle import settle_results
from hub.outgoing.pump.types import LaneBatch, LaneCredential, OutboundRequest, SendResult
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

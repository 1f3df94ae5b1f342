"""What happens to the gap of a source that is disconnected meanwhile, and beside a copy."""

import pytest

from hub import egress
from hub.audit import ActorContext
from hub.connections.actions.disconnection import disconnect_account
from hub.connections.actions.undo_disconnect import undo_disconnect
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.incoming.models import InboundGap
from tests.journeys.gaps.systems import Pipedrive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


@pytest.fixture
def pipedrive(make, hub):
    """A company whose webhook was gone for a while; its gap waits."""
    company = Pipedrive(make, hub)
    company.act_before()
    company.delete_webhook()
    company.act_unheard()
    hub.turn(minutes=10)
    company.request_check()
    hub.work(rounds=1)
    assert InboundGap.unscoped.get().state == "due"
    return company


def list_reads(company, since):
    return [entry["path"] for entry in company.desk.ledger(since) if "/deals" in entry["path"]]


def test_a_source_that_is_disconnected_meanwhile_is_not_read(hub, pipedrive):
    since = pipedrive.desk.ledger()[-1]["seq"]
    connection = Connection.unscoped.get(connector_key="pipedrive")
    disconnect_account(connection, ActorContext.system(), now=clock())
    (gap,) = hub.read_gaps()
    assert (gap.state, gap.reason) == ("cancelled", "disconnected")
    assert list_reads(pipedrive, since) == []


def test_a_disconnect_that_is_undone_keeps_the_gap_which_is_read_then(hub, pipedrive):
    connection = Connection.unscoped.get(connector_key="pipedrive")
    disconnect_account(connection, ActorContext.system(), can_be_undone=True, now=clock())
    hub.turn(hours=2)
    hub.work()
    assert InboundGap.unscoped.get().state == "due"
    connection.refresh_from_db()
    means = {"call": egress.send_request, "random": lambda: 0.5}
    assert undo_disconnect(connection, ActorContext.system(), **means, now=clock()).passed
    (gap,) = hub.read_gaps()
    assert gap.state == "closed" and pipedrive.list_wrong() == []


def test_a_copy_beside_the_installation_reads_nothing(hub, pipedrive, settings):
    since, settings.HUB_PUBLIC_URL = pipedrive.desk.ledger()[-1]["seq"], "https://copy.test"
    (gap,) = hub.read_gaps()
    assert gap.state == "due"
    assert list_reads(pipedrive, since) == []
    settings.HUB_PUBLIC_URL = hub.web.url
    (gap,) = hub.read_gaps()
    assert gap.state == "closed" and pipedrive.list_wrong() == []

"""The sources of a connection, and what is known of them."""

import pytest

from hub.incoming.gaps import find_sources, note_listed, open_gap, reset_sources
from hub.incoming.models import InboundGap, InboundSource
from tests.factories import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(make):
    return make.connection(connector="pipedrive", account="701", secret={})


def test_only_what_routes_want_is_found(make, connection):
    make.source(connection, "person", retired_at=NOON)
    deal, lead = make.source(connection, "deal"), make.source(connection, "lead")
    make.source(make.connection(connector="pipedrive", account="702", secret={}), "deal")
    assert find_sources(connection.pk) == [deal, lead]
    assert find_sources(connection.pk, {"lead", "person"}) == [lead]


def test_a_check_that_lists_a_registration_proves_its_objects(make, connection):
    deal, lead = make.source(connection, "deal"), make.source(connection, "lead")
    note_listed(connection.pk, {"deal"}, now=NOON)
    times = InboundSource.unscoped.values_list("pk", "listed_at")
    assert dict(times) == {deal.pk: NOON, lead.pk: None}


def test_a_replaced_account_leaves_no_proof_and_no_gap_to_read(make, connection):
    source = make.source(connection, heard_at=NOON, listed_at=NOON, state="silent")
    open_gap(source, "silence", from_at=NOON, now=NOON)
    reset_sources(connection, now=NOON)
    source.refresh_from_db()
    assert (source.heard_at, source.listed_at, source.state) == (None, None, "listening")
    assert InboundGap.unscoped.get().reason == "account_replaced"

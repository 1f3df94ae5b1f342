"""What is sent for a record without an identity: held, with a default record, or skipped."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from hub.audit import ActorContext
from hub.audit.models import AuditRow
from hub.mappings.fallbacks import remove_identity_fallback, set_identity_fallback
from hub.outgoing.insight.dry_run import load_identities
from hub.outgoing.models import Delivery
from hub.outgoing.release import release_held_deliveries
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db
ACTOR = ActorContext.system()
LATER = NOON + MINUTE
OWNER = {"owner": "identity('user', data.email)"}


def set_fallback(connection, choice, direction="out", kind="user", **more):
    return set_identity_fallback(connection, kind, direction, choice, ACTOR, now=LATER, **more)


def state_of(delivery):
    delivery.refresh_from_db()
    return delivery.state, delivery.reason


def test_a_default_record_is_sent_for_what_was_held_and_what_comes(make):
    delivery = make.delivery(body=OWNER)
    pump(FakeHttp())
    assert state_of(delivery) == ("held", "identity_missing")
    set_fallback(delivery.connection, "default", default_id="005D")
    assert release_held_deliveries(now=LATER) == 1
    http = pump(FakeHttp(), at=LATER)
    assert [request.content() for request in http.requests] == [b'{"owner":"005D"}']
    assert state_of(delivery) == ("delivered", "")


@pytest.mark.parametrize("choice", ["default", "skip", "hold"])
def test_a_fallback_that_is_set_while_a_pump_has_the_delivery_is_applied(make, choice):
    delivery = make.delivery(body=OWNER)
    pump(FakeHttp())
    more = {"default_id": "005D", "explanation": "guests buy nothing"}
    set_fallback(delivery.connection, choice, **more)
    moment = timedelta(seconds=1)
    Delivery.unscoped.update(state_changed_at=LATER + moment)  # it was held after that
    released = release_held_deliveries(now=LATER + 2 * moment)
    assert released == (0 if choice == "hold" else 1)


def test_a_confirmed_record_is_sent_rather_than_the_default(make):
    delivery = make.delivery(body=OWNER)
    set_fallback(delivery.connection, "default", default_id="005D")
    make.identity(delivery.connection, "user", "ann@acme.test", "005A")
    http = pump(FakeHttp())
    assert http.requests[0].content() == b'{"owner":"005A"}'


def test_a_skipped_record_is_not_sent_and_the_log_says_why(make):
    delivery = make.delivery(body=OWNER)
    set_fallback(delivery.connection, "skip", explanation="guests buy nothing")
    http = pump(FakeHttp())
    assert http.requests == []
    assert state_of(delivery) == ("skipped", "identity_skipped")
    assert "guests buy nothing" in delivery.detail
    assert delivery.attempt_count == 0


def test_of_an_ordered_route_the_next_is_sent_after_a_skipped_one(make):
    first = make.delivery(body=OWNER, ordered=True)
    connection = first.connection
    second = make.event(first.tenant, data={"email": "ben@acme.test"}).deliveries.get()
    make.identity(connection, "user", "ben@acme.test", "005B")
    set_fallback(connection, "skip", explanation="unknown")
    http = pump(FakeHttp())
    assert state_of(first) == ("skipped", "identity_skipped")
    assert state_of(second) == ("delivered", "")
    assert [request.content() for request in http.requests] == [b'{"owner":"005B"}']


def test_another_kind_and_another_direction_change_nothing(make):
    delivery = make.delivery(body=OWNER)
    set_fallback(delivery.connection, "default", kind="product", default_id="P1")
    set_fallback(delivery.connection, "default", direction="in", default_id="u-1")
    pump(FakeHttp())
    assert state_of(delivery) == ("held", "identity_missing")


def test_a_preview_says_the_same(make):
    connection = make.connection()
    pairs = {("user", "ann")}
    assert load_identities(pairs, connection) == {}
    set_fallback(connection, "default", default_id="005D")
    assert load_identities(pairs, connection) == {("user", "ann"): "005D"}


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"choice": "default"}, "default_id"),
        ({"choice": "default", "default_id": "005\nD"}, "default_id"),
        ({"choice": "hold", "kind": "us\ner"}, "kind"),
        ({"choice": "skip"}, "explanation"),
        ({"choice": "guess"}, "choice"),
        ({"choice": "hold", "direction": "sideways"}, "direction"),
        ({"choice": "hold", "direction": "in", "kind": "product"}, "kind"),
    ],
)
def test_what_cannot_be_is_refused_by_field(make, wish, field):
    with pytest.raises(ValidationError) as caught:
        set_fallback(make.connection(), **wish)
    assert set(caught.value.message_dict) == {field}


def test_a_fallback_that_is_removed_holds_again(make):
    delivery = make.delivery(body=OWNER)
    fallback = set_fallback(delivery.connection, "default", default_id="005D")
    remove_identity_fallback(fallback, ACTOR, now=LATER)
    pump(FakeHttp())
    assert state_of(delivery) == ("held", "identity_missing")
    verbs = AuditRow.objects.order_by("number").values_list("verb", flat=True)
    assert {"connection.set_fallback", "connection.remove_fallback"} <= set(verbs)

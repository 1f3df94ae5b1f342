"""A delivery's page: the cause in plain words first, the technical part folded, one thing to do."""

from datetime import timedelta

import pytest

from connectors.http import Response
from hub.audit import AuditRow
from hub.db.clock import clock
from hub.outgoing.models import Delivery
from tests.factories import NOON, WHSEC
from tests.fakes import FakeHttp
from tests.hub.outgoing.operating import put
from tests.hub.outgoing.pump.test_loop import pump
from tests.hub.portal.query_counts import count_queries
from tests.markup import normalize_markup

pytestmark = pytest.mark.django_db


@pytest.fixture
def delivery(make, acme):
    return make.delivery(make.connection(acme, name="Own endpoint"))


def page_of(delivery, more=""):
    return f"/t/acme/deliveries/{delivery.public_id}/{more}"


def text(answer):
    assert answer.status_code == 200
    return normalize_markup(answer.content.decode())


def test_what_went_wrong_stands_first_and_the_rest_is_folded(admin, delivery):
    pump(FakeHttp(Response(500, b"oh no")))
    html = text(admin.get(page_of(delivery)))
    assert html.index("Next attempt") < html.index('id="technical"') < html.index("HTTP 500")


@pytest.mark.parametrize(
    ("state", "reason", "who", "verb"),
    [
        ("failed", "exhausted", "You, once", "retry"),
        ("held", "mapping_failed", "The operator of", ""),
        ("held", "not_connected", "an owner or admin", ""),
        ("held", "unknown_effect", "You. Check", "retry"),
    ],
)
def test_it_names_who_can_fix_it(admin, delivery, state, reason, who, verb):
    put([delivery], state, reason)
    remedy = admin.get(page_of(delivery)).context["remedy"]
    assert who in remedy.responsible and remedy.action == verb


def test_checks_show_times_in_the_readers_zone(admin, delivery):
    assert "Accepted on 2026-11-25 13:00:00 CET." in text(admin.get(page_of(delivery)))
    admin.cookies["hub_zone"] = "UTC"
    assert "Accepted on 2026-11-25 12:00:00 UTC." in text(admin.get(page_of(delivery)))


def test_a_pause_is_mended_at_the_connection(admin, delivery):
    delivery.connection.pause("weekend", until=None, now=NOON)
    context = admin.get(page_of(delivery)).context
    assert context["remedy"].label == "Resume the connection." and context["remedy_url"]


def test_a_waiting_delivery_needs_no_person(admin, delivery):
    assert "sent automatically" in admin.get(page_of(delivery)).context["remedy"].responsible


def test_no_secret_is_on_the_page(admin, make, acme):
    delivery = make.delivery(
        make.connection(acme), data={"number": "x", "access_token": "secret-in-the-body"}
    )
    pump(
        FakeHttp(
            Response(
                500, b'{"access_token": "secret-in-the-answer"}', {"set-cookie": "secret-cookie"}
            )
        )
    )
    html = text(admin.get(page_of(delivery)))
    secrets = ("secret-in-the-body", "secret-in-the-answer", "secret-cookie", WHSEC)
    assert not [secret for secret in secrets if secret in html]


def test_a_call_on_the_platforms_own_connection_is_not_shown(admin, make, acme):
    app = make.connection(connector="app", name="our application")
    make.app("app", urls={"events": "https://internal.example.com"})
    make.route(app, tenant=acme, action="send_event")
    delivery = make.event(acme).deliveries.get()
    pump(FakeHttp(Response(500, b"internal")))
    html = text(admin.get(page_of(delivery)))
    assert (
        "internal.example.com" not in html
        and "Request and response" not in html.partition('id="technical"')[2]
    )


@pytest.mark.parametrize(
    ("state", "verb", "after"),
    [("failed", "retry", "waiting"), ("held", "cancel", "cancelled"), ("held", "skip", "skipped")],
)
def test_a_decision_is_done_and_audited(admin, delivery, state, verb, after):
    put([delivery], state, "exhausted")
    admin.post(page_of(delivery, verb))
    delivery.refresh_from_db()
    row = AuditRow.objects.get(verb=f"delivery.{verb}")
    assert (delivery.state, row.before["state"], row.tenant_reference) == (after, state, "acme")


def test_sending_again_leads_to_the_new_delivery(admin, delivery):
    put([delivery], "delivered")
    answer = admin.post(page_of(delivery, "send_again"))
    again = Delivery.unscoped.get(replay_number=1)
    assert answer["Location"] == page_of(again) and again.message_uuid == delivery.message_uuid


def test_an_impossible_action_has_a_reason(admin, delivery):
    put([delivery], "delivered")
    answer = admin.post(page_of(delivery, "retry"), follow=True)
    assert "The delivery is delivered." in text(answer)


def test_an_unknown_verb_is_not_found(admin, delivery):
    assert admin.post(page_of(delivery, "explode")).status_code == 404


def test_a_member_reads_and_does_not_act(member, delivery):
    put([delivery], "failed", "exhausted")
    assert "An owner or admin" in text(member.get(page_of(delivery)))
    assert member.post(page_of(delivery, "retry")).status_code == 403


def test_the_first_part_follows_and_then_has_the_rest_asked_for(admin, delivery):
    url = page_of(delivery, "live?seen=waiting.0")
    first = admin.get(url)
    assert "HX-Trigger" not in first
    assert admin.get(url, headers={"If-None-Match": first["ETag"]}).status_code in (200, 304)
    pump(FakeHttp())
    assert admin.get(url)["HX-Trigger"] == "moved"


def test_the_page_asks_a_fixed_number_of_questions(admin, delivery):
    pump(FakeHttp(Response(500)))
    few = count_queries(admin, page_of(delivery))
    for minutes in (1, 10, 60):
        pump(FakeHttp(Response(500)), NOON + timedelta(minutes=minutes))
    assert count_queries(admin, page_of(delivery)) == few <= 20


@pytest.mark.parametrize("state", ["failed", "held", "delivered"])
def test_a_customer_does_not_change_what_goes_to_our_own_application(admin, make, acme, state):
    make.route(
        make.connection(connector="app"), tenant=acme, action="send_event", body={"type": "type"}
    )
    delivery = make.event(acme).deliveries.get()
    put([delivery], state, "unknown_effect" if state == "held" else "")
    answer = admin.get(page_of(delivery))
    assert answer.context["actions"] == () and 'action="/t/acme/deliveries' not in text(answer)
    assert state == "delivered" or "The operator of" in answer.context["remedy"].responsible
    for verb in ("retry", "cancel", "skip", "send_again"):
        assert admin.post(page_of(delivery, verb)).status_code == 403
    delivery.refresh_from_db()
    assert (delivery.state, AuditRow.objects.count()) == (state, 0)


def test_a_4xx_of_the_own_endpoint_is_the_customers_to_fix_and_is_tried_now(admin, delivery):
    pump(FakeHttp(Response(400, b"no such field")), at=clock())
    page = admin.get(page_of(delivery))
    assert page.context["remedy"].responsible.startswith("You. Only your endpoint")
    assert "The endpoint responded with status 400" in text(page) and "Retry now" in text(page)
    admin.post(page_of(delivery, "retry"))
    assert len(pump(FakeHttp(), at=clock()).requests) == 1
    assert AuditRow.objects.get(verb="delivery.retry").object_id == str(delivery.public_id)

import pytest
from datetime import timedelta
from hub.clock import clock
from hub.outgoing.models import Delivery
from hub.outgoing.subscribe import subscribe
from hub.connections import signing
from tests.journeys.chromium import window
from tests.makers import NOON, WHSEC
pytestmark = [pytest.mark.desk, pytest.mark.django_db]

@pytest.mark.parametrize("look", [("light", 1400), ("dark", 375)])
def test_shots(browser, client, make, look):
    import os
    now = clock()
    acme = make.tenant("acme", name="Acme Teas", time_zone="Europe/Berlin")
    client.force_login(make.membership(acme, make.user(name="Ann Example"), role="owner").user)
    slack = make.connection(acme, "slack", name="Our Slack", permissions=["chat:write"], check_at=now + timedelta(hours=3))
    slack.credential_events.create(kind="issued", version=1, at=NOON)
    make.identity(slack, "channel", "orders", "C1")
    make.route(slack, body={"channel": "identity('channel', 'orders')", "text": "join(' ', ['Order', data.number])", "thread_ts": "data.customer.ref"}, filter="data.total > `1`", name="Orders to a channel")
    make.route(slack, body={"channel": "identity('channel', 'x')", "text": "'Hi'"}, name="Leads", event_type="lead.*")
    headers = '{"X-Team": "sales"}'
    own = make.connection(acme, name="Shop backend", secret={"signing_secret": WHSEC, "headers": headers}, settings={"url": "https://example.com/hook", "calls_a_second": 5})
    for type in ("order.created", "order.paid", "order.created.v2", "lead.won"):
        make.event(acme, type, now=now)
    subscribe(own, ["order.*"], filter="data.total > `5`", by=None, now=NOON)
    for n, state in enumerate(["delivered"] * 6 + ["held", "dead"]):
        row = make.delivery(own, data={"total": n}, now=now)
        Delivery.unscoped.filter(pk=row.pk).update(state=state, moved_at=now - timedelta(hours=n))
    signing.rotate(own, random=os.urandom, now=now)
    slack.need_reconnect("token_revoked", now=now - timedelta(hours=2)); slack.heal(now=now)
    scheme, width = look
    with window(browser, client, color_scheme=scheme, viewport={"width": width, "height": 900}) as shown:
        for name, url in {
            "connection": f"/t/acme/connections/{slack.public_id}/", "notifications": f"/t/acme/connections/{slack.public_id}/notifications/",
            "disconnect": f"/t/acme/connections/{slack.public_id}/disconnect/", "settings": "/t/acme/settings/",
            "endpoints": "/t/acme/endpoints/", "endpoint": f"/t/acme/endpoints/{own.public_id}/", "events": f"/t/acme/endpoints/{own.public_id}/events",
            "headers": f"/t/acme/endpoints/{own.public_id}/headers",
        }.items():
            shown.goto(url)
            if name == "events":
                for summary in shown.locator("details.more > summary").all()[:2] + shown.locator("details.more > summary").all()[-1:]:
                    summary.click()
            shown.screenshot(path=f"/tmp/p5c-{name}-{scheme}.png", full_page=True)

"""Gaps are started, cancelled and requested on pages of customers, by REST and by staff."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils.html import escape

from hub.audit import AuditRow
from hub.db.clock import clock
from hub.incoming.models import InboundGap
from hub.portal.templatetags.portal import render_badge
from hub.scheduled.gap_reading.start import start_gap_runs
from hub.scheduled.models import Run
from tests.hub.portal.query_counts import count_queries
from tests.tenants.door import sign_in

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def now():
    return clock().replace(microsecond=0)


@pytest.fixture
def acme(make):
    tenant = make.tenant("acme")
    make.membership(tenant, make.user("ann@acme.test"), "owner")
    make.membership(tenant, make.user("mel@acme.test"), "member")
    return tenant


@pytest.fixture
def source(make, acme):
    return make.source(make.connection(acme, "pipedrive", account="701", secret={}, name="Our CRM"))


@pytest.fixture
def held(make, source, now):
    times = {"from_at": now - 3 * DAY, "to_at": now - DAY, "due_at": None}
    return make.gap(source, state="held", reason="needs_confirmation", **times)


@pytest.fixture
def browser(client, acme):
    sign_in(client, "ann@acme.test")
    return client


@pytest.fixture
def staff(make, client):
    client.force_login(make.staff(is_superuser=True))
    return client


def page(row, kind, verb=""):
    return f"/t/acme/webhooks/{kind}/{row.public_id}/{verb}"


def admin_url(row, verb=""):
    name = f"admin:incoming_{row._meta.model_name}_{'verb' if verb else 'change'}"
    return reverse(name, args=[row.pk, verb] if verb else [row.pk])


def load(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer
    return " ".join(answer.content.decode().split())


def local(at, zone="Europe/Berlin"):
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M:%S}"


def test_a_held_gap_shows_start_as_its_next_step_and_a_person_starts_it(browser, held):
    for text in (load(browser, page(held.source, "sources")), load(browser, page(held, "gaps"))):
        assert "may be a restored back-up" in text
        assert "Next step" in text and "Start the read if the hub was out of service" in text
    assert "The hub reads now what changed" in load(browser, page(held, "gaps", "start"))
    answer = browser.post(page(held, "gaps", "start"))
    assert answer.url == page(held, "gaps")
    held.refresh_from_db()
    assert (held.state, AuditRow.objects.get(verb="gap.start").before["state"]) == ("due", "held")
    assert "Start the read" not in load(browser, page(held, "gaps"))


def test_a_person_cancels_a_gap_and_sees_what_is_missing(browser, held):
    assert "is not read" in load(browser, page(held, "gaps", "cancel"))
    browser.post(page(held, "gaps", "cancel"))
    text = load(browser, page(held, "gaps"))
    assert "Not complete" in text and "Start the read if these changes are needed" in text
    assert AuditRow.objects.get(verb="gap.cancel").before == {"state": "held"}


def test_a_person_has_a_time_read_in_the_zone_of_the_page(browser, source, now):
    source.tenant.time_zone = "Europe/Berlin"
    source.tenant.save()
    form = page(source, "sources", "read_missed")
    assert 'type="datetime-local"' in load(browser, form)
    answer = browser.post(form, {"from_at": local(now - 2 * HOUR), "to_at": local(now - HOUR)})
    gap = InboundGap.unscoped.get()
    assert answer.url == page(gap, "gaps")
    assert (gap.cause, gap.from_at, gap.to_at) == ("by_hand", now - 2 * HOUR, now - HOUR)
    assert gap.requested_by and AuditRow.objects.get(verb="source.read_missed")


@pytest.mark.parametrize(
    ("first", "last", "field", "text"),
    [
        (HOUR, 2 * HOUR, "from_at", "Must be before the end."),
        (HOUR, -HOUR, "to_at", "Must not be in the future."),
        (40 * DAY, HOUR, "from_at", "Changes of the last 30 days can be read."),
    ],
)
def test_a_wrong_time_is_named_at_its_field(browser, source, now, first, last, field, text):
    data = {"from_at": local(now - first, "UTC"), "to_at": local(now - last, "UTC")}
    answer = browser.post(page(source, "sources", "read_missed"), data)
    assert answer.context["offered"].form.errors[field] == [answer_text(answer, field)]
    assert text in answer_text(answer, field) and not InboundGap.unscoped.exists()


def answer_text(answer, field):
    return str(answer.context["offered"].form.errors[field][0])


def test_a_source_whose_changes_are_not_listed_says_so_and_offers_no_read(browser, make, source):
    lead = make.source(source.connection, "lead")
    text = load(browser, page(lead, "sources"))
    assert "The other system does not list what has changed." in text
    assert "Read missed changes" not in text
    assert "Read missed changes" in load(browser, page(source, "sources"))
    data = {"from_at": "2026-11-01T10:00:00", "to_at": "2026-11-01T11:00:00"}
    answer = browser.post(page(lead, "sources", "read_missed"), data)
    assert "does not list" in answer.content.decode() and not InboundGap.unscoped.exists()


def test_the_page_of_a_gap_shows_its_progress_and_its_counts(browser, make, source, now):
    gap = make.gap(source, state="reading", read_count=3, expected_count=11)
    assert "3 of 11 done" in load(browser, page(gap, "gaps"))
    part = browser.get(page(gap, "gaps", "live"))
    assert 'value="27"' in part.content.decode() and "HX-Refresh" not in part.headers
    counts = {"read_count": 412, "known_count": 397, "new_count": 15}
    InboundGap.unscoped.update(state="closed", **counts)
    assert browser.get(page(gap, "gaps", "live")).headers["HX-Refresh"] == "true"
    assert "read 412, known 397, new 15" in load(browser, page(gap, "gaps"))


def test_a_read_of_unknown_length_shows_how_many_were_read(browser, make, source):
    gap = make.gap(source, state="reading", read_count=1204)
    assert "1,204 done so far" in load(browser, page(gap, "gaps"))


@pytest.mark.parametrize(
    ("state", "reason", "cause"),
    [
        ("open", "", "gone"),
        ("due", "", "outage"),
        ("held", "needs_confirmation", "outage"),
        ("reading", "", "ban"),
        ("closed", "", "silence"),
        ("incomplete", "no_feed", "edited"),
        ("cancelled", "by_person", "expired"),
    ],
)
def test_the_three_doors_tell_the_same_of_a_gap(
    browser, make, api, source, now, state, reason, cause
):
    counts = {"read_count": 412, "known_count": 397, "new_count": 15, "deleted_count": 6}
    gap = make.gap(source, state=state, reason=reason, cause=cause, **counts)
    row = api.of(source.tenant).get(f"/api/v1/gaps/{gap.public_id}").json()
    assert (row["state"], row["reason"], row["cause"]) == (state, reason, cause)
    assert {f"{name}_count": row["counts"][name] for name in ("read", "known", "new")} == {
        name: counts[name] for name in ("read_count", "known_count", "new_count")
    }
    facts = [f"<dd>{row['counts'][name]}</dd>" for name in ("known", "new", "deleted")]
    texts = [*facts, escape(row["sentence"]), escape(row["action"]), gap.get_cause_display()]
    customers = load(browser, page(gap, "gaps"))
    browser.force_login(make.staff(is_superuser=True))
    for shown in (customers, load(browser, admin_url(gap))):
        assert [text for text in texts if text not in shown] == []
        assert render_badge(state) in shown


def test_a_member_sees_a_gap_and_changes_nothing(client, acme, held):
    sign_in(client, "mel@acme.test")
    assert "/start" not in load(client, page(held, "gaps"))
    assert client.post(page(held, "gaps", "start")).status_code == 403
    assert client.post(page(held.source, "sources", "read_missed")).status_code == 403


def test_requested_reads_are_limited_for_each_tenant(browser, api, settings, source, now):
    settings.HUB_LIMITS = {"gap_reads": 1}
    times = {"from": (now - 2 * HOUR).isoformat(), "to": (now - HOUR).isoformat()}
    key, url = api.of(source.tenant), f"/api/v1/sources/{source.public_id}/read-missed"
    assert key.post(url, times, format="json").status_code == 202
    assert key.post(url, times, format="json").status_code == 429
    data = {"from_at": local(now - 2 * HOUR, "UTC"), "to_at": local(now - HOUR, "UTC")}
    answer = browser.post(page(source, "sources", "read_missed"), data)
    assert answer.status_code in (200, 429) and InboundGap.unscoped.count() == 1


def test_a_program_has_a_time_read_and_follows_it(api, source, now):
    times = {"from": (now - 2 * HOUR).isoformat(), "to": (now - HOUR).isoformat()}
    key = api.of(source.tenant)
    answer = key.post(f"/api/v1/sources/{source.public_id}/read-missed", times, format="json")
    gap = answer.json()
    assert (answer.status_code, gap["state"], gap["cause"]) == (202, "due", "by_hand")
    assert gap["sentence"] == "Requested by a person: a gap of 1 hour will be read"
    counts = {"read_count": 412, "known_count": 397, "new_count": 15}
    InboundGap.unscoped.update(state="closed", **counts)
    read = key.get(f"/api/v1/gaps/{gap['id']}").json()
    assert read["sentence"].endswith("read 412, known 397, new 15")


@pytest.mark.parametrize(
    ("first", "last", "pointer"),
    [(HOUR, 2 * HOUR, "/from"), (HOUR, -HOUR, "/to"), (40 * DAY, HOUR, "/from")],
)
def test_a_wrong_time_is_named_by_its_pointer(api, source, now, first, last, pointer):
    times = {"from": (now - first).isoformat(), "to": (now - last).isoformat()}
    url = f"/api/v1/sources/{source.public_id}/read-missed"
    answer = api.of(source.tenant).post(url, times, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)


def test_a_program_starts_and_cancels_a_gap(api, held):
    key, url = api.of(held.tenant), f"/api/v1/gaps/{held.public_id}"
    row = key.get(url).json()
    assert row["possible_actions"] == ["start", "cancel"]
    assert row["action"].startswith("Start the read if the hub was out of service")
    started = key.post(f"{url}/start")
    assert (started.status_code, started.json()["state"]) == (202, "due")
    assert key.post(f"{url}/start").status_code == 409
    cancelled = key.post(f"{url}/cancel").json()
    assert (cancelled["state"], cancelled["reason"]) == ("cancelled", "by_person")
    assert cancelled["missing_to"] and "Not complete" in cancelled["sentence"]


def test_another_tenant_neither_finds_nor_changes_a_gap_or_source(make, api, client, held):
    globex = make.tenant("globex")
    make.membership(globex, make.user("eve@globex.test"), "owner")
    key = api.of(globex)
    source = held.source.public_id
    for url in (f"gaps/{held.public_id}/start", f"gaps/{held.public_id}/cancel"):
        assert key.post(f"/api/v1/{url}").status_code == 404
    times = {"from": "2026-11-01T10:00:00Z", "to": "2026-11-01T11:00:00Z"}
    assert (
        key.post(f"/api/v1/sources/{source}/read-missed", times, format="json").status_code == 404
    )
    sign_in(client, "eve@globex.test")
    for path in (page(held, "gaps"), page(held, "gaps", "start"), page(held, "gaps", "live")):
        assert client.get(path.replace("/t/acme/", "/t/globex/")).status_code == 404
    held.refresh_from_db()
    assert held.state == "held"


def test_staff_start_cancel_and_request_with_a_reason(staff, held, now):
    text = load(staff, admin_url(held))
    assert "Start the read" in text and "Cancel the gap" in text and "Our CRM" in text
    staff.post(admin_url(held, "start"))
    staff.post(admin_url(held, "cancel"), {"reason": "read by the customer"})
    held.refresh_from_db()
    assert (held.state, held.reason) == ("cancelled", "by_person")
    assert AuditRow.objects.get(verb="gap.cancel").reason == "read by the customer"
    assert "Read missed changes" in load(staff, admin_url(held.source))
    url = admin_url(held.source, "read_missed")
    data = {"from_at": local(now - 2 * HOUR, "UTC"), "to_at": local(now + HOUR, "UTC")}
    refused = staff.post(url, data | {"reason": "asked for"})
    assert "Must not be in the future." in refused.content.decode()
    staff.post(url, data | {"to_at": local(now - HOUR, "UTC"), "reason": "asked for"})
    assert InboundGap.unscoped.get(cause="by_hand").from_at == now - 2 * HOUR
    assert AuditRow.objects.get(verb="source.read_missed").reason == "asked for"


def test_the_page_of_a_source_takes_the_same_statements_for_thirty_gaps(browser, make, source):
    make.gap(source)
    few = count_queries(browser, page(source, "sources"))
    for _ in range(30):
        make.gap(source, state="incomplete", reason="no_feed")
    assert count_queries(browser, page(source, "sources")) == few


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en", ("Run of Our CRM: missed changes", "started for a gap")),
        ("de", ("Our CRM: verpasste Änderungen", "für eine Lücke gestartet")),
    ],
)
def test_the_run_of_a_gap_says_what_it_is_in_the_readers_language(
    make, browser, source, now, language, texts
):
    make.gap(source, to_at=now - HOUR, due_at=now)
    start_gap_runs(now=now)
    for path in ("/t/acme/runs/", f"/t/acme/runs/{Run.unscoped.get().public_id}/"):
        page = browser.get(path, headers={"Accept-Language": language}).content.decode()
        assert texts[1] in page and texts[0].removeprefix("Run of ") in page

"""What owners say of their organisation."""

import re

import pytest

from hub.audit import AuditRow
from hub.notices.models import ConnectionMailPreference, MailPreference, QuietHours
from hub.outgoing.models import Route
from tests.hub.portal.query_counts import load_counting_queries
from tests.tenants.door import come_as_guest

pytestmark = pytest.mark.django_db
URL = "/t/acme/settings/"


def test_owners_change_name_and_zone_and_it_is_audited(owner, acme):
    owner.post(URL, {"save": "tenant", "name": "Acme & Sons", "time_zone": "Asia/Tokyo"})
    acme.refresh_from_db()
    assert (acme.name, acme.time_zone) == ("Acme & Sons", "Asia/Tokyo")
    row = AuditRow.objects.get(verb="tenant.change")
    assert row.before == {"name": "Acme Teas", "time_zone": "Europe/Berlin"}


def test_a_strange_zone_is_refused_in_words(owner, acme):
    page = owner.post(URL, {"save": "tenant", "name": "Acme", "time_zone": "Mars/Base"})
    assert "Enter a time zone" in page.content.decode()
    acme.refresh_from_db()
    assert acme.time_zone == "Europe/Berlin"


def test_who_is_no_owner_reads_only(admin, acme):
    assert "Owners can change these settings." in admin.get(URL).content.decode()
    admin.post(URL, {"save": "tenant", "name": "Mine", "time_zone": "UTC"})
    acme.refresh_from_db()
    assert acme.name == "Acme Teas"


def test_a_person_chooses_what_comes_by_mail(member):
    member.post(URL, {"save": "mail", "needs_reconnect": "on"})
    wanted = dict(MailPreference.unscoped.values_list("kind", "enabled"))
    assert wanted["needs_reconnect"] and not wanted["failing"]
    assert (
        'name="needs_reconnect" id="id_needs_reconnect" checked' in member.get(URL).content.decode()
    )


def test_it_costs_a_fixed_number_of_queries(owner):
    assert load_counting_queries(lambda: owner.get(URL))[1] == 9


# --- when and where ---


def test_a_person_says_when_mails_come(member):
    data = {
        "save": "hours",
        "hours-quiet_from": "22:00",
        "hours-quiet_until": "07:00",
        "hours-time_zone": "Asia/Tokyo",
    }
    assert (
        member.post(URL, data | {"hours-digest_hour": "9", "hours-digest": "on"}).status_code == 302
    )
    row = QuietHours.unscoped.get()
    assert (str(row.quiet_from), row.zone.key, row.digest_hour) == (
        "22:00:00",
        "Asia/Tokyo",
        9,
    ) and row.digest_at
    html = member.get(URL).content.decode()
    assert 'value="22:00"' in html and 'value="Asia/Tokyo"' in html


def test_half_of_quiet_hours_is_refused(member):
    page = member.post(
        URL, {"save": "hours", "hours-quiet_from": "22:00", "hours-digest_hour": "8"}
    )
    assert (
        "Enter both the start and the end of the quiet hours." in page.content.decode()
        and not QuietHours.unscoped.exists()
    )


def test_no_two_things_on_the_page_have_the_same_id(owner):
    ids = re.findall(r'\sid="([^"]+)"', owner.get(URL).content.decode())
    assert len(ids) == len(set(ids))


def test_an_admin_chooses_further_notice_channels_and_a_member_does_not(admin, member, make, acme):
    slack = make.connection(acme, "slack", name="Our Slack")
    data = {"save": "where", "over": [str(slack.public_id)]}
    member.post(URL, data)
    assert not Route.unscoped.exists()
    admin.post(URL, data)
    assert Route.unscoped.get().event_type == "connection.*"
    page = admin.get(f"/t/acme/connections/{slack.public_id}/").content.decode()
    assert "channel notices" in page or "notices" in page


def test_anothers_connection_is_none_of_theirs(admin, make, globex):
    connection = make.connection(globex, "slack")
    admin.post(URL, {"save": "where", "over": [str(connection.public_id)]})
    assert not Route.unscoped.exists()


# --- one connection ---


def test_a_person_chooses_for_one_connection(member, make, acme):
    slack = make.connection(acme, "slack")
    url = f"/t/acme/connections/{slack.public_id}/notifications/"
    assert (
        "members who turned them on for this connection"
        in member.get(url.removesuffix("notifications/")).content.decode()
    )
    assert member.post(url, {"scope": "own", "degraded": "on"}).status_code == 302
    assert dict(ConnectionMailPreference.unscoped.values_list("kind", "enabled"))["degraded"]
    assert 'name="degraded" id="id_degraded" checked' in member.get(url).content.decode()
    member.post(url, {"scope": ""})
    assert not ConnectionMailPreference.unscoped.exists()


def test_a_guest_has_no_mails(client, make, acme):
    come_as_guest(client, make.portal_link(acme))
    slack = make.connection(acme, "slack")
    assert client.get(f"/t/acme/connections/{slack.public_id}/").status_code == 200
    assert client.get(f"/t/acme/connections/{slack.public_id}/notifications/").status_code == 403
    assert client.get(URL).status_code == 200

"""What owners say of their organisation."""

import pytest

from hub.audit import AuditRow
from hub.notices.models import MailChoice
from tests.hub.portal.counting import queries

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
    assert "not a time zone" in page.content.decode()
    acme.refresh_from_db()
    assert acme.time_zone == "Europe/Berlin"


def test_who_is_no_owner_reads_only(admin, acme):
    assert "Owners change them." in admin.get(URL).content.decode()
    admin.post(URL, {"save": "tenant", "name": "Mine", "time_zone": "UTC"})
    acme.refresh_from_db()
    assert acme.name == "Acme Teas"


def test_a_person_chooses_what_comes_by_mail(member):
    member.post(URL, {"save": "mail", "needs_reconnect": "on"})
    wanted = dict(MailChoice.unscoped.values_list("kind", "wanted"))
    assert wanted["needs_reconnect"] and not wanted["failing"]
    assert 'name="needs_reconnect" id="id_needs_reconnect" checked' in member.get(URL).content.decode()


def test_it_costs_a_fixed_number_of_queries(owner):
    assert queries(lambda: owner.get(URL))[1] == 5

"""What was done is told once, without its secrets, and for good."""

import importlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from io import StringIO
from threading import Barrier

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from hub.audit import (
    PLATFORM,
    SYSTEM,
    Actor,
    AppendOnly,
    AuditHead,
    AuditRow,
    find_audit_rows,
    verify_chain,
)
from hub.audit.writer import record
from hub.connections.models import KillSwitch
from hub.crypto.sealed import seal
from tenants.models import ApiKey, Tenant, User

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
MIGRATION = importlib.import_module("hub.migrations.0001_initial")
ANNA = Actor("user", "1", "anna@acme.test")

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme():
    return Tenant.objects.create(reference="acme", name="Acme")


def record_rename(on, **fields):
    return record(
        **{"actor": ANNA, "verb": "tenant.rename", "obj": on, "tenant": on, "now": NOON} | fields
    )


def tamper(sql):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_it_says_who_did_what_to_what_and_why(acme):
    record_rename(
        acme,
        reason="asked by mail",
        before={"name": "A"},
        after={"name": "Acme"},
        request_id="r-1",
        ip="192.0.2.1",
    )
    row = AuditRow.objects.get()
    assert (row.actor_kind, row.actor_id, row.actor_label, row.verb) == (
        "user",
        "1",
        "anna@acme.test",
        "tenant.rename",
    )
    assert (row.object_label, row.object_id, row.at) == (
        "tenants.Tenant",
        str(acme.public_id),
        NOON,
    )
    assert (row.reason, row.before, row.after) == ("asked by mail", {"name": "A"}, {"name": "Acme"})
    assert (row.request_id, row.ip) == ("r-1", "192.0.2.1")


class FormerSwitch:
    """What a kill switch was when its model had another name."""

    class _meta:
        label = "connections.Switch"

    pk = 7


def test_what_was_done_under_the_former_name_of_a_model_is_in_its_history():
    row = record(actor=ANNA, verb="switch.off", obj=FormerSwitch(), now=NOON)
    assert list(find_audit_rows(KillSwitch(pk=7))) == [row] and verify_chain(PLATFORM).problem == ""


def test_it_outlives_its_tenant(acme):
    record_rename(acme)
    public_id = acme.public_id
    acme.delete()
    row = AuditRow.objects.get()
    assert (row.tenant, row.tenant_reference) == (public_id, "acme")


def test_actors_are_people_keys_and_the_hub_itself():
    key = ApiKey(name="Shop", prefix="abcd1234")
    support = Actor.of_user(User(pk=7, email="support@hub.test"))
    assert Actor.of_key(key) == Actor("api_key", "abcd1234", "Shop")
    assert support == Actor("user", "7", "support@hub.test")
    assert SYSTEM.kind == "system"


@pytest.mark.parametrize(
    "said",
    [
        {"client_secret": "s3cr3t-value"},
        {"headers": [{"authorization": "s3cr3t-value"}]},
        {"credentials": {"pin": "s3cr3t-value"}},
        {"note": "sent with Bearer s3cr3t-value"},
    ],
    ids=lambda said: next(iter(said)),
)
def test_secrets_are_stored_as_fingerprints_or_masks(acme, said):
    row = record_rename(acme, after=said)
    assert "s3cr3t-value" not in str(row.after) and "***" in str(row.after)


def test_a_fingerprint_tells_that_a_secret_changed(acme):
    row = record_rename(
        acme, before={"client_secret": "old-value"}, after={"client_secret": "new-value"}
    )
    assert row.before != row.after
    assert record_rename(acme, after={"client_secret": "new-value"}).after == row.after


def test_a_sealed_value_is_stored_as_its_fingerprint(acme):
    row = record_rename(acme, after={"sealed": seal({"access": "s3cr3t-value"}, "credential:1")})
    assert row.after["sealed"].startswith("*** ")


def test_reasons_are_harmless_text(acme):
    row = record_rename(acme, reason="see xoxb-123456789012-abcdef\r\nERROR fake\x00" + "x" * 9000)
    assert row.reason.startswith("see xoxb-***\\r\\nERROR fake\\x00xxx") and len(row.reason) == 500


def test_each_tenant_and_the_platform_have_a_chain(acme):
    first, second = record_rename(acme), record_rename(acme)
    other = record_rename(acme, tenant=None)
    assert (second.number, second.previous) == (2, first.hash)
    assert (other.chain, other.number, other.previous) == (PLATFORM, 1, "")


@pytest.mark.parametrize(
    "said",
    [
        {"after": {"ratio": 0.5, "much": 1e22, "b": 1, "a": [None, True, "ü", "\ud800"]}},
        {"now": NOON.astimezone(timezone(timedelta(hours=2))) + timedelta(microseconds=7)},
        {"tenant": None, "obj": User(pk=3)},
    ],
    ids=["numbers and letters", "another time zone", "no tenant"],
)
def test_a_chain_read_back_is_whole(acme, said):
    row = record_rename(acme, **said)
    record_rename(acme, **said)
    assert verify_chain(row.chain).problem == ""


def test_an_act_that_is_rolled_back_leaves_no_gap(acme):
    record_rename(acme)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record_rename(acme)
        raise ZeroDivisionError
    record_rename(acme)
    assert list(AuditRow.objects.order_by("number").values_list("number", flat=True)) == [1, 2]
    assert verify_chain(str(acme.public_id)).problem == ""


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row.save(),
        lambda row: row.delete(),
        lambda row: AuditRow.objects.update(verb="nothing"),
        lambda row: AuditRow.objects.filter(pk=row.pk).delete(),
        lambda row: AuditRow.objects.bulk_update([row], ["verb"]),
    ],
    ids=["save", "delete", "update", "delete many", "bulk_update"],
)
def test_no_code_changes_a_row(acme, change):
    row = record_rename(acme)
    with pytest.raises(AppendOnly):
        change(row)


@pytest.fixture
def guarded():
    """The harness lifts SQLite's guard against DELETE: that is how tables are emptied between
    tests.
    """
    if connection.vendor == "sqlite":
        tamper("DROP TRIGGER IF EXISTS hub_audit_is_not_deleted")
        tamper(MIGRATION.GUARD["sqlite"][1])


@pytest.mark.usefixtures("guarded")
@pytest.mark.parametrize(
    "sql", ["UPDATE hub_auditrow SET verb = 'nothing'", "DELETE FROM hub_auditrow"]
)
def test_the_database_itself_refuses(acme, sql):
    record_rename(acme)
    with pytest.raises(IntegrityError, match="never changed and never deleted"):
        tamper(sql)
    assert AuditRow.objects.get().verb == "tenant.rename"


@pytest.fixture
def unguarded():
    """Whoever owns the database can lift its guards; then the chain tells."""
    for statement in MIGRATION.LIFT[connection.vendor]:
        tamper(statement)


@pytest.mark.usefixtures("unguarded")
@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("UPDATE hub_auditrow SET reason = 'nothing' WHERE number = 2", "row 2 was changed"),
        ("UPDATE hub_auditrow SET after = NULL WHERE number = 2", "row 2 was changed"),
        ("DELETE FROM hub_auditrow WHERE number = 2", "row 2 is missing"),
        ("DELETE FROM hub_auditrow WHERE number = 3", "rows after row 2 are missing"),
        ("DELETE FROM hub_auditrow", "rows after row 0 are missing"),
        ("UPDATE hub_audithead SET hash = 'x'", "row 3 was changed"),
        ("UPDATE hub_audithead SET number = 2, hash = 'x'", "row 2 was changed"),
        ("DELETE FROM hub_audithead", "row 3 was added outside the product"),
    ],
)
def test_the_chain_tells_what_was_done_to_it(acme, sql, told):
    for name in "abc":
        record_rename(acme, after={"name": name})
    tamper(sql)
    assert verify_chain(str(acme.public_id)).problem == told


def verify_audit():
    out = StringIO()
    try:
        call_command("verify_audit", json=True, stdout=out)
    except CommandError as error:
        assert "tampered" in str(error)
    return json.loads(out.getvalue())


def test_the_command_verifies_every_chain(acme):
    for tenant in (acme, acme, None):
        record_rename(acme, tenant=tenant)
    assert verify_audit() == {"chains": 2, "rows": 3, "broken": {}}


@pytest.mark.usefixtures("unguarded")
def test_the_command_names_the_first_broken_row_of_each_chain(acme):
    for tenant in (acme, acme, None):
        record_rename(acme, tenant=tenant)
    tamper("UPDATE hub_auditrow SET verb = 'nothing' WHERE number = 2")
    tamper("DELETE FROM hub_auditrow WHERE chain = 'platform'")
    assert verify_audit()["broken"] == {
        str(acme.public_id): "row 2 was changed",
        "platform": "rows after row 0 are missing",
    }


def test_the_command_fails_when_a_chain_is_broken(acme):
    record_rename(acme)
    AuditHead.objects.update(number=2)
    with pytest.raises(CommandError, match="tampered"):
        call_command("verify_audit", stdout=StringIO())


def test_a_chain_of_nothing_is_whole():
    assert verify_chain("nobody").problem == "" and not AuditHead.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
def test_people_who_act_at_once_do_not_fork_the_chain():
    acme = Tenant.objects.create(reference="acme", name="Acme")
    ready = Barrier(4)

    def person():
        with transaction.atomic():
            ready.wait(10)
            record_rename(acme)
        connection.close()

    with ThreadPoolExecutor(4) as people:
        for done in [people.submit(person) for _ in range(4)]:
            done.result()
    assert AuditRow.objects.count() == 4
    assert verify_chain(str(acme.public_id)).problem == ""

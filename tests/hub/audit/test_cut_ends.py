"""The owner of the database, who can lift its guards and compute hashes, cannot hide what they
removed: they lack HUB_FIELD_KEYS, and the file that an earlier run exported.
"""

import json
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection

from hub.audit import ActorContext, AuditHead, AuditRow
from hub.crypto.rotation import reseal_all
from hub.crypto.sealed import seal
from tenants.models import Tenant
from tests.factories import NOON
from tests.hub.audit.test_audit import MIGRATION, tamper

pytestmark = [pytest.mark.django_db, pytest.mark.corrections(item="3.6")]


@pytest.fixture(autouse=True)
def unguarded():
    for statement in MIGRATION.LIFT[connection.vendor]:
        tamper(statement)


@pytest.fixture
def acme():
    acme = Tenant.objects.create(reference="acme", name="Acme")
    rename(acme, 3)
    return acme


@pytest.fixture
def globex():
    globex = Tenant.objects.create(reference="globex", name="Globex")
    rename(globex, 2)
    return globex


def rename(tenant, times=1):
    for number in range(times):
        name = {"name": f"{tenant.name} {number}"}
        ActorContext.system().audit("tenant.rename", tenant, tenant=tenant, after=name, now=NOON)


def chain(tenant):
    return str(tenant.public_id)


def find_broken(**options):
    out = StringIO()
    try:
        call_command("verify_audit", json=True, stdout=out, **options)
    except CommandError as error:
        assert "tampered" in str(error)
    return json.loads(out.getvalue())["broken"]


def cut_end(tenant, *, set_back=True):
    """Delete the last row of the tenant's chain, and set the head back to the row before it."""
    rows = AuditRow.objects.filter(chain=chain(tenant)).order_by("-number")
    number, previous = rows.values_list("number", "previous")[0]
    tamper(
        f"DELETE FROM hub_auditrow WHERE tenant_reference = '{tenant.reference}'"
        f" AND number = {number}"
    )
    if set_back:
        AuditHead.objects.filter(chain=chain(tenant)).update(number=number - 1, hash=previous)


def delete_chain(tenant):
    tamper(f"DELETE FROM hub_auditrow WHERE tenant_reference = '{tenant.reference}'")
    AuditHead.objects.filter(chain=chain(tenant)).delete()


def test_a_removed_last_row_whose_head_was_set_back_is_missing(acme):
    cut_end(acme)
    assert find_broken() == {chain(acme): "rows after row 2 are missing"}


def test_a_chain_that_was_deleted_with_its_head_is_missing(acme, globex):
    delete_chain(globex)
    assert find_broken() == {"total": "missing chains: 1 of 2"}


def test_a_cut_end_stays_visible_when_the_chain_goes_on(acme):
    cut_end(acme)
    rename(acme, 2)
    assert find_broken() == {chain(acme): "the head before row 3 was changed"}


def test_a_deleted_chain_stays_missing_when_its_tenant_acts_again(acme, globex):
    delete_chain(globex)
    rename(globex)
    assert find_broken() == {"total": "missing chains: 1 of 3"}


def test_a_chain_whose_head_alone_was_deleted_goes_on_and_says_so(acme, globex):
    AuditHead.objects.filter(chain=chain(acme)).delete()
    assert find_broken()["total"] == "missing chains: 1 of 2"
    rename(acme, 2)
    rows = AuditRow.objects.filter(chain=chain(acme))
    assert list(rows.order_by("number").values_list("number", flat=True)) == [1, 2, 3, 4, 5]
    assert find_broken() == {chain(acme): "the head before row 4 was changed"}
    call_command("verify_audit", accept="looked into it", stdout=StringIO())
    assert find_broken() == {}


@pytest.mark.parametrize("sealed", [None, seal({"number": 2, "hash": "x"}, "audit:other")])
def test_a_head_that_the_hub_did_not_seal_is_found_also_when_the_chain_goes_on(acme, sealed):
    cut_end(acme)
    AuditHead.objects.filter(chain=chain(acme)).update(sealed=sealed)
    assert find_broken() == {chain(acme): "the head before row 3 was changed"}
    rename(acme)
    assert find_broken() == {chain(acme): "the head before row 3 was changed"}


def test_rows_with_hashes_of_their_own_are_found(acme):
    forged = AuditRow.objects.get(chain=chain(acme), number=3)
    forged.pk, forged.number, forged.previous, forged._state.adding = None, 4, forged.hash, True
    forged.hash = forged.compute_hash()
    forged.save()
    AuditHead.objects.filter(chain=chain(acme)).update(number=4, hash=forged.hash)
    assert find_broken() == {chain(acme): "the head before row 4 was changed"}


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        (
            "DELETE FROM hub_audithead WHERE chain = 'total'",
            "the number of chains was changed outside the product",
        ),
        (
            "UPDATE hub_audithead SET number = 1 WHERE chain = 'total'",
            "the number of chains was changed outside the product",
        ),
        (
            "INSERT INTO hub_audithead (chain, number, hash) VALUES ('x', 0, '')",
            "chains added outside the product: 1",
        ),
    ],
)
def test_the_total_itself_is_sealed(acme, globex, sql, problem):
    tamper(sql)
    assert find_broken() == {"total": problem}


# --- against an earlier export: what was put back from an older copy ---


@pytest.fixture
def export(acme, globex, tmp_path):
    path = tmp_path / "heads.json"
    assert find_broken(export=path) == {}
    return path


def test_rows_that_came_since_an_export_are_no_finding(acme, export):
    rename(acme)
    assert find_broken(against=export, export=export) == {}
    assert json.loads(export.read_text())["rows"] == 6


def test_a_chain_as_an_older_copy_had_it_is_found_against_the_export(acme, tmp_path):
    older = AuditHead.objects.get(chain=chain(acme))
    rename(acme)
    find_broken(export=tmp_path / "heads.json")
    cut_end(acme, set_back=False)
    older.save()
    assert find_broken() == {}
    missing = {chain(acme): "rows after row 3 are missing"}
    assert find_broken(against=tmp_path / "heads.json") == missing


def test_a_log_that_was_emptied_is_found_against_the_export(acme, globex, export):
    for tenant in (acme, globex):
        delete_chain(tenant)
    AuditHead.objects.all().delete()
    assert find_broken() == {}
    missing = dict.fromkeys((chain(acme), chain(globex)), "rows after row 0 are missing")
    assert find_broken(against=export) == missing


def test_a_log_that_was_written_anew_is_found_against_the_export(acme, globex, export):
    delete_chain(acme)
    AuditHead.objects.filter(chain="total").delete()
    Tenant.objects.filter(pk=acme.pk).update(name="Other")
    rename(Tenant.objects.get(pk=acme.pk), 4)
    assert find_broken(against=export)[chain(acme)] == "row 3 was changed"


def test_a_log_with_a_finding_is_not_exported(acme, tmp_path):
    cut_end(acme)
    find_broken(export=tmp_path / "heads.json")
    assert not (tmp_path / "heads.json").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-9],
        lambda text: "{}",
        lambda text: text.replace('"rows": 5', '"rows": 4'),
    ],
    ids=["cut", "another file", "totals that do not fit"],
)
def test_an_incomplete_export_is_refused(export, change):
    export.write_text(change(export.read_text()))
    with pytest.raises(CommandError, match="is not a complete file of --export"):
        call_command("verify_audit", against=export)


# --- keys, and going on after a finding ---


def test_new_keys_keep_the_heads(acme, settings):
    old, new = settings.HUB_FIELD_KEYS[0], Fernet.generate_key().decode()
    for keys in ([old, new], [new, old], [old, new], [new, old]):  # machines, one after another
        settings.HUB_FIELD_KEYS = keys
        rename(acme)
    assert find_broken() == {}
    assert [batch for batch in reseal_all() if batch.unreadable] == []
    settings.HUB_FIELD_KEYS = [new]
    assert find_broken() == {}


def test_a_row_takes_no_statement_more(acme, django_assert_num_queries):
    with django_assert_num_queries(5):  # the savepoint, the head, the row, the head, the savepoint
        rename(acme)


def test_an_accepted_end_is_no_finding_and_stands_in_the_log(acme, globex):
    cut_end(acme)
    delete_chain(globex)
    rename(acme)
    assert find_broken(accept="looked into it") == {}
    rows = AuditRow.objects.filter(verb="audithead.accept")
    assert set(rows.values_list("object_id", flat=True)) == {chain(acme), "total"}
    rename(acme)
    assert find_broken(accept="again") == {} and rows.count() == 2

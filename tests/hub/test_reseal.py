"""Keys are changed while the hub works: nothing is lost, nothing is overwritten, and what does not open is told."""

import json
import os
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from hub.connections.models import ConnectorApp, Credential
from hub.reseal import anew, exchanged, places, reseal
from hub.secrets import KeyCanary, WrongKey, check_keys, resealed, seal
from tests.hub.outside import outside

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]

OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))


@pytest.fixture
def keys(settings):
    def set_keys(*given):
        settings.HUB_FIELD_KEYS = list(given)

    set_keys(OLD)
    KeyCanary.objects.update(sealed=seal({}, KeyCanary.BINDING))
    return set_keys


def rotate(**options):
    out = StringIO()
    call_command("rotate_keys", json=True, stdout=out, **options)
    return json.loads(out.getvalue())


def opens(row):
    return Credential.unscoped.get(connection=row).open(row)


def test_everything_opens_under_the_new_key_alone(make, keys):
    rows = [make.connection() for _ in range(3)]
    make.app("slack", {"client_secret": "s"})
    keys(NEW, OLD)
    told = rotate()
    keys(NEW)
    check_keys()
    assert [opens(row)["signing_secret"] for row in rows]
    assert ConnectorApp.objects.get().open() == {"client_secret": "s"}
    assert (told["looked_at"], sum(told["resealed"].values()), told["unreadable"], told["left"]) == (5, 5, [], 0)


def test_a_second_run_finds_nothing_to_do(make, keys):
    make.connection()
    keys(NEW, OLD)
    rotate()
    assert sum(rotate()["resealed"].values()) == 0


def test_stopped_in_the_middle_it_goes_on_where_it_was(make, keys):
    for _ in range(4):
        make.connection()
    keys(NEW, OLD)
    batches = reseal(size=2)
    next(batch for batch in batches if batch.place == "connections.Credential.sealed")
    batches.close()
    assert rotate()["resealed"]["connections.Credential.sealed"] in (2, 4)


def test_a_dry_run_changes_nothing(make, keys):
    row = make.connection()
    keys(NEW, OLD)
    assert rotate(dry_run=True)["resealed"]["connections.Credential.sealed"] == 1
    keys(NEW)
    with pytest.raises(WrongKey):
        opens(row)


def test_a_refresh_in_between_is_never_overwritten(make, keys):
    row = make.connection()
    keys(NEW, OLD)
    (place,) = [place for place in places() if place.model is Credential]
    read = list(place.rows().values_list("pk", "sealed"))
    fresh = seal({"signing_secret": "newer"}, Credential.binding(row))
    Credential.unscoped.update(sealed=fresh, version=2)
    assert exchanged(place, read, dry=False).resealed == 0
    assert opens(row) == {"signing_secret": "newer"}


def test_what_cannot_be_opened_is_named_and_left_as_it_is(make, keys):
    row = make.connection()
    keys(LOST)
    make.app("slack", {"client_secret": "s"})
    keys(NEW, OLD)
    out = StringIO()
    with pytest.raises(CommandError, match="Keep the old keys"):
        call_command("rotate_keys", stdout=out)
    assert f"connections.ConnectorApp.sealed of row {ConnectorApp.objects.get().pk}" in out.getvalue()
    keys(NEW)
    assert opens(row)["signing_secret"]


def test_the_canary_goes_last():
    assert places()[-1].model is KeyCanary


def test_every_sealed_column_has_its_place():
    assert {"connections.Credential.sealed", "connections.ConnectorApp.sealed"} <= {place.name for place in places()}


def test_sealed_texts_within_json_are_found(keys):
    data = {"secret": seal({"text": "JBSW"}, "mfa")._ciphertext, "used": [1, 2], "name": "phone"}
    keys(NEW, OLD)
    new = anew(data)
    assert {key: value for key, value in new.items() if key != "secret"} == {"used": [1, 2], "name": "phone"}
    assert anew(new) is None


def test_a_value_of_a_lost_key_is_not_taken_for_done(keys):
    sealed = seal({}, "x")
    keys(NEW)
    with pytest.raises(WrongKey):
        resealed(sealed)


@pytest.mark.django_db(transaction=True)
def test_killed_in_the_middle_of_a_batch_it_is_finished_by_the_next_run(make, keys, tmp_path):
    rows = [make.connection() for _ in range(3)]
    with outside(tmp_path) as url:
        command = [sys.executable, ROOT / "manage.py", "rotate_keys"]
        known = {**os.environ, "DATABASE_URL": url, "HUB_FIELD_KEYS": f"{NEW},{OLD}"}
        codes = [
            subprocess.run(command, env={**known, **more}, capture_output=True, timeout=60).returncode
            for more in ({"HUB_FAILPOINTS": "K1=kill@2"}, {})
        ]
    keys(NEW)
    assert codes == [-signal.SIGKILL, 0]
    assert [opens(row)["signing_secret"] for row in rows]


def test_many_rows_cost_few_statements(make, keys, django_assert_max_num_queries):
    for _ in range(20):
        make.connection()
    keys(NEW, OLD)
    with django_assert_max_num_queries(6 * len(places())):
        list(reseal())

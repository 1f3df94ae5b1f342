"""Keys are changed while the hub works: nothing is lost, nothing is overwritten, and what does not
open is told.
"""

import json
import os
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from hub.connections.models import ConnectorApp, Credential
from hub.crypto.rotation import reseal_all, reseal_batch, reseal_value, sealed_columns
from hub.crypto.sealed import KeyCanary, WrongKey, check_keys, rotate_sealed, seal
from tests.hub.outside import outside
from tests.tenants.door import code_of, with_totp

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]

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


def open_credential(row):
    return Credential.unscoped.get(connection=row).open(row)


def test_everything_opens_under_the_new_key_alone(make, keys):
    rows = [make.connection() for _ in range(3)]
    make.app("slack", {"client_secret": "s"})
    keys(NEW, OLD)
    progress = rotate()
    keys(NEW)
    check_keys()
    assert [open_credential(row)["signing_secret"] for row in rows]
    assert ConnectorApp.objects.get().open() == {"client_secret": "s"}
    assert (
        progress["looked_at"],
        sum(progress["resealed"].values()),
        progress["unreadable"],
        progress["left"],
    ) == (5, 5, [], 0)


def test_second_factors_open_under_the_new_key_alone(make, keys):
    user = make.user()
    secret = with_totp(user)
    codes = RecoveryCodes.activate(user).get_unused_codes()
    keys(NEW, OLD)
    assert rotate()["resealed"]["mfa.Authenticator.data"] == 2
    keys(NEW)
    totp, recovery = (
        Authenticator.objects.get(user=user, type=kind).wrap()
        for kind in ("totp", "recovery_codes")
    )
    assert totp.validate_code(code_of(secret))
    assert recovery.get_unused_codes() == codes


def test_a_second_factor_that_was_used_in_between_is_never_overwritten(make, keys):
    user = make.user()
    first, *others = RecoveryCodes.activate(user).get_unused_codes()
    keys(NEW, OLD)
    (place,) = [place for place in sealed_columns() if place.model is Authenticator]
    read = list(place.rows().values_list("pk", "data"))
    recovery = Authenticator.objects.get(user=user).wrap()
    assert (
        recovery.validate_code(first)
        and reseal_batch(place, read, dry_run=False).resealed_count == 0
    )
    assert Authenticator.objects.get(user=user).wrap().get_unused_codes() == others


def test_a_second_run_finds_nothing_to_do(make, keys):
    make.connection()
    keys(NEW, OLD)
    rotate()
    assert sum(rotate()["resealed"].values()) == 0


def test_stopped_in_the_middle_it_goes_on_where_it_was(make, keys):
    for _ in range(4):
        make.connection()
    keys(NEW, OLD)
    batches = reseal_all(size=2)
    next(batch for batch in batches if batch.column_name == "connections.Credential.sealed")
    batches.close()
    assert rotate()["resealed"]["connections.Credential.sealed"] in (2, 4)


def test_a_dry_run_changes_nothing(make, keys):
    row = make.connection()
    keys(NEW, OLD)
    assert rotate(dry_run=True)["resealed"]["connections.Credential.sealed"] == 1
    keys(NEW)
    with pytest.raises(WrongKey):
        open_credential(row)


def test_a_refresh_in_between_is_never_overwritten(make, keys):
    row = make.connection()
    keys(NEW, OLD)
    (place,) = [place for place in sealed_columns() if place.model is Credential]
    read = list(place.rows().values_list("pk", "sealed"))
    fresh = seal({"signing_secret": "newer"}, Credential.binding(row))
    Credential.unscoped.update(sealed=fresh, version=2)
    assert reseal_batch(place, read, dry_run=False).resealed_count == 0
    assert open_credential(row) == {"signing_secret": "newer"}


def test_what_cannot_be_opened_is_named_and_left_as_it_is(make, keys):
    row = make.connection()
    keys(LOST)
    make.app("slack", {"client_secret": "s"})
    keys(NEW, OLD)
    out = StringIO()
    with pytest.raises(CommandError, match="Keep the old keys"):
        call_command("rotate_keys", stdout=out)
    assert (
        f"connections.ConnectorApp.sealed of row {ConnectorApp.objects.get().pk}" in out.getvalue()
    )
    keys(NEW)
    assert open_credential(row)["signing_secret"]


def test_the_canary_goes_last():
    assert sealed_columns()[-1].model is KeyCanary


def test_every_sealed_column_has_its_place():
    assert {"connections.Credential.sealed", "connections.ConnectorApp.sealed"} <= {
        place.name for place in sealed_columns()
    }


def test_sealed_texts_within_json_are_found(keys):
    data = {"secret": seal({"text": "JBSW"}, "mfa")._ciphertext, "used": [1, 2], "name": "phone"}
    keys(NEW, OLD)
    new = reseal_value(data)
    assert {key: value for key, value in new.items() if key != "secret"} == {
        "used": [1, 2],
        "name": "phone",
    }
    assert reseal_value(new) is None


def test_a_value_of_a_lost_key_is_not_taken_for_done(keys):
    sealed = seal({}, "x")
    keys(NEW)
    with pytest.raises(WrongKey):
        rotate_sealed(sealed)


@pytest.mark.django_db(transaction=True)
def test_killed_in_the_middle_of_a_batch_it_is_finished_by_the_next_run(make, keys, tmp_path):
    rows = [make.connection() for _ in range(3)]
    with outside(tmp_path) as url:
        command = [sys.executable, ROOT / "manage.py", "rotate_keys"]
        known = {**os.environ, "DATABASE_URL": url, "HUB_FIELD_KEYS": f"{NEW},{OLD}"}
        codes = [
            subprocess.run(
                command, env={**known, **more}, capture_output=True, timeout=60
            ).returncode
            for more in ({"HUB_FAILPOINTS": "K1=kill@2"}, {})
        ]
    keys(NEW)
    assert codes == [-signal.SIGKILL, 0]
    assert [open_credential(row)["signing_secret"] for row in rows]


def test_many_rows_cost_few_statements(make, keys, django_assert_max_num_queries):
    for _ in range(20):
        make.connection()
    keys(NEW, OLD)
    with django_assert_max_num_queries(6 * len(sealed_columns())):
        list(reseal_all())

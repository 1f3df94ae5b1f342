"""What is sealed comes out by one door only, and only for the row it was sealed for."""

import copy
import io
import json
import pickle
import sys

import pytest
from cryptography.fernet import Fernet
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.helpers import AdminReadonlyField
from django.core.exceptions import FieldError, ValidationError
from django.core.management import call_command
from django.core.serializers.base import DeserializationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.models import Case, F, Value, When
from django.forms import modelform_factory
from django.forms.models import model_to_dict
from django.views.debug import ExceptionReporter
from rest_framework.renderers import JSONRenderer
from rest_framework.serializers import ModelSerializer

from hub.connections.models import ConnectorApp
from hub.crypto.sealed import CannotOpen, WrongKey, fingerprint, seal

SECRET = "s3cr3t-value"
BINDING = "connector_app:slack"
OTHER_KEY = Fernet.generate_key().decode()

pytestmark = pytest.mark.django_db


def seal_document():
    return seal({"client_secret": SECRET}, BINDING)


@pytest.fixture
def row():
    return ConnectorApp.objects.create(connector_key="slack", sealed=seal_document())


def open_document(row):
    return ConnectorApp.objects.get(pk=row.pk).sealed.open(BINDING)


def read_stored_text(row):
    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed FROM connections_connectorapp WHERE id = %s", [row.pk])
        return cursor.fetchone()[0]


def store(row, text):
    ConnectorApp.objects.filter(pk=row.pk).update(sealed=Value(text))


def set_by_update(row):
    ConnectorApp.objects.filter(pk=row.pk).update(sealed=seal_document())


def set_by_bulk_update(row):
    row.sealed = seal_document()
    ConnectorApp.objects.bulk_update([row], ["sealed"])


def set_by_save(row):
    row.sealed = seal_document()
    row.save()


def set_by_bulk_create(row):
    ConnectorApp.objects.all().delete()
    ConnectorApp.objects.bulk_create(
        [ConnectorApp(pk=row.pk, connector_key="slack", sealed=seal_document())]
    )


def set_by_itself(row):
    ConnectorApp.objects.update(sealed=F("sealed"))


def set_by_an_expression(row):
    ConnectorApp.objects.update(
        sealed=Case(When(connector_key="slack", then=F("sealed")), default=Value(None))
    )


@pytest.mark.parametrize(
    "setting",
    [
        set_by_save,
        set_by_update,
        set_by_bulk_create,
        set_by_bulk_update,
        set_by_itself,
        set_by_an_expression,
    ],
)
def test_a_secret_survives_every_way_of_storing(row, setting):
    setting(row)
    assert open_document(row) == {"client_secret": SECRET}


def test_the_database_holds_ciphertext(row):
    assert SECRET not in read_stored_text(row)
    assert read_stored_text(row) != read_stored_text(
        ConnectorApp.objects.create(connector_key="splunk", sealed=seal_document())
    )


def test_nothing_stays_nothing(row):
    row.sealed = None
    row.full_clean()
    row.save()
    row.refresh_from_db()
    assert row.sealed is None


@pytest.mark.parametrize(
    "lookup", ["exact", "iexact", "contains", "in", "gt", "startswith", "regex", "length__gt"]
)
def test_no_filter_looks_inside(row, lookup):
    with pytest.raises(FieldError, match="isnull only"):
        ConnectorApp.objects.filter(**{f"sealed__{lookup}": read_stored_text(row)}).exists()


def test_isnull_tells_whether_there_is_a_secret(row):
    ConnectorApp.objects.create(connector_key="splunk")
    assert ConnectorApp.objects.get(sealed__isnull=False) == row
    assert ConnectorApp.objects.exclude(sealed__isnull=False).get().connector_key == "splunk"


TEXTS = pytest.mark.parametrize(
    "make", [lambda row: SECRET, read_stored_text], ids=["plain text", "pasted ciphertext"]
)


@TEXTS
def test_text_is_no_secret(row, make):
    row.sealed = make(row)
    with pytest.raises(ValidationError, match="not read from text"):
        row.full_clean()
    with pytest.raises(TypeError, match="takes what seal"):
        row.save()


@TEXTS
def test_text_is_no_secret_for_many_rows_either(row, make):
    text = make(row)
    with pytest.raises(TypeError, match="takes what seal"):
        ConnectorApp.objects.update(sealed=text)


def test_a_wrong_key_is_named_and_hides_no_row(row, settings):
    settings.HUB_FIELD_KEYS = [OTHER_KEY]
    with pytest.raises(WrongKey, match=f"HUB_FIELD_KEYS opens {BINDING}"):
        open_document(row)


def test_an_older_key_still_opens_and_the_newest_seals(row, settings):
    settings.HUB_FIELD_KEYS = [OTHER_KEY, *settings.HUB_FIELD_KEYS]
    assert open_document(row) == {"client_secret": SECRET}
    set_by_save(row)
    settings.HUB_FIELD_KEYS = [OTHER_KEY]
    assert open_document(row) == {"client_secret": SECRET}


def test_ciphertext_moved_to_another_row_does_not_open(row):
    ConnectorApp.objects.create(connector_key="splunk")
    ConnectorApp.objects.filter(connector_key="splunk").update(sealed=row.sealed)
    with pytest.raises(CannotOpen, match="sealed for another row"):
        ConnectorApp.objects.get(connector_key="splunk").open()


@pytest.mark.parametrize("inside", [SECRET, "[]", json.dumps({"client_secret": SECRET})])
def test_what_is_no_sealed_document_does_not_open_and_is_not_shown(row, inside, settings):
    store(row, Fernet(settings.HUB_FIELD_KEYS[0]).encrypt(inside.encode()).decode())
    with pytest.raises(CannotOpen, match="no sealed document") as caught:
        open_document(row)
    assert SECRET not in str(caught.value) and caught.value.__context__ is None


@pytest.mark.parametrize("text", ["", SECRET, "gAAAAA" + "x" * 100])
def test_what_is_not_even_ciphertext_does_not_open(row, text):
    store(row, text)
    with pytest.raises(WrongKey):
        open_document(row)


@pytest.mark.parametrize("show", [str, repr, format, "{0}".format, "{0!r:>3}".format, "%s".__mod__])
def test_a_sealed_value_has_no_looks(show):
    assert show(seal_document()) == "***"


@pytest.mark.parametrize(
    "dump", [json.dumps, DjangoJSONEncoder().encode, JSONRenderer().render, pickle.dumps]
)
def test_a_sealed_value_does_not_travel(dump):
    with pytest.raises(TypeError):
        dump(seal_document())


def test_a_row_with_its_secret_is_no_task_argument(row):
    with pytest.raises(TypeError, match="hand on the id"):
        pickle.dumps(row)


def test_a_copy_opens_too(row):
    assert (
        copy.deepcopy(row).open()
        == copy.copy(row.sealed).open(BINDING)
        == {"client_secret": SECRET}
    )


def test_dumpdata_masks_it_and_loaddata_does_not_take_the_mask(row, tmp_path):
    out = io.StringIO()
    call_command("dumpdata", "connections.connectorapp", stdout=out)
    assert json.loads(out.getvalue())[0]["fields"]["sealed"] == "***"
    assert read_stored_text(row) not in out.getvalue()
    (tmp_path / "dump.json").write_text(out.getvalue())
    with pytest.raises(DeserializationError):
        call_command("loaddata", tmp_path / "dump.json")
    assert open_document(row) == {"client_secret": SECRET}


def test_a_serializer_of_all_fields_masks_it_and_takes_none(row):
    class Serializer(ModelSerializer):
        class Meta:
            model = ConnectorApp
            fields = "__all__"

    assert Serializer(row).data["sealed"] == "***"
    typed = Serializer(row, data={"connector_key": "slack", "sealed": SECRET})
    assert typed.is_valid() and "sealed" not in typed.validated_data


def test_no_form_has_it(row):
    assert "sealed" not in modelform_factory(ConnectorApp, fields="__all__").base_fields
    assert "sealed" not in model_to_dict(row)
    with pytest.raises(FieldError, match="non-editable"):
        modelform_factory(ConnectorApp, fields=["sealed"])


def test_the_admin_shows_a_mask(row, rf):
    admin = ModelAdmin(ConnectorApp, AdminSite())
    admin.readonly_fields = ("sealed",)
    form = admin.get_form(rf.get("/"), row)(instance=row)
    assert "sealed" not in form.fields
    assert AdminReadonlyField(form, "sealed", is_first=True, model_admin=admin).contents() == "***"


def test_an_error_report_does_not_tell_what_was_being_sealed(settings):
    settings.DEBUG = False
    try:
        seal({"client_secret": SECRET, "not JSON": object()}, BINDING)
    except TypeError as error:
        beyond_this_test = error.__traceback__.tb_next
        report = ExceptionReporter(None, *sys.exc_info()[:2], beyond_this_test).get_traceback_html()
    assert "hub/crypto/sealed.py" in report and SECRET not in report


def test_a_fingerprint_tells_apart_and_nothing_else():
    assert fingerprint(SECRET) == fingerprint(SECRET) != fingerprint("another")
    assert seal_document().fingerprint != seal_document().fingerprint

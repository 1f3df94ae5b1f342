"""The demo is loaded once, with secrets of its own, and follows the desk's ports."""

import json
import stat

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.urls import reverse

from hub.connections.credentials.connector_context import find_connector_app, open_credential
from hub.connections.models import Connection, ConnectorApp, Credential
from hub.db.clock import clock
from hub.incoming.models import WebhookAddress
from hub.incoming.registration.installation.address import find_former_url
from hub.mappings.models import MappingVersion
from hub.mappings.translate import compile_mapping
from hub.outgoing.models import Route
from tenants import api_key_format
from tenants.models import ApiKey, Tenant, User
from tests.tenants.door import sign_in

pytestmark = pytest.mark.django_db

HERE, THERE = "http://127.0.0.1:8100", "http://127.0.0.1:8110"


class Demo:
    def __init__(self, folder):
        self.file, self.world = folder / "demo.json", folder / "sandbox" / "world.json"

    def load(self, sandbox=HERE):
        call_command("load_demo", file=self.file, world=self.world, sandbox=sandbox, verbosity=0)
        return json.loads(self.file.read_text())


@pytest.fixture
def demo(tmp_path, settings):
    settings.HUB_EGRESS_ALLOW = ["127.0.0.1:8100", "127.0.0.1:8110"]
    return Demo(tmp_path)


def rows():
    """Everything that the demo made, as it is stored."""
    models = (Tenant, User, ApiKey, ConnectorApp, Connection, Credential, MappingVersion, Route)
    return {model: str(list(model._base_manager.order_by("pk").values())) for model in models}


def test_it_tells_what_a_program_needs(demo):
    told = demo.load()
    assert told.keys() == {"hub", "sandbox", "staff", "platform_key", "hooks", "tenants"}
    assert [tenant["reference"] for tenant in told["tenants"]] == ["acme", "globex"]
    for tenant in told["tenants"]:
        connections = Connection.unscoped.filter(tenant__reference=tenant["reference"])
        ids = {row.connector_key: str(row.public_id) for row in connections}
        assert ids.pop("signed_webhook")
        assert ids == tenant["connections"]
        assert tenant["hooks"].keys() == {"pipedrive", "salesforce", "splunk", "standard_webhooks"}


def test_its_files_can_be_read_by_their_owner_only(demo):
    demo.load()
    assert [stat.S_IMODE(file.stat().st_mode) for file in (demo.file, demo.world)] == [0o600, 0o600]


def test_a_second_load_changes_nothing_also_when_people_changed_something(demo):
    demo.load()
    Tenant.objects.filter(reference="acme").update(name="Acme & Daughters", time_zone="Asia/Tokyo")
    before, files = rows(), (demo.file.read_bytes(), demo.world.read_bytes())
    demo.load()
    assert (rows(), (demo.file.read_bytes(), demo.world.read_bytes())) == (before, files)


def test_two_demos_share_no_secret(demo, tmp_path):
    first = demo.load()
    demo.file.unlink()
    second = demo.load()
    assert first["staff"]["password"] != second["staff"]["password"]
    assert first["platform_key"] != second["platform_key"]


def test_a_lost_file_is_made_again_and_its_keys_are_worth_nothing(demo):
    lost = demo.load()["platform_key"]
    demo.file.unlink()
    demo.load()
    assert (
        ApiKey.unscoped.get(prefix=api_key_format.parse_api_key(lost).public_id).revoked_at
        is not None
    )
    assert (Tenant.objects.count(), Connection.unscoped.count(), Route.unscoped.count()) == (
        2,
        13,
        9,
    )


def test_a_file_of_another_database_does_not_count(demo):
    told = demo.load()
    told["tenants"][0]["connections"] = told["tenants"][1]["connections"] = {}
    demo.file.write_text(json.dumps(told))
    assert demo.load()["platform_key"] != told["platform_key"]


def test_the_keys_work(demo, api):
    told = demo.load()
    assert api(told["platform_key"]).get("/api/v1/me").data["tenant"] is None
    for tenant in told["tenants"]:
        assert (
            api(tenant["key"]).get("/api/v1/me").data["tenant"]["reference"] == tenant["reference"]
        )


def test_staff_sign_in_with_both_factors(demo, client, settings, capsys):
    settings.MFA_TOTP_TOLERANCE = 1
    told = demo.load()["staff"]
    sign_in(client, told["email"], told["password"])
    call_command("totp", file=demo.file)
    client.post(reverse("mfa_authenticate"), {"code": capsys.readouterr().out.split()[-1]})
    assert client.get("/admin/").status_code == 200
    assert told["totp_secret"] not in str(list(Authenticator.objects.values()))


def test_each_customer_has_an_owner_who_can_sign_in(demo, client):
    for tenant in demo.load()["tenants"]:
        sign_in(client, tenant["owner"]["email"], tenant["owner"]["password"])
        assert client.get("/").url == f"/t/{tenant['reference']}/"
        assert client.get(f"/t/{tenant['reference']}/members/").context["tenant_user"].is_owner
        client.logout()


def test_without_a_demo_there_is_no_code(demo):
    with pytest.raises(CommandError, match="no second factor"):
        call_command("totp", file=demo.file)


def test_every_credential_is_whole_and_every_mapping_can_be_read(demo):
    demo.load()
    for connection in Connection.unscoped.select_related("credential"):
        credential = open_credential(connection, find_connector_app(connection.connector_key))
        assert connection.connector.find_credential_problem(credential) == ""
    for version in MappingVersion.unscoped.all():
        assert compile_mapping(version.body)


def test_addresses_follow_the_port_and_secrets_stay(demo):
    before = demo.load()
    after = demo.load(THERE)
    assert after == before | {"sandbox": THERE}
    assert ConnectorApp.objects.get(connector_key="slack").urls["api"] == f"{THERE}/slack/api"
    assert (
        Connection.unscoped.get(pk=get_connection(before, "splunk").pk).settings["url"]
        == f"{THERE}/splunk/acme"
    )


def test_webhooks_are_registered_under_the_new_port(demo, settings):
    """A local installation at another port is no copy beside the original."""
    demo.load()
    WebhookAddress.objects.create(id=WebhookAddress.ONLY_ROW, public_url=HERE, changed_at=clock())
    settings.HUB_PUBLIC_URL = "http://127.0.0.1:8010"
    assert find_former_url() == HERE
    demo.load()
    assert find_former_url() == ""


def test_an_address_that_staff_set_stays(demo):
    told = demo.load()
    theirs = {"url": "https://splunk.acme.example:8088"}
    Connection.unscoped.filter(pk=get_connection(told, "splunk").pk).update(settings=theirs)
    demo.load(THERE)
    assert get_connection(told, "splunk").settings == theirs


def test_an_emptied_sandbox_learns_todays_tokens(demo):
    demo.load()
    before = demo.world.read_text()
    demo.world.unlink()
    demo.load()
    assert demo.world.read_text() == before


def test_it_is_for_a_desk_only(demo, settings):
    settings.HUB_EGRESS_ALLOW = []
    with pytest.raises(CommandError, match="for a local installation"):
        demo.load()
    assert not Tenant.objects.exists()


def get_connection(told, system):
    return Connection.unscoped.get(public_id=told["tenants"][0]["connections"][system])

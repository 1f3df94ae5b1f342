"""Rows whose sealed fields hold a marked secret, and a search for it in all its spellings."""

import base64
import json
import time
from contextlib import suppress
from datetime import timedelta

from allauth.mfa.adapter import get_adapter
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY, TOTP
from django.test import Client

from connectors.http import Response
from connectors.registry import CONNECTORS
from hub import mail
from hub.audit import Actor, ActorContext
from hub.connections.actions import connection_actions
from hub.connections.actions.disconnection import disconnect_account
from hub.connections.actions.kill_switches import switch_off
from hub.connections.actions.queued_tests import queue_connection_test
from hub.connections.connecting.oauth.callback import receive_callback
from hub.connections.connecting.oauth.session import (
    AuthorizationRefused,
    BrowserIdentity,
    digest_browser_value,
)
from hub.connections.credentials.refresh import refresh_access_token
from hub.connections.credentials.revocation_schedule import schedule_revocation
from hub.connections.credentials.revoke import attempt_revocation
from hub.connections.models import Authorization, Connection, Credential, KillSwitch, Revocation
from hub.connections.views.oauth_begin import BROWSER_SESSION_KEY
from hub.crypto.redaction import secret_forms
from hub.crypto.sealed import seal
from hub.db.clock import clock
from hub.notices.notify import create_notice
from tests.fakes import FakeHttp
from tests.hub.outgoing.operating import planned
from tests.hub.outgoing.pump.test_loop import pump

MARK = "ZQCANARYZQ"
TEXT = MARK * 3 + "ZQ"  # 32 characters that are base32 too, as a TOTP secret is
WHSEC = "whsec_" + base64.b64encode(TEXT.encode()).decode()
SHAPES = {
    "signing_secret": WHSEC,
    "headers": json.dumps({"Authorization": f"Bearer {TEXT}", "X-Own": TEXT}),
}
NOWHERE = "https://127.0.0.1"  # the address guard refuses it, so nothing is sent
TRACES = {*secret_forms(MARK), MARK.encode().hex()}
HOUR = timedelta(hours=1)
HAND = ActorContext(Actor("user", "1", "ann@example.com"), is_unrestricted=True)
HERE = "a browser"


def find_secret(text):
    """Return each place of the text where the secret stands, in whatever way it is written."""
    traces = (
        [MARK.lower()]
        if MARK.lower() in text.lower()
        else [trace for trace in TRACES if trace in text]
    )
    places = [text.lower().find(trace.lower()) for trace in traces]
    return [text[max(0, place - 60) : place + 60] for place in places]


def echo(status):
    """A system that repeats all that it was sent."""

    def answer(request):
        sent = [request.url, request.all_headers(), request.content().decode("utf-8", "replace")]
        return Response(
            status, json.dumps({"error": str(sent), "sent": sent}).encode(), {"x-echo": str(sent)}
        )

    return answer


def raise_error(request):
    raise RuntimeError("a call that fails")


def build_secrets(connector):
    """Every secret that a connector keeps, as it states them."""
    told = {
        field.key: SHAPES.get(field.key, TEXT)
        for field in CONNECTORS[connector].fields
        if field.secret
    }
    return told | list_old_secrets(CONNECTORS[connector].fields)


def list_old_secrets(fields):
    """Return replaced signing secrets that are still valid, where there is one among the fields."""
    old = [{"secret": WHSEC, "until": (clock() + HOUR).isoformat()}]
    return {"old_signing_secrets": old} if any(f.key == "signing_secret" for f in fields) else {}


class CanaryRows:
    """One tenant with a connection to every system, our registration at each, people, and work that
    went wrong.
    """

    def __init__(self, make):
        self.make, self.now = make, clock()
        self.tenant = make.tenant("acme")
        self.owner = self.member("owner@acme.test")
        self.staff = self.member("staff@hub.test", is_staff=True, is_superuser=True)
        make.membership(self.tenant, make.user(), "member")
        make.invitation(self.tenant)
        self.connections = [self.connect(connector) for connector in CONNECTORS]
        for person in (self.owner, self.staff):
            self.second_factor(person)

    def member(self, email, **fields):
        return self.make.membership(self.tenant, self.make.user(email, **fields), "owner").user

    def second_factor(self, person):
        TOTP.activate(person, TEXT)
        codes = RecoveryCodes.activate(person).instance
        codes.data["seed"] = get_adapter().encrypt(TEXT)
        codes.save()

    def connect(self, connector):
        code = CONNECTORS[connector]
        data = {
            field.key: SHAPES.get(field.key, TEXT) if field.secret else "public"
            for field in code.app_fields
        } | list_old_secrets(code.app_fields)
        self.make.app(connector, data, urls=dict.fromkeys(code.urls, NOWHERE), hosts=[NOWHERE])
        settings = {field.key: NOWHERE for field in code.fields if field.kind == "url"}
        tenant = None if code.is_for_platform else self.tenant
        return self.make.connection(
            tenant, connector, secret=build_secrets(connector), settings=settings
        )

    # --- what went on here ---

    def live(self):
        """Everything that opens a secret is done, and the other system repeats what it was told."""
        for connection in self.connections:
            mine = None if connection.connector.is_for_platform else connection
            for action in connection.connector.actions[:1]:  # one that only receives has none
                self.make.route(
                    mine, connector=connection.connector_key, action=action.key, tenant=self.tenant
                )
        self.make.event(self.tenant, now=self.now)
        for hours, status in enumerate((500, 401, 200)):
            pump(FakeHttp(echo(status)), at=self.now + hours * HOUR)
        for connection in self.connections:
            connection.refresh_from_db()
            connection_actions.perform_connection_test(
                connection, HAND, call=echo(401), now=self.now
            )
            if connection.connector.needs_oauth:
                self.refresh_token(connection, echo(400))
            self.authorize(connection, echo(400))
        queue_connection_test(self.connections[-1], HAND, now=self.now)
        for row in self.create_revocations():
            attempt_revocation(row, call=echo(500), clock=lambda: self.now)
        self.receive_webhook()
        self.create_integrations()
        self.create_discrepancy()
        self.create_other_rows()
        self.browser(Client(), self.owner)

    def receive_webhook(self):
        """A webhook was received, with a credential for a reply, and it is registered there."""
        (connection,) = [one for one in self.connections if one.connector_key == "pipedrive"]
        endpoint = self.make.inbound_endpoint(connection)
        document = endpoint.open()
        endpoint.seal({**document, "secrets": [{"secret": TEXT, "until": None}]})
        endpoint.check_progress = endpoint.seal_check_progress({"registrations": [TEXT]})
        endpoint.save()
        message = self.make.inbound_message(connection, body=b'{"number": 7}', now=self.now)
        message.seal({"response_url": TEXT})
        message.save()
        self.make.inbound_item(connection, message=message, now=self.now)
        self.make.webhook_subscription(connection)
        self.make.gap(self.make.source(connection), now=self.now)

    def create_integrations(self):
        """Two integrations are on, one of them with an older version of its recipe."""
        slack = self.tenant.routes.get(connector_key="slack")
        self.make.integration(self.tenant, route=slack)
        self.make.integration(self.tenant, route=slack, recipe_version=0)

    def create_discrepancy(self):
        """A reconciliation has run, and found a difference."""
        (connection,) = [one for one in self.connections if one.connector_key == "salesforce"]
        job = self.make.job(self.tenant)
        self.make.drift_finding(connection)
        self.make.discrepancy(connection, job=job, run=self.make.finished_run(job), now=self.now)

    def refresh_token(self, connection, call):
        Credential.unscoped.filter(pk=connection.pk).update(
            refresh_due_at=self.now, refresh_lease_until=None
        )
        refresh_access_token(
            connection, call=call, now=self.now, random=lambda: 0.5, sleep=time.sleep
        )

    def authorize(self, connection, call):
        """A person who comes back from there, one who has not yet, and one who is asked whether
        that was meant.
        """
        code = connection.connector
        if not code.needs_oauth:
            return
        self.authorization(code.key, "begun")
        self.authorization(code.key, "granted", account=connection.account, account_name="theirs")
        back = self.authorization(code.key, "begun")
        data = {"state": [f"state {back.pk}"], "code": ["a code"]}
        Authorization.unscoped.filter(pk=back.pk).update(
            digest=digest_browser_value(f"state {back.pk}")
        )
        with suppress(AuthorizationRefused):
            receive_callback(
                data,
                connector=code,
                identity=BrowserIdentity(HERE, self.owner),
                redirect_uri=NOWHERE,
                call=call,
                now=self.now,
            )

    def authorization(self, connector, state, **fields):
        row = Authorization(
            tenant=self.tenant,
            connector_key=connector,
            name=connector,
            user=self.owner,
            browser=digest_browser_value(HERE),
            redirect_uri=NOWHERE,
            return_to="/",
            state=state,
            created_at=self.now,
            expires_at=self.now + HOUR,
            **fields,
        )
        row.digest = digest_browser_value(str(row.public_id))
        data = {
            "secret": build_secrets(connector),
            "settings": {},
            "expires_in": None,
            "at": self.now.isoformat(),
        }
        row.sealed = seal({"verifier": TEXT} if state == "begun" else data, row.binding)
        row.save()
        return row

    def create_revocations(self):
        for connector in CONNECTORS:
            schedule_revocation(
                self.tenant,
                connector,
                build_secrets(connector),
                settings={},
                account="gone",
                now=self.now,
            )
        return list(Revocation.unscoped.all())

    def create_other_rows(self):
        """Rows of every other kind that a page may show."""
        connection = Connection.unscoped.filter(tenant=self.tenant).first()
        self.make.identity(connection, "user", "7", "U7")
        gone = self.make.connection(
            self.tenant, "pipedrive", account="undoable", secret=build_secrets("pipedrive")
        )
        disconnect_account(gone, ActorContext.system(), can_be_undone=True, now=self.now)
        self.make.maintenance(connection)
        self.make.api_key(self.tenant)
        self.make.connect_link(self.tenant)
        self.make.saved_view(self.tenant)
        planned("send_again", self.tenant, now=self.now)
        switch_off(
            KillSwitch(scope="tenant", tenant=self.tenant, reason="why"),
            ActorContext.system(),
            now=self.now,
        )
        mail.queue_mail(self.owner.email, "mail/invitation.txt", {"url": TEXT}, now=self.now)
        create_notice(
            "disabled",
            "disabled_by_endpoint",
            {"connection": "it"},
            occurrence="7",
            now=self.now,
            tenant_id=self.tenant.pk,
        )

    # --- who looks ---

    def browser(self, client, person):
        """Of somebody who has begun to connect here, and to set up a second factor."""
        client.force_login(person)
        session = client.session
        session[BROWSER_SESSION_KEY] = HERE
        session[SECRET_SESSION_KEY] = TEXT
        session.save()
        return client

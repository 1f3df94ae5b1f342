"""Salesforce: records of one organisation, written and read."""

import re
from collections.abc import Mapping
from datetime import datetime

from connectors.base import Account, Connector, Credential, Field, Grant
from connectors.hosts import allowed_origin
from connectors.outcomes import Outcome, or_unreadable, reconnect, refresh
from connectors.salesforce.errors import ORG, TOKEN, refusal, token_refusal
from connectors.salesforce.records import Create, Update, Upsert, base
from connectors.salesforce.soql import Records
from connectors.wire import Budget, InFlight, Rate, Report, Request, Response

USAGE = re.compile(r"(?:^|[;\s])api-usage=([0-9]{1,12})/([0-9]{1,12})", re.ASCII)
ORG_ID = 15  # the characters of an id that tell; the other three are a checksum


class Salesforce(Connector):
    key = "salesforce"
    label = "Salesforce"
    summary = "Leads, contacts and every other record of an organisation."
    fields = (
        Field("access_token", "Access token", "00D…!…, a session of the organisation.", secret=True),
        Field("refresh_token", "Refresh token", "5Aep…, renews the session.", secret=True, required=False),
        Field("instance_url", "Instance URL", "Such as https://acme.my.salesforce.com.", kind="url", required=False),
    )
    app_fields = (
        Field("client_id", "Consumer key", "From the external client app's settings."),
        Field("client_secret", "Consumer secret", "From the external client app's settings.", secret=True),
    )
    urls = {"login": "https://login.salesforce.com", "token": "https://login.salesforce.com/services/oauth2/token"}
    hosts = ("*.salesforce.com", "*.force.com", "*.cloudforce.com", "*.salesforce.mil")
    actions = (Create(), Update(), Upsert())
    collections = (Records(),)
    quotas = {
        "account": Budget(100_000, 86_400.0),  # rolling, of the whole organisation; Sforce-Limit-Info corrects it
        "account:queries": InFlight(5),  # of calls of 20 s and more: the least that an organisation has
        "app:token": Rate(300, 60.0),  # a courtesy: nothing is documented
    }
    refreshes = True

    def check(self, credential: Credential) -> str:
        if not credential.access:
            return "missing: Access token"
        url = credential.settings.get("instance_url")
        return "" if not url or self.origin(url, credential) else "the instance URL is not one of Salesforce's"

    def probe(self, credential: Credential, *, at: datetime) -> Request:
        """Who are we there: userinfo names the organisation (limits would not)."""
        url = f"{base(credential)}/services/oauth2/userinfo"
        return Request("GET", url, bearer=credential.access, spends=((ORG, 1),))

    @or_unreadable
    def probed(self, response: Response, credential: Credential) -> Account | Outcome:
        if response.status == 403 and "Bad_OAuth_Token" in response.text():  # plain text, unlike the REST API
            return refresh("bad_oauth_token", response.text())
        if wrong := refusal(response):
            return wrong
        answer = response.json()
        return Account(id=str(answer["organization_id"]), name=str(answer.get("preferred_username") or ""))

    def refresh(self, app: Mapping[str, str], credential: Credential) -> Request:
        return Request(
            "POST",
            credential.urls["token"],
            form={
                "grant_type": "refresh_token",
                "refresh_token": str(credential.secret.get("refresh_token", "")),
                "client_id": app["client_id"],
                "client_secret": app["client_secret"],
            },
            spends=((TOKEN, 1),),
        )

    @or_unreadable
    def refreshed(self, response: Response, credential: Credential) -> Grant | Outcome:
        """Salesforce tells no life, and a new refresh token only where the app rotates them."""
        if wrong := token_refusal(response):
            return wrong
        answer = response.json()
        organisation = str(answer["id"]).rstrip("/").split("/")[-2]
        if credential.account and credential.account[:ORG_ID] != organisation[:ORG_ID]:
            return reconnect("other_account", "the answer is of another organisation")
        renewed = {key: str(answer[key]) for key in ("access_token", "refresh_token") if answer.get(key)}
        if "access_token" not in renewed:
            return reconnect("no_access_token", "the answer holds no access token")
        # An instance elsewhere is not followed; the tokens are kept, as the old refresh token may have ended.
        instance = self.origin(answer.get("instance_url"), credential)
        return Grant({**credential.secret, **renewed}, settings={"instance_url": instance} if instance else {})

    def origin(self, url: object, credential: Credential) -> str:
        return allowed_origin(url, credential.hosts or self.hosts)

    def reported(self, response: Response) -> tuple[Report, ...]:
        """`Sforce-Limit-Info: api-usage=12/15000`, on every answer of the REST API."""
        told = USAGE.search(response.headers.get("sforce-limit-info", ""))
        return (Report(ORG, used=int(told[1]), limit=int(told[2])),) if told else ()

"""OAuth methods of Slack: consent, codes and refresh tokens, revocation, uninstalling."""

from random import Random
from typing import Any

from sandbox.oauth.authorization_codes import AuthorizationCodes
from sandbox.oauth.consent import Choice, ConsentPage, ConsentRequest
from sandbox.slack.accounts import TEAMS, Team
from sandbox.slack.messages import Refused
from sandbox.slack.oauth.scopes import invalid_scopes
from sandbox.slack.oauth.tokens import GONE, REVOKED, Holder, Tokens
from sandbox.slack.web_api.arguments import arguments, token
from sandbox.storage.account_store import AccountStore
from sandbox.system import ApiRequest

LIFE = 600  # seconds of a code
DENIED = {"error": "access_denied"}


class Login:
    def __init__(self, store: AccountStore, tokens: Tokens, random: Random):
        self._store = store
        self._tokens = tokens
        self.codes = AuthorizationCodes(random, lifetime=LIFE)

    def place(self) -> ConsentPage:
        return ConsentPage(
            system="slack",
            name="Slack",
            path="/slack/oauth/v2/authorize",
            denied=DENIED,
            choices=self._choices,
            redirects=self._redirects,
            wrong=find_consent_problem,
        )

    def account(self, call: ApiRequest) -> str:
        """Whose code or refresh token is sent."""
        fields = arguments(call)
        grant = self.codes.find(str(fields.get("code")))
        owner = self._tokens.owner(str(fields.get("refresh_token")))
        return grant.account if grant else owner.team.team if owner else ""

    def exchange_code(self, call: ApiRequest) -> dict[str, Any]:
        fields = arguments(call)
        client = self._checked_client(call, fields)
        kinds = {"refresh_token": self._refresh_token, "authorization_code": self._redeem_code}
        if (kind := fields.get("grant_type", "authorization_code")) not in kinds:
            raise Refused("invalid_grant_type")
        if "code_verifier" in fields:
            raise Refused("pkce_not_allowed")
        return kinds[kind](fields, client, call.at)

    def revoked(self, call: ApiRequest, fields: dict[str, Any]) -> bool:
        if fields.get("test") in ("1", 1, True, "true"):
            return False
        self._tokens.revoke(token(call), call.at)
        return True

    def uninstalled(self, call: ApiRequest, fields: dict[str, Any], team: Team) -> None:
        if self._checked_client(call, fields) != team.client_id:
            raise Refused("client_id_token_mismatch")
        self._tokens.end(team, self._tokens.users(team), GONE)

    def ended(self, account: str, do: str, kind: str, at: float) -> None:
        """By the control. Raises ValueError with a sentence."""
        if account not in self._store[TEAMS]:
            raise ValueError("account is the id of a workspace of this world")
        if kind not in ("", "bot", "user"):
            raise ValueError("kind is bot or user")
        team = self._store[TEAMS][account]
        users = [
            user
            for user in self._tokens.users(team)
            if kind == "" or bool(user) == (kind == "user")
        ]
        if do == "expire":
            self._tokens.expire(team, users, at)
        else:
            self._tokens.end(team, users, REVOKED if do == "revoke" else GONE)

    def _checked_client(self, call: ApiRequest, fields: dict[str, Any]) -> str:
        client, secret = client_of(call, fields)
        apps = {
            team.client_id: team.client_secret
            for team in self._store[TEAMS].values()
            if team.client_id
        }
        if client not in apps:
            raise Refused("invalid_client_id")
        if secret != apps[client]:
            raise Refused("bad_client_secret")
        return client

    def _refresh_token(self, fields: dict[str, Any], client: str, at: float) -> dict[str, Any]:
        holder = self._tokens.refresh(str(fields.get("refresh_token")), client, at)
        if holder is None:
            raise Refused("invalid_refresh_token")
        tokens = self._tokens.issue(holder, at)
        return {
            **of_app(holder.team),
            **(user_part(holder, tokens) if holder.user else bot_part(holder, tokens)),
        }

    def _redeem_code(self, fields: dict[str, Any], client: str, at: float) -> dict[str, Any]:
        grant = self.codes.redeem(str(fields.get("code")), client=client, at=at)
        team = self._store[TEAMS].get(grant.account) if grant else None
        if grant is None or team is None:
            raise Refused("invalid_code")
        if grant.redirect_uri != fields.get("redirect_uri", ""):
            raise Refused("bad_redirect_uri")
        answer = of_app(team) | {"authed_user": {"id": team.owner}}
        if grant.scopes or not grant.user_scopes:
            bot = self._tokens.grant(self._tokens.of(team), grant.scopes)
            answer |= bot_part(bot, self._tokens.issue(bot, at))
        if grant.user_scopes:
            user = self._tokens.grant(self._tokens.of(team, team.owner), grant.user_scopes)
            answer["authed_user"] |= user_part(user, self._tokens.issue(user, at))
        return answer

    def _choices(self, consent_request: ConsentRequest) -> list[Choice]:
        teams = [
            team
            for team in self._store[TEAMS].values()
            if team.client_id == consent_request.client and not team.revoked
        ]
        hint = consent_request.query.get("team")
        return [
            choice(team)
            for team in sorted(teams, key=lambda team: hint not in (team.team, team.domain))
        ]

    def _redirects(self, client: str) -> list[str]:
        return [
            url
            for team in self._store[TEAMS].values()
            if team.client_id == client
            for url in team.redirect_urls
        ]


def find_consent_problem(consent_request: ConsentRequest) -> str | None:
    invalid = invalid_scopes(consent_request.scopes(), consent_request.scopes("user_scope"))
    return f"Invalid permissions requested: {', '.join(invalid)}" if invalid else None


def choice(team: Team) -> Choice:
    if team.approval == "refused":
        return Choice(team.team, team.title, answer=DENIED)
    if team.approval == "needed":
        text = (
            f"The admins of {team.title} decide which apps may be used there. They were asked "
            f"for this one."
        )
        return Choice(
            team.team, team.title, "Request to install in", message=("Your request was sent", text)
        )
    return Choice(team.team, team.title)


def of_app(team: Team) -> dict[str, Any]:
    return {
        "app_id": team.app_id,
        "team": {"name": team.title, "id": team.team},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def bot_part(holder: Holder, tokens: dict[str, Any]) -> dict[str, Any]:
    return {
        **tokens,
        "token_type": "bot",
        "scope": holder.team.scopes,
        "bot_user_id": holder.team.bot_user,
    }


def user_part(holder: Holder, tokens: dict[str, Any]) -> dict[str, Any]:
    return {**tokens, "token_type": "user", "scope": holder.team.scopes}


def client_of(call: ApiRequest, fields: dict[str, Any]) -> tuple[str, str]:
    client, secret = call.basic()
    return client or str(fields.get("client_id", "")), secret or str(
        fields.get("client_secret", "")
    )

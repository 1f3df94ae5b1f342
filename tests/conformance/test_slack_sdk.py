"""slack_sdk installs our application and rotates its tokens, with only the addresses changed."""

from slack_sdk import WebClient
from slack_sdk.oauth import AuthorizeUrlGenerator
from slack_sdk.oauth.installation_store import Installation
from slack_sdk.oauth.token_rotation import TokenRotator

from tests.sandbox.oauth_requests import BACK, SLACK_APP, parse_callback

TEAM = "T000GLOBEX"  # its app rotates tokens
TWO_HOURS = 120  # minutes: the sdk refreshes that long before the end


def client(desk, token=None):
    return WebClient(token=token, base_url=f"{desk.url}/slack/api/")


def install(desk):
    """What the sdk keeps of a person's consent to scopes of the bot and of their own."""
    generator = AuthorizeUrlGenerator(
        client_id=SLACK_APP["client_id"],
        scopes=["chat:write", "channels:read"],
        user_scopes=["chat:write"],
        redirect_uri=BACK,
        authorization_url=f"{desk.url}/slack/oauth/v2/authorize",
    )
    url = generator.generate("s1").removeprefix(desk.url)
    came = parse_callback(desk.post(url, data={"account": TEAM}, allow_redirects=False))
    assert came["state"] == "s1"
    granted = client(desk).oauth_v2_access(**SLACK_APP, code=came["code"], redirect_uri=BACK)
    person = granted["authed_user"]
    return Installation(
        app_id=granted["app_id"],
        team_id=granted["team"]["id"],
        bot_token=granted["access_token"],
        bot_id=client(desk, granted["access_token"]).auth_test()["bot_id"],
        bot_user_id=granted["bot_user_id"],
        bot_refresh_token=granted["refresh_token"],
        bot_token_expires_in=granted["expires_in"],
        user_id=person["id"],
        user_token=person["access_token"],
        user_refresh_token=person["refresh_token"],
        user_token_expires_in=person["expires_in"],
    )


def test_bot_and_user_tokens_are_rotated_each_by_its_own_refresh_token(desk):
    installed = install(desk)
    rotator = TokenRotator(**SLACK_APP, client=client(desk))
    much = TWO_HOURS + 12 * 60  # as if twelve hours had gone by
    rotated = rotator.perform_token_rotation(installation=installed, minutes_before_expiration=much)
    assert rotated.bot_refresh_token != installed.bot_refresh_token
    assert rotated.user_refresh_token != installed.user_refresh_token
    for token in (rotated.bot_token, rotated.user_token):
        assert client(desk, token).auth_test()["team_id"] == TEAM
    assert "bot_id" not in client(desk, rotated.user_token).auth_test().data


def test_nothing_is_rotated_before_its_time(desk):
    rotator = TokenRotator(**SLACK_APP, client=client(desk))
    assert rotator.perform_token_rotation(installation=install(desk)) is None

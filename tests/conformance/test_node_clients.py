"""The providers' own clients for Node drive the sandbox with only its addresses changed.

@slack/web-api, @slack/oauth, Bolt, jsforce, pipedrive, svix and standardwebhooks, as package.json
pins them; what they do stands in the files beside this one. Without Node 20 these are skipped.
"""

import time
from datetime import UTC, datetime

import pytest

from connectors.registry import CONNECTORS
from tests.conformance.node import cases_of
from tests.connectors.recorded import WHSEC, credential, message

pytestmark = [
    pytest.mark.desk,
    pytest.mark.timeout(240),  # the first run installs
    pytest.mark.xdist_group("node"),
]

CASES = {
    "slack_clients": (
        "postsAndChangesMessages",
        "readsListsToTheirEnd",
        "isToldToWait",
        "installsAndRefreshes",
        "answersAMessageByBolt",
    ),
    "salesforce_clients": (
        "writesAndReadsRecords",
        "hearsOfEachRecordOfACollection",
        "isToldWhatIsWrong",
        "describesAndCounts",
        "signsInAndRefreshes",
    ),
    "pipedrive_clients": (
        "writesAndReadsDeals",
        "readsPagesByTheirCursor",
        "writesLeadsAndNotes",
        "installsRefreshesAndUninstalls",
    ),
}
EACH = [(file, name) for file, names in CASES.items() for name in names]


@pytest.fixture(scope="module")
def running():
    """The processes of this module by their file, begun where one is needed first."""
    entered = {}
    yield lambda file: entered.setdefault(file, ClosingCases(file)).cases
    for each in entered.values():
        each.close()


class ClosingCases:
    def __init__(self, file):
        self._context = cases_of(file)
        self.cases = self._context.__enter__()

    def close(self):
        self._context.__exit__(None, None, None)


@pytest.mark.parametrize(("file", "name"), EACH, ids=[name for _, name in EACH])
def test_a_client_finds_what_it_expects(desk, running, file, name):
    running(file).assert_passes(name, base=desk.url)


def test_webhook_verifiers_accept_what_our_connector_signs_and_nothing_else(running):
    connector = CONNECTORS["webhook"]
    key = credential("webhook")
    action = connector.actions[0]
    now = datetime.fromtimestamp(time.time(), UTC)
    request = action.request([message({"number": 1001}, at=now)], key)
    body = request.content().decode()
    running("webhook_clients").assert_passes(
        "verifyWhatOurConnectorSigns", body=body, headers=request.all_headers(), secret=WHSEC
    )


def test_the_sandbox_accepts_what_webhook_signers_sign_and_nothing_else(desk, running):
    desk.now = time.time()
    desk.world(webhook=[{"endpoint": "acme", "strict": True}])
    running("webhook_clients").assert_passes(
        "signWhatTheSandboxVerifies", base=desk.url, at=int(desk.now)
    )

"""Commands of the docs, run as written in a local installation with its own ports and `.venv`."""

import re
import subprocess
import sys

import pytest

from tests.desk.installation import READY, ROOT, Installation, shell

pytestmark = [pytest.mark.desk, pytest.mark.timeout(300)]

PAGES = ["README.md", "docs/operators.md", "docs/partners.md"]
SNIPPET = re.compile(r"<!-- run: ([\w -]+) -->\n```sh\n(.*?)```", re.S)
WITH_VALUES = {"secrets", "curl", "shell"}  # tests/journeys/test_docs.py gives them values


@pytest.fixture(scope="module")
def running_hub(tmp_path_factory):
    installation = Installation(tmp_path_factory.mktemp("docs"))
    installation.start(HUB_DEMO="1").says(READY)
    (installation.folder / ".curlrc").write_text("fail-with-body\n")
    yield installation
    installation.end()


def snippets(*pages):
    return [
        pytest.param(text, id=name)
        for page in pages
        for name, text in SNIPPET.findall((ROOT / page).read_text())
        if name not in WITH_VALUES
    ]


def run(script, *, folder, **variables):
    """Run a script with sh; raise CalledProcessError where one of its commands fails."""
    script = re.sub(r"\.venv/bin/", f"{sys.prefix}/bin/", script)
    return subprocess.run(
        ["sh", "-euc", script],
        cwd=folder,
        env=shell() | {"HUB_VENV": sys.prefix, "no_proxy": "*"} | variables,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.parametrize("script", snippets(*PAGES))
def test_a_command_for_a_running_hub_succeeds(running_hub, script):
    script = script.replace(":8000", f":{running_hub.port}")
    script = script.replace(":8100", f":{running_hub.sandbox_port}")
    run(script, folder=running_hub.folder, CURL_HOME=str(running_hub.folder))

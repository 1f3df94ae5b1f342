"""Commands of the docs, run as written in a local installation with its own ports and `.venv`."""

import re
import shutil
import subprocess
import sys

import pytest
import requests

from tests.desk.installation import ROOT, shell

pytestmark = [pytest.mark.desk, pytest.mark.timeout(300), pytest.mark.xdist_group("docs")]

GUIDES = [str(page.relative_to(ROOT)) for page in sorted((ROOT / "docs/api").glob("*.md"))]
PAGES = ["README.md", "docs/operators.md", "docs/partners.md", *GUIDES]
SNIPPET = re.compile(r"<!-- run: ([\w -]+) -->\n```(\w+)\n(.*?)```", re.S)
FIRST_EVENT = "first event"
WITH_VALUES = {"secrets", "curl", "shell"}  # tests/journeys/test_docs.py gives them values
DEMO = "demo"  # tests/desk/test_demo.py runs it, and reads what it shows


def snippets(language, *pages):
    return [
        pytest.param(text, id=name)
        for page in pages
        for name, written_in, text in SNIPPET.findall((ROOT / page).read_text())
        if written_in == language and name not in WITH_VALUES
    ]


def addressed(script, running_hub):
    """The script with the ports of this installation."""
    script = script.replace(":8000", f":{running_hub.port}")
    return script.replace(":8100", f":{running_hub.sandbox_port}")


def run(script, *, folder, **variables):
    """Run a script with sh; every command of it succeeds."""
    script = re.sub(r"\.venv/bin/", f"{sys.prefix}/bin/", script)
    ran = subprocess.run(
        ["sh", "-euxc", script],
        cwd=folder,
        env=shell() | {"HUB_VENV": sys.prefix, "no_proxy": "*"} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def first_event(running_hub):
    """The event that the quick start sends, and follows in a later step."""
    (script,) = (entry.values[0] for entry in snippets("sh", *GUIDES) if entry.id == FIRST_EVENT)
    folder = running_hub.folder
    run(addressed(script, running_hub), folder=folder, CURL_HOME=str(folder))


@pytest.fixture
def no_faults_afterwards(running_hub):
    """A command that orders faults of the sandbox leaves none for the next one."""
    yield
    answer = requests.post(
        f"http://127.0.0.1:{running_hub.sandbox_port}/_control/reset", timeout=10
    )
    answer.raise_for_status()


@pytest.mark.usefixtures("first_event", "no_faults_afterwards")
@pytest.mark.parametrize("script", [entry for entry in snippets("sh", *PAGES) if entry.id != DEMO])
def test_a_command_for_a_running_hub_succeeds(running_hub, script):
    script = addressed(script, running_hub)
    run(script, folder=running_hub.folder, CURL_HOME=str(running_hub.folder))


@pytest.mark.parametrize("script", snippets("python", *GUIDES))
def test_a_program_in_python_shows_what_became_of_its_event(running_hub, script):
    assert run_program([sys.executable, "-c", addressed(script, running_hub)], running_hub)


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
@pytest.mark.parametrize("script", snippets("js", *GUIDES))
def test_a_program_in_javascript_shows_what_became_of_its_event(running_hub, script):
    assert run_program(["node", "-e", addressed(script, running_hub)], running_hub)


def run_program(command, running_hub):
    """Return its output, with at least one delivery of a state."""
    output = subprocess.run(
        command,
        cwd=running_hub.folder,
        env=shell() | {"no_proxy": "*"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert "Slack" in output
    return output

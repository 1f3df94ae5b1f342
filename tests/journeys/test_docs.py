"""The docs against the code: examples run, and tables list what exists."""

import ast
import base64
import json
import os
import re
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from connectors.signatures import sign_standard_webhook
from hub.outgoing.attempt_schedule import DEFAULT_SCHEDULE
from hub.outgoing.models import Delivery
from tests.factories import WHSEC
from tests.journeys.docs import (
    DOCS,
    ROOT,
    documented_settings,
    find_snippet,
    read_settings,
    refresh_blocks,
)

PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
BODY = '{"type":"order.created","data":{"number":"A-1","customer":"Zoë"}}'.encode()
NODE = """
const [secret, headers, body] = JSON.parse(require("node:fs").readFileSync(0));
console.log(verified(secret, headers, Buffer.from(body, "base64")));
"""


def page_name(page):
    return str(page.relative_to(ROOT))


def signed(seconds_ago=0):
    at = datetime.fromtimestamp(time.time() - seconds_ago, UTC)
    return sign_standard_webhook([WHSEC], id="msg_1", at=at, body=BODY)


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_link_has_a_target(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_blocks_made_of_the_code_are_up_to_date(page):
    assert page.read_text() == refresh_blocks(page.read_text()), "run python -m tests.journeys.docs"


def test_the_table_of_settings_has_all_of_them_and_no_other():
    assert documented_settings().keys() == read_settings().keys()


def test_the_table_of_settings_has_the_defaults():
    plain = {
        name: ast.literal_eval(node) for name, node in read_settings().items() if is_literal(node)
    }
    documented = {
        name: default.strip("`") for name, default in documented_settings().items() if name in plain
    }
    required = {"HUB_SECRET_KEY", "HUB_FIELD_KEYS"}
    assert {documented.pop(name) for name in required} == {"required"}
    assert documented == {
        name: format_default(value) for name, value in plain.items() if name not in required
    }


def test_every_setting_of_scripts_and_sandbox_is_documented():
    sources = [
        *ROOT.glob("script/*"),
        ROOT / "sandbox/__main__.py",
        ROOT / "hub/management/commands/load_demo.py",
    ]
    read = {
        name
        for file in sources
        if file.is_file()
        for name in re.findall(r'"(HUB_[A-Z_]+[A-Z])"', file.read_text())
    }
    assert [
        name for name in sorted(read) if f"`{name}`" not in (DOCS / "operators.md").read_text()
    ] == []


def test_every_metric_is_documented():
    names = re.findall(r'"(hub_[a-z_]+)"', (ROOT / "hub/health/metrics.py").read_text())
    assert [name for name in names if f"`{name}" not in (DOCS / "operators.md").read_text()] == []


def test_the_partners_page_lists_every_state_and_the_whole_schedule():
    text = (DOCS / "partners.md").read_text()
    assert [state for state in Delivery.State.values if f"| `{state}` |" not in text] == []
    *most, last = map(format_wait, DEFAULT_SCHEDULE)
    assert f"after {', '.join(most)} and {last}" in text


@pytest.mark.parametrize(
    ("seconds_ago", "changes", "body", "good"),
    [
        pytest.param(0, {}, BODY, True, id="as sent"),
        pytest.param(0, {}, BODY + b" ", False, id="altered"),
        pytest.param(600, {}, BODY, False, id="stale"),
        pytest.param(0, {"webhook-id": "msg_2"}, BODY, False, id="under another id"),
    ],
)
def test_the_python_snippet_accepts_only_what_the_hub_signed(seconds_ago, changes, body, good):
    space = {}
    exec(find_snippet("docs/partners.md", "python"), space)
    assert space["verified"](WHSEC, signed(seconds_ago) | changes, body) is good


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_the_node_snippet_agrees():
    node = shutil.which("node")
    assert verify_with_node(node, BODY) == "true" and verify_with_node(node, BODY + b" ") == "false"


def verify_with_node(node, body):
    arguments = json.dumps([WHSEC, signed(), base64.b64encode(body).decode()])
    script = find_snippet("docs/partners.md", "node") + NODE
    return subprocess.run(
        [node, "-e", script], input=arguments, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_the_shell_snippet_prints_the_signature(tmp_path):
    headers = signed()
    (tmp_path / "body.json").write_bytes(BODY)
    variables = {
        "SECRET": WHSEC,
        "ID": headers["webhook-id"],
        "STAMP": headers["webhook-timestamp"],
    }
    output = run_shell(find_snippet("docs/partners.md", "shell"), cwd=tmp_path, **variables)
    assert output.strip() == headers["webhook-signature"]


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize(("secret", "answer"), [(WHSEC, "204"), ("whsec_" + "A" * 44, "401")])
def test_the_curl_snippet_sends_what_the_python_snippet_accepts(tmp_path, secret, answer):
    space = {}
    exec(find_snippet("docs/partners.md", "python"), space)

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(204 if space["verified"](WHSEC, self.headers, body) else 401)
            self.end_headers()

        def log_message(self, *arguments):
            """Log nothing."""

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        output = run_shell(
            find_snippet("docs/partners.md", "curl"),
            cwd=tmp_path,
            SECRET=secret,
            URL=url,
            no_proxy="*",
        )
    assert answer in output.splitlines()[0]


def test_the_secrets_of_the_operators_page_are_accepted():
    lines = dict(
        line.split("=", 1)
        for line in run_shell(find_snippet("docs/operators.md", "secrets"), cwd=ROOT).splitlines()
    )
    environment = os.environ | lines | {"HUB_ENV_FILE": os.devnull}
    program = "import hub.settings; print(hub.settings.SECRET_KEY)"
    read = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    assert read.stdout.decode().strip() == lines["HUB_SECRET_KEY"]


def run_shell(script, *, cwd, **variables):
    return subprocess.run(
        ["sh", "-euc", script],
        cwd=cwd,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def is_literal(node):
    """Whether the default is written down, and not computed."""
    return all(isinstance(child, ast.Constant | ast.List | ast.Load) for child in ast.walk(node))


def format_default(value):
    if isinstance(value, list):
        return ",".join(map(str, value)) or "empty"
    return str(value).lower() if isinstance(value, bool) else str(value) or "empty"


def format_wait(seconds):
    return (
        f"{seconds} s"
        if seconds < 60
        else f"{seconds // 60} min"
        if seconds < 3600
        else f"{seconds // 3600} h"
    )

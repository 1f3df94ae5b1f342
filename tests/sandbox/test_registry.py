"""A new system is one folder: nothing else of the sandbox names it."""

import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

import sandbox
from sandbox.registry import find_systems
from tests.sandbox.test_process import sandbox_environment

ACME = '''
"""A system of one call, which returns the parcel it was given."""

from dataclasses import dataclass

from sandbox.registration import RunningSystem, SystemRegistration
from sandbox.storage.account_store import SystemDefaults
from sandbox.storage.sections import AccountList
from sandbox.system import ApiResponse, System


@dataclass(frozen=True)
class Depot:
    depot: str
    token: str = ""


class Acme(System):
    key = "acme"
    addresses = (("/acme", "/{depot}/parcels"),)

    def __init__(self, store):
        self.store = store
        self.parcels = []

    def account(self, call):
        return call.path.split("/")[1]

    def answer(self, call):
        depot = self.store[DEPOTS].get(self.account(call))
        if depot is None or call.credential("Bearer") != depot.token:
            return ApiResponse(401, self.refusal(401))
        self.parcels.append(call.json())
        return ApiResponse(201, call.json())

    def refusal(self, status):
        return {"acme": status}


def start(environment):
    acme = Acme(environment.store)
    return RunningSystem(acme, (), items=acme.parcels)


DEPOTS = AccountList("acme", Depot, "depot")
SYSTEM = SystemRegistration(
    key="KEY",
    title="Acme parcels",
    nav_label="Acme",
    about="Depots and their parcels.",
    unit="parcels",
    defaults=SystemDefaults(DEPOTS, [{"depot": "north", "token": "t1"}], latency=(0, 0)),
    start=start,
    order_url=lambda account, number: f"/acme/{account}/{number}",
)
'''


@pytest.fixture
def tree(tmp_path):
    """A copy of the sandbox with a folder more."""
    folder = Path(sandbox.__path__[0])
    shutil.copytree(folder, tmp_path / "sandbox", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "sandbox" / "acme").mkdir()
    return tmp_path


@contextmanager
def start_sandbox(tree, source):
    (tree / "sandbox" / "acme" / "__init__.py").write_text(source)
    environment = sandbox_environment(tree / "state") | {"PYTHONPATH": str(tree)}
    command = [sys.executable, "-m", "sandbox"]
    with subprocess.Popen(
        command, cwd=tree, env=environment, stdout=-1, stderr=-1, text=True
    ) as process:
        yield process
        process.terminate()


def test_a_folder_is_a_system_with_card_navigation_accounts_faults_and_ledger(tree):
    with start_sandbox(tree, ACME.replace("KEY", "acme")) as process:
        url = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
        send = lambda: requests.post(  # noqa: E731 - sent three times
            f"{url}/acme/north/parcels",
            json={"weight": 3},
            headers={"Authorization": "Bearer t1"},
            timeout=5,
        )
        assert (send().status_code, send().json()) == (201, {"weight": 3})
        home = requests.get(url, timeout=5).text
        assert "Acme parcels" in home and '<a href="/acme/">Acme</a>' in home
        assert "2 <span>parcels</span>" in home
        fault = {"system": "acme", "account": "north", "status": 503}
        assert requests.post(f"{url}/_control/faults", json=fault, timeout=5).status_code == 201
        assert (send().status_code, send().status_code) == (503, 201)
        lines = requests.get(f"{url}/_control/ledger", timeout=5).text.splitlines()
        assert len(lines) == 4 and all(
            '"system": "acme", "account": "north"' in line for line in lines
        )


def test_accounts_of_a_new_system_are_merged_and_linked_from_an_order(tree):
    with start_sandbox(tree, ACME.replace("KEY", "acme")) as process:
        url = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
        tenant = {"reference": "initech", "acme": "south"}
        world = {"acme": [{"depot": "south", "token": "t2"}], "app": {"tenants": [tenant]}}
        assert requests.post(f"{url}/_control/world", json=world, timeout=5).status_code == 200
        parcels = f"{url}/acme/south/parcels"
        headers = {"Authorization": "Bearer t2"}
        assert requests.post(parcels, json={}, headers=headers, timeout=5).status_code == 201
        order = {"tenant": "initech", "customer": "Ann", "email": "ann@initech.example"}
        lines = {"items": [{"name": "Tea", "quantity": 1, "price": "1"}]}
        number = requests.post(f"{url}/app/api/orders", json=order | lines, timeout=9).json()[
            "number"
        ]
        page = requests.get(f"{url}/app/orders/{number}", timeout=5).text
        assert f'<a href="/acme/south/{number}">Acme parcels</a>' in page


def test_a_key_that_is_not_the_name_of_its_folder_ends_the_start(tree):
    with start_sandbox(tree, ACME.replace("KEY", "parcels")) as process:
        errors = process.communicate(timeout=20)[1]
    assert "sandbox/acme registers the key 'parcels', not 'acme'" in errors


def test_every_system_is_found():
    keys = [system.key for system in find_systems()]
    assert keys == [
        "app",
        "pipedrive",
        "salesforce",
        "slack",
        "splunk",
        "standard_webhooks",
        "webhook",
    ]

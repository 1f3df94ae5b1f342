import pytest
import requests
from simple_salesforce import Salesforce

from tests.sandbox.running_sandbox import RunningSandbox
from tests.sandbox.salesforce_requests import ORG, TOKEN, WithoutTls


@pytest.fixture
def desk(tmp_path):
    with RunningSandbox(tmp_path).running() as running:
        yield running


@pytest.fixture
def org(desk):
    session = requests.Session()
    session.mount("https://", WithoutTls())
    instance = f"{desk.url.removeprefix('http://')}/salesforce/{ORG}"
    with session:
        yield Salesforce(instance=instance, session_id=TOKEN, session=session, version="67.0")

import os
import re
import signal
import smtplib
import subprocess
import sys

import pytest
import requests


def sandbox_environment(state):
    ports = {"HUB_SANDBOX_PORT": "0", "HUB_SANDBOX_SMTP_PORT": "0"}
    return os.environ | ports | {"HUB_SANDBOX_STATE": str(state)}


def start(tmp_path):
    command = [sys.executable, "-m", "sandbox"]
    environment = sandbox_environment(tmp_path)
    return subprocess.Popen(command, env=environment, stdout=-1, stderr=-1, text=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_well(tmp_path, number):
    with start(tmp_path) as process:
        line = process.stdout.readline()
        mail, url = re.findall(r"[a-z]+://127\.0\.0\.1:\d+", line)
        assert requests.get(f"{url}/_control/health", timeout=5).json() == {"ok": True, "seq": 0}
        server = smtplib.SMTP("127.0.0.1", int(mail.rpartition(":")[2]), timeout=5)
        assert server.noop()[0] == 250, "a connection that stays open holds nobody up"
        process.send_signal(number)
        assert process.wait(5) == 0
        server.close()


def test_a_wrong_world_ends_the_start_with_a_sentence(tmp_path):
    (tmp_path / "world.json").write_text('{"slack": [{"name": "no id"}]}')
    with start(tmp_path) as process:
        assert "cannot start: slack: team is required" in process.communicate(timeout=5)[1]

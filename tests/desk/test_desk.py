"""The desk as a person meets it: started, stopped, killed."""

import os
import signal
import socket
import stat

import pytest

from bench.installation.processes import wait_until
from tests.desk.installation import READY, all_end, is_free

pytestmark = [pytest.mark.desk, pytest.mark.timeout(180)]

OF_OTHER_PROJECTS = {
    "DJANGO_SETTINGS_MODULE": "shop.settings",
    "DATABASE_URL": "mysql://shop",
    "PYTHONPATH": "/nowhere",
    "PYTHONOPTIMIZE": "2",
    "GRANIAN_PORT": "1",
    "HUB_ENV_FILE": "/nowhere/hub.env",
}
STOPS = {signal.SIGINT: {}, signal.SIGTERM: OF_OTHER_PROJECTS, signal.SIGHUP: {}}


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_each_start_in_the_background_can_be_stopped_keeps_the_keys_and_leaves_nothing(desk):
    files = set()
    for number, left_in_the_shell in STOPS.items():
        desk.start(**left_in_the_shell).says(READY)
        files.add((desk.folder / "var" / "hub.env").read_bytes())
        desk.stop(number)
        assert desk.process.returncode == 0
        assert desk.pids() == []
        assert is_free(desk.port) and is_free(desk.sandbox_port) and is_free(desk.mail_port)
    assert len(files) == 1


def test_it_can_be_stopped_while_it_prepares(fresh_desk):
    fresh_desk.start().says("The hub")
    fresh_desk.stop()
    assert (fresh_desk.process.returncode, fresh_desk.pids()) == (0, [])


def test_two_fresh_installs_have_different_keys_and_only_the_owner_can_read_them(
    fresh_desk, another_fresh_desk
):
    """They are stopped while they make their databases."""
    files = []
    for fresh in (fresh_desk, another_fresh_desk):
        files.append(fresh.folder / "var" / "hub.env")
        fresh.start()
        wait_until(files[-1].exists, within=60, what="the keys")
        fresh.stop()
    ours, theirs = (set(file.read_text().splitlines()) for file in files)
    shared = {line for line in ours & theirs if not line.startswith("#")}
    assert shared == {"HUB_DEBUG=false", "HUB_SUBSCRIPTION_CHECK_SECONDS=60"}
    assert [(mode(file.parent), mode(file)) for file in files] == [(0o700, 0o600)] * 2


def test_lost_keys_are_not_replaced_by_new_ones(desk):
    (desk.folder / "var" / "hub.env").unlink()
    assert "Bring it back" in desk.start().process.communicate()[0]
    assert not (desk.folder / "var" / "hub.env").exists()


def test_a_killed_process_is_started_again_without_a_human_and_leaves_no_pool(desk):
    desk.start().says(READY)
    pool = desk.pool()
    (worker,) = set(desk.pids("manage.py work")) - set(pool)
    os.kill(worker, signal.SIGKILL)
    assert pool and all_end(pool, within=10)
    desk.says("worker ended")
    for name, words in {"web": "granian", "sandbox": "-m sandbox"}.items():
        killed = desk.pids(words)
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        desk.says(f"{name} ended")
        assert killed and all_end(killed, within=5)


def test_at_rest_it_is_small_and_orders_arrive_though_the_worker_is_killed_with_all_waiting(desk):
    desk.start(HUB_DEMO="1").says(READY)
    desk.publish(["M-1"])
    assert desk.arrive(["M-1"], within=30)
    assert desk.megabytes() < 400
    pool, worker = desk.pool(), desk.pids("manage.py work")
    desk.freeze({*pool, *worker})
    numbers = [f"K-{number}" for number in range(200)]
    desk.publish(numbers)
    for pid in set(worker) - set(pool):
        os.kill(pid, signal.SIGKILL)
    assert desk.arrive(numbers, within=90)


def test_nothing_survives_the_desk_itself_being_killed(desk):
    desk.start().says(READY)
    everything = desk.pids()
    os.kill(desk.process.pid, signal.SIGKILL)
    assert all_end(everything, within=15)
    assert desk.pids() == []


def test_a_second_desk_in_the_same_folder_is_refused(fresh_desk, another_fresh_desk):
    """Also while the first one prepares."""
    fresh_desk.start().says("The hub")
    another_fresh_desk.folder = fresh_desk.folder
    assert (
        f"already runs in this folder, as process {fresh_desk.process.pid}."
        in another_fresh_desk.start().process.communicate()[0]
    )
    assert another_fresh_desk.process.returncode == 1


@pytest.mark.parametrize(
    ("whose", "name"),
    [
        ("port", "HUB_PORT"),
        ("sandbox_port", "HUB_SANDBOX_PORT"),
        ("mail_port", "HUB_SANDBOX_SMTP_PORT"),
    ],
)
def test_a_taken_port_is_named(fresh_desk, whose, name):
    port = getattr(fresh_desk, whose)
    with socket.create_server(("127.0.0.1", port)):
        said, _ = fresh_desk.start().process.communicate()
    assert f"Port {port} is not free" in said and f"{name}=" in said
    assert fresh_desk.process.returncode == 1

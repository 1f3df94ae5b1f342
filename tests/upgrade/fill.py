"""Fill a hub that is stopped in the middle of its work, with rows in every table of ours.

It runs within the code that it is committed with: the fixture of each release is made by it.
"""

from tests.factories import Factories
from tests.upgrade import fill_later, fill_outgoing


def fill():
    make = Factories()
    acme, globex = fill_outgoing.create_people(make)
    fill_outgoing.connect_systems(make, acme)
    fill_outgoing.connect_systems(make, globex)
    fill_outgoing.stop_connections(make, acme)
    fill_outgoing.break_deliveries(make, globex)
    fill_outgoing.disable_endpoint(make, globex)
    fill_outgoing.plan_operations(make, acme)
    fill_outgoing.cancel_one()
    fill_outgoing.send_in_order(make, acme)
    fill_outgoing.send_once(make, acme)
    fill_outgoing.let_expire(make, acme)
    fill_outgoing.open_breaker(make, globex)
    fill_later.refresh_credential(make, acme)
    fill_later.connect_people(make, acme)
    fill_later.set_preferences(make, acme)
    fill_later.receive_webhooks(make, acme)
    fill_later.run_jobs(make, acme)
    fill_later.read_systems(make, acme)
    fill_later.count_usage(make, acme)
    fill_outgoing.kill_pump(make, acme, globex)
    fill_outgoing.crash_repeatedly()
    fill_outgoing.publish_waiting(make, acme, globex)
    fill_outgoing.switch_some_off(globex)
    fill_later.queue_mails()
    fill_later.start_processes()

"""An undo, its end and processes that die meet while webhooks of a disconnect are held."""

import pytest
from django.db import transaction

from hub.audit import AuditRow
from hub.connections.actions.connection_actions import InvalidConnectionState
from hub.db.clock import clock
from hub.incoming.processing.due_items import count_attempt, due_items
from hub.incoming.processing.held_items.release import (
    discard_items_of_final_disconnects,
    release_held_items,
)
from hub.outgoing.models import Event
from tests.hub.incoming.processing.held_items.pending_disconnects import (
    DAY,
    ME,
    MINUTE,
    disconnect,
    end,
    find_states,
    post_changes,
    sweep,
    undo,
)
from tests.hub.incoming.webhook_posts import run_inbox

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_an_undo_and_the_end_that_meet_the_end_wins_and_nothing_is_published(client, pipedrive):
    disconnect(pipedrive)
    post_changes(client, pipedrive, "one")
    run_inbox()

    def end_meanwhile(request):
        end(pipedrive)
        sweep()
        return ME

    with pytest.raises(InvalidConnectionState):
        undo(pipedrive, end_meanwhile)
    sweep()
    assert find_states() == [("skipped", "disconnect_final")] and not Event.unscoped.exists()


def test_an_undo_in_progress_when_its_time_is_over_loses_nothing(client, pipedrive):
    disconnect(pipedrive)
    post_changes(client, pipedrive, "one")
    run_inbox()

    def sweep_a_day_later(request):
        discard_items_of_final_disconnects(now=clock() + DAY + MINUTE)
        post_changes(client, pipedrive, "two")
        run_inbox()
        return ME

    assert undo(pipedrive, sweep_a_day_later).passed
    sweep()
    assert find_states() == [("processed", "")] * 2


def test_a_process_that_dies_while_it_publishes_leaves_each_to_be_published_once(client, pipedrive):
    disconnect(pipedrive)
    post_changes(client, pipedrive, "one", "two")
    run_inbox()
    undo(pipedrive)
    release_held_items(now=clock())
    count_attempt(due_items(), limit=10)  # the process dies here
    sweep()
    assert find_states() == [("processed", "")] * 2 and Event.unscoped.count() == 2


def test_a_process_that_dies_while_it_discards_leaves_nothing_half_done(client, pipedrive):
    disconnect(pipedrive)
    post_changes(client, pipedrive, "one", "two")
    run_inbox()
    end(pipedrive)
    with pytest.raises(SystemExit), transaction.atomic():
        assert discard_items_of_final_disconnects(now=clock()) == 2
        raise SystemExit
    assert find_states() == [("held", "disconnect_pending")] * 2
    sweep()
    assert find_states() == [("skipped", "disconnect_final")] * 2
    assert AuditRow.objects.get(verb="connection.discard_webhooks").after == {"items": 2}

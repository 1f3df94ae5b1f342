"""So much at a time, and a share for each."""

import threading

import pytest

from hub.shared_budget import BudgetExhausted, SharedBudget


def test_reservations_stay_within_the_budget():
    budget = SharedBudget(10)
    budget.acquire(10, "acme")
    with pytest.raises(BudgetExhausted):
        budget.acquire(1, "globex")
    budget.release(10, "acme")
    budget.acquire(10, "globex")


def test_one_holder_has_a_share_and_the_rest_is_left_to_others():
    budget = SharedBudget(100, share=25)
    budget.acquire(25, "acme")
    with pytest.raises(BudgetExhausted):
        budget.acquire(1, "acme")
    budget.acquire(25, "globex")


def test_a_reservation_without_a_holder_has_no_share():
    budget = SharedBudget(100, share=25)
    budget.acquire(100)
    assert budget.used == 100


def test_what_was_taken_is_given_back_whatever_happens():
    budget = SharedBudget(1)
    with pytest.raises(ValueError, match="broken"), budget.acquire_for_block(1, "acme"):
        raise ValueError("broken")
    assert (budget.used, dict(budget.used_by)) == (0, {})


def test_who_got_nothing_is_not_remembered():
    budget = SharedBudget(0)
    with pytest.raises(BudgetExhausted):
        budget.acquire(1, "acme")
    assert dict(budget.used_by) == {}


def test_a_waiter_gets_what_is_released():
    budget = SharedBudget(1)
    budget.acquire(1, "acme")
    threading.Timer(0.05, budget.release, [1, "acme"]).start()
    budget.acquire(1, "globex", timeout=5.0)
    assert dict(budget.used_by) == {"globex": 1}


def test_a_waiter_without_success_is_refused():
    with pytest.raises(BudgetExhausted):
        SharedBudget(0).acquire(1, timeout=0.01)

"""Cron expressions in words."""

import pytest

from hub.scheduled.insight.schedule_words import describe_schedule

WORDS = {
    "30 2 * * *": "Every day at 02:30",
    "0 2,14 * * *": "Every day at 02:00, 14:00",
    "0 9 * * mon": "Every Monday at 09:00",
    "0 9 * * 1-5": "Every Monday to Friday at 09:00",
    "0 9 * * 0,7": "Every Sunday at 09:00",
    "0 9 * * MON,wed": "Every Monday, Wednesday at 09:00",
    "5 9 1 * *": "On day 1 of every month at 09:05",
    "15 * * * *": "Every hour at minute 15",
    "15 */2 * * *": "Every 2 hours at minute 15",
    "* * * * *": "Every minute",
    "*/10 * * * *": "Every 10 minutes",
    "0 9 * 1 *": "By the cron expression 0 9 * 1 *",
    "0 9 1 * mon": "By the cron expression 0 9 1 * mon",
    "0 9 * * mon#1": "By the cron expression 0 9 * * mon#1",
    "0 9 * * 1-": "By the cron expression 0 9 * * 1-",
    "1-5 9 * * *": "By the cron expression 1-5 9 * * *",
    "*/0 * * * *": "By the cron expression */0 * * * *",
    "nonsense": "By the cron expression nonsense",
    "": "By the cron expression ",
}


@pytest.mark.corrections(item="1.21")
@pytest.mark.parametrize("cron", WORDS)
def test_a_schedule_is_described(cron):
    assert describe_schedule(cron) == WORDS[cron]

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.scheduled.reports.periods import (
    NEXT_PARTS,
    PERIODS,
    find_period,
    find_start_of_day,
    format_part,
    split_period,
)

ZONES = sorted(available_timezones() - {"Factory", "localtime"})
moments = st.datetimes(
    datetime(1990, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC), allow_imaginary=False
)
zones = st.sampled_from(ZONES).map(ZoneInfo)


@pytest.mark.parametrize(
    ("zone", "start", "end"),
    [
        ("Europe/Berlin", "2026-11-15T23:00+00:00", "2026-11-22T23:00+00:00"),
        ("Pacific/Kiritimati", "2026-11-15T10:00+00:00", "2026-11-22T10:00+00:00"),  # +14
        ("Etc/GMT+12", "2026-11-16T12:00+00:00", "2026-11-23T12:00+00:00"),  # -12
        ("Asia/Kathmandu", "2026-11-15T18:15+00:00", "2026-11-22T18:15+00:00"),
    ],
)
def test_last_week_is_from_monday_to_monday_in_the_tenants_zone(zone, start, end):
    nine = datetime(2026, 11, 23, 9, tzinfo=ZoneInfo(zone))
    period = find_period("last_week", nine.astimezone(UTC), ZoneInfo(zone))
    assert period.start == datetime.fromisoformat(start)
    assert period.end == datetime.fromisoformat(end)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Kiritimati", "Etc/GMT+12"])
def test_an_order_at_half_past_eleven_on_sunday_belongs_to_the_week(zone):
    local = ZoneInfo(zone)
    period = find_period("last_week", datetime(2026, 11, 23, 9, tzinfo=local), local)
    assert period.start <= datetime(2026, 11, 22, 23, 30, tzinfo=local) < period.end
    assert not period.start <= datetime(2026, 11, 23, 0, 0, tzinfo=local) < period.end


@pytest.mark.parametrize(
    ("monday", "hours"),
    [
        pytest.param(date(2026, 10, 26), 169, id="the clock was set back"),
        pytest.param(date(2026, 3, 30), 167, id="the clock was set forward"),
    ],
)
def test_a_week_with_a_changed_clock_has_an_hour_more_or_less(monday, hours):
    berlin = ZoneInfo("Europe/Berlin")
    period = find_period("last_week", datetime(*monday.timetuple()[:3], 9, tzinfo=berlin), berlin)
    assert period.end - period.start == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        # midnight does not exist: the day begins at one
        ("Africa/Cairo", date(2026, 4, 24), "2026-04-23T22:00+00:00"),
        # one o'clock becomes midnight again: the day begins at the first
        ("Atlantic/Azores", date(2026, 10, 25), "2026-10-25T00:00+00:00"),
        # a day that was skipped is empty
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00+00:00"),
        ("Pacific/Apia", date(2011, 12, 31), "2011-12-30T10:00+00:00"),
    ],
)
def test_a_day_begins_at_its_first_moment(zone, day, expected):
    assert find_start_of_day(day, ZoneInfo(zone)) == datetime.fromisoformat(expected)


@given(name=st.sampled_from(sorted(PERIODS)), at=moments, zone=zones)
def test_a_period_is_over_and_is_followed_by_the_present_one(name, at, zone):
    period = find_period(name, at, zone)
    assert period.start < period.end <= at or period.end - at < timedelta(days=1)
    assert find_period(name, period.end - timedelta(seconds=1), zone).end <= period.start


@given(
    name=st.sampled_from(sorted(PERIODS)),
    at=moments,
    zone=zones,
    part=st.sampled_from(sorted(NEXT_PARTS)),
)
def test_the_parts_of_a_period_leave_no_gap(name, at, zone, part):
    period = find_period(name, at, zone)
    parts = split_period(period, part)
    assert (parts[0].start, parts[-1].end) == (period.start, period.end)
    assert all(one.end == next.start for one, next in zip(parts, parts[1:], strict=False))


@pytest.mark.parametrize(
    ("at", "name", "first", "end"),
    [
        ("2026-01-01", "last_day", "2025-12-31", "2026-01-01"),
        ("2026-01-01", "last_month", "2025-12-01", "2026-01-01"),
        ("2026-03-31", "last_month", "2026-02-01", "2026-03-01"),
        ("2026-02-15", "last_quarter", "2025-10-01", "2026-01-01"),
        ("2026-12-31", "last_quarter", "2026-07-01", "2026-10-01"),
    ],
)
def test_periods_cross_months_and_years(at, name, first, end):
    period = find_period(name, datetime.fromisoformat(f"{at}T12:00+00:00"), ZoneInfo("UTC"))
    assert (str(period.first_day), str(period.end_day)) == (first, end)


def test_labels_name_the_days():
    period = find_period("last_month", datetime(2026, 12, 1, 9, tzinfo=UTC), ZoneInfo("UTC"))
    assert period.label == "1 Nov 2026 – 30 Nov 2026"
    assert format_part(split_period(period, "day")[0]) == "Sun 1 Nov"
    assert format_part(split_period(period, "week")[1]) == "2 Nov – 8 Nov"
    assert format_part(period) == "Nov 2026"

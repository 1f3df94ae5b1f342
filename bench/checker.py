"""The numbers, offline: from the ledger and from what was acknowledged. Pure."""

import bisect
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from bench.sink.client import Arrival

MOMENT = 0.1  # seconds; a kill is noted a little before or after it falls


def lost_ids(acknowledged: Iterable[str], arrivals: Sequence[Arrival]) -> set[str]:
    """Ids that were promised and never came."""
    return set(acknowledged) - {arrival.id for arrival in arrivals}


def extra_sends(arrivals: Sequence[Arrival]) -> int:
    """Requests beyond the first of each id."""
    return len(arrivals) - len({arrival.id for arrival in arrivals})


def most_sends(arrivals: Sequence[Arrival]) -> int:
    """How often the most repeated id came."""
    return max(Counter(arrival.id for arrival in arrivals).values(), default=0)


def order_breaks(expected: Iterable[str], arrivals: Sequence[Arrival]) -> int:
    """How often an id came for the first time after one that should follow it. `wanted`: ids in
    their order.
    """
    place = {id: number for number, id in enumerate(expected)}
    firsts = dict.fromkeys(arrival.id for arrival in arrivals if arrival.id in place)
    highest, breaks = -1, 0
    for id in firsts:
        breaks += place[id] < highest
        highest = max(highest, place[id])
    return breaks


def most_in_window(moments: Iterable[float], per: float) -> int:
    """The most calls in any window of `per` seconds, which holds its beginning and not its end."""
    ordered = sorted(moments)
    return max(
        (bisect.bisect_left(ordered, at + per) - place for place, at in enumerate(ordered)),
        default=0,
    )


def breaches(moments: Iterable[float], limit: int, per: float) -> int:
    """How many windows that begin with a call hold more calls than the limit."""
    ordered = sorted(moments)
    return sum(
        bisect.bisect_left(ordered, at + per) - place > limit for place, at in enumerate(ordered)
    )


def used_share(
    moments: Iterable[float], limit: int, per: float, *, begin: float, end: float
) -> float:
    """The share of the limit that was used from the end of the first window on."""
    calls = sum(begin + per <= at < end for at in moments)
    return calls / (limit * (end - begin - per) / per)


def find_unexcused_sends(
    arrivals: Sequence[Arrival],
    *,
    kills_of: Callable[[Arrival], Iterable[float]],
    outages: Sequence[tuple[float, float]] = (),
    settled_within: float,
) -> list[tuple[Arrival, Arrival]]:
    """Return the extra sends whose earlier send was not cut off, each after that earlier one.

    What cuts a send off: a kill of the process that made it, within `settled_within` seconds of its
    arrival, or a database that is away (`outages`: from, to). `kills_of(arrival)`: the moments at
    which its sender was killed.
    """
    return [
        (before, after)
        for before, after in repeats(arrivals)
        if not (
            any(
                before.at - MOMENT <= kill <= before.at + settled_within
                for kill in kills_of(before)
            )
            or any(
                outage_start - settled_within <= before.at <= back for outage_start, back in outages
            )
        )
    ]


def repeats(arrivals: Iterable[Arrival]) -> Iterator[tuple[Arrival, Arrival]]:
    """Two sends of one id, for each two that follow each other."""
    last: dict[str, Arrival] = {}
    for arrival in arrivals:
        if arrival.id in last:
            yield last[arrival.id], arrival
        last[arrival.id] = arrival


def longest_wait(accepted: Mapping[str, float], arrivals: Sequence[Arrival]) -> float:
    """The longest wait for an arrival since its event was accepted (`accepted`: moments by id) or
    sent before.
    """
    since, longest = dict(accepted), 0.0
    for arrival in arrivals:
        longest = max(longest, arrival.at - since.get(arrival.id, arrival.at))
        since[arrival.id] = arrival.at
    return longest


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that so large a share of all does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def per_second(arrivals: Sequence[Arrival]) -> float:
    """From the first to the last."""
    moments = [arrival.at for arrival in arrivals]
    return (len(moments) - 1) / (max(moments) - min(moments))

"""The numbers, offline: from the ledger and from what was acknowledged. Pure."""

import bisect
import math
from collections import Counter

MOMENT = 0.1  # seconds; a kill is noted a little before or after it falls


def lost(acknowledged, arrivals):
    """Ids that were promised and never came."""
    return set(acknowledged) - {arrival.id for arrival in arrivals}


def extra_sends(arrivals):
    """Requests beyond the first of each id."""
    return len(arrivals) - len({arrival.id for arrival in arrivals})


def most_sends(arrivals):
    """How often the most repeated id came."""
    return max(Counter(arrival.id for arrival in arrivals).values(), default=0)


def order_breaks(wanted, arrivals):
    """How often an id came for the first time after one that should follow it. `wanted`: ids in their order."""
    place = {id: number for number, id in enumerate(wanted)}
    firsts = dict.fromkeys(arrival.id for arrival in arrivals if arrival.id in place)
    highest, breaks = -1, 0
    for id in firsts:
        breaks += place[id] < highest
        highest = max(highest, place[id])
    return breaks


def most_in_window(moments, per):
    """The most calls in any window of `per` seconds, which holds its beginning and not its end."""
    ordered = sorted(moments)
    return max((bisect.bisect_left(ordered, at + per) - place for place, at in enumerate(ordered)), default=0)


def breaches(moments, limit, per):
    """How many windows that begin with a call hold more calls than the limit."""
    ordered = sorted(moments)
    return sum(bisect.bisect_left(ordered, at + per) - place > limit for place, at in enumerate(ordered))


def used(moments, limit, per, *, begin, end):
    """The share of the limit that was used from the end of the first window on."""
    calls = sum(begin + per <= at < end for at in moments)
    return calls / (limit * (end - begin - per) / per)


def unexcused(arrivals, kills, *, settled_within):
    """Extra sends without a kill behind them: one that fell while the send before was not settled yet."""
    return sum(
        not any(before.at - MOMENT <= kill <= min(after.at, before.at + settled_within) for kill in kills)
        for before, after in repeats(arrivals)
    )


def repeats(arrivals):
    """Two sends of one id, for each two that follow each other."""
    last = {}
    for arrival in arrivals:
        if arrival.id in last:
            yield last[arrival.id], arrival
        last[arrival.id] = arrival


def longest_recovery(accepted, arrivals, kills):
    """The longest wait for an arrival, of what was accepted or sent before, since the last kill. `accepted`: by id."""
    known, ordered = dict(accepted), sorted(kills)
    worst = 0.0
    for arrival in arrivals:
        since = known.get(arrival.id, arrival.at)
        known[arrival.id] = arrival.at
        place = bisect.bisect_left(ordered, arrival.at)
        worst = max(worst, arrival.at - max([since, *ordered[max(0, place - 1) : place]]))
    return worst


def percentile(values, share):
    """The smallest value that so large a share of all does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def per_second(arrivals):
    """From the first to the last."""
    moments = [arrival.at for arrival in arrivals]
    return (len(moments) - 1) / (max(moments) - min(moments))

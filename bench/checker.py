"""The numbers, offline: from the ledger and from what was acknowledged. Pure."""

import bisect
import math
from collections import Counter


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


def longest_recovery(kills, arrivals):
    """Seconds from a kill to the next arrival, at the worst; infinite where none followed."""
    moments = sorted(arrival.at for arrival in arrivals)
    return max((following(moments, at) - at for at in kills), default=0.0)


def following(moments, at):
    place = bisect.bisect_right(moments, at)
    return moments[place] if place < len(moments) else math.inf


def percentile(values, share):
    """The smallest value that so large a share of all does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def per_second(arrivals):
    """From the first to the last."""
    moments = [arrival.at for arrival in arrivals]
    return (len(moments) - 1) / (max(moments) - min(moments))

"""Recognize words that differ by a typing error."""

LENGTH_MIN, LONG_WORD_LENGTH_MIN = 4, 9  # letters; a long word may have two slips


def is_misspelling(first: str, second: str) -> bool:
    """Return whether one letter differs, lacks or is swapped with the next; two in long words."""
    shorter = min(len(first), len(second))
    if shorter < LENGTH_MIN:
        return False
    slips_max = 2 if shorter >= LONG_WORD_LENGTH_MIN else 1
    if abs(len(first) - len(second)) > slips_max:
        return False
    return measure_distance(first, second) <= slips_max


def measure_distance(first: str, second: str) -> int:
    """Return the optimal string alignment distance (Damerau 1964, restricted)."""
    before: list[int] = []
    last = list(range(len(second) + 1))
    for row, letter in enumerate(first, start=1):
        current = [row]
        for column, other in enumerate(second, start=1):
            cost = min(
                last[column] + 1,
                current[column - 1] + 1,
                last[column - 1] + (letter != other),
            )
            is_swapped = row > 1 and column > 1 and letter == second[column - 2]
            if is_swapped and first[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        before, last = last, current
    return last[-1]

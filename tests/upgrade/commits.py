"""Where each part ended: the last commit on the main line before the next part's first merge."""

COMMITS = {
    "part1": "896607a",
    "part2": "b6ba6fb",
    "part4": "a690921",
}

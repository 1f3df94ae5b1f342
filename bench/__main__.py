"""`python -m bench outgoing` measures in an environment that `manage.py bench` has prepared."""

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace

import django
from django.db import connection

from bench import quota_connectors
from bench.figures import Figure
from bench.installation.processes import end_strays
from bench.sink.client import Sink
from bench.suite import Bench, Options

django.setup()
quota_connectors.install()

# Django is ready
from bench import faults, identities, incoming, outgoing, portal, scheduled, silence  # noqa: E402

SUITES = {
    "outgoing": outgoing,
    "incoming": incoming,
    "scheduled": scheduled,
    "faults": faults,
    "portal": portal,
    "identities": identities,
    "silence": silence,
}


def main() -> None:
    arguments = parse_arguments()
    options = Options(quick=arguments.quick, long=arguments.long, seed=arguments.seed)
    benches = SUITES[arguments.suite].BENCHES
    sink = Sink(os.environ["HUB_BENCH_SINK"])
    suffix = "_sqlite" if connection.vendor == "sqlite" else ""
    passed = []  # for each figure; none at all is a failure too
    for name in arguments.only or benches:
        for figure in figures_of(name, benches[name], sink, options):
            print(replace(figure, name=figure.name + suffix).line(), flush=True)
            passed.append(figure.holds or (options.quick and not figure.error))
    sys.exit(not (passed and all(passed)))


def figures_of(name: str, bench: Bench, sink: Sink, options: Options) -> Iterator[Figure]:
    """Yield what a bench measures; one that fails becomes a figure with the error, and the next one
    runs.
    """
    try:
        yield from bench.measure(sink, options)
    except (Exception, SystemExit) as error:
        if isinstance(error, SystemExit) and isinstance(error.code, int):
            raise  # a signal ends everything
        traceback.print_exc()
        yield Figure(name, 0, "", error=f"{type(error).__name__}: {error}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("--only", action="append")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--seed", type=int)
    return parser.parse_args()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with end_strays():
        main()

"""One table: the goals of features and joins, what was measured here, and whether they are met.

    python -m benchmarks.goals [--quick]

Peers that are not installed (extra `[bench]`) leave their lines out. Figures of the graph, the store and the training
input stand in benchmarks of their own, which `make bench` runs afterwards.
"""

from __future__ import annotations

import argparse

from benchmarks import alpha158, asof, panel
from benchmarks.table import report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller tables and fewer rounds")
    quick = parser.parse_args().quick
    found = alpha158.lines(rounds=2 if quick else 5)
    found += panel.lines(codes=300 if quick else 4000, rounds=1 if quick else 3)
    found += asof.lines(sessions=500 if quick else 2500, rounds=2 if quick else 3)
    report(found)


if __name__ == "__main__":
    main()

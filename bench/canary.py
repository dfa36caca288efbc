"""How often a canary is taken back, by what its revision does: `python -m bench.canary`."""

from __future__ import annotations

import argparse
import random
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from outdial.domain.canary.verdict import CanaryState
from tests.domain.canaries import NULL, Person, at_random, carried_out

SHARE, PEOPLE = 0.05, 10_000
REVISIONS = {
    "no difference": NULL,
    "35% answer": Person(answers=0.35),
    "30% answer": Person(answers=0.3),
    "20% answer": Person(answers=0.2),
    "5% opt out": Person(opts_out=0.05),
    "10% opt out": Person(opts_out=0.1),
    "20% opt out": Person(opts_out=0.2),
    "5% fail": Person(fails=0.05),
    "10% fail": Person(fails=0.1),
    "twice the cost": Person(cost=2),
    "four times the cost": Person(cost=4),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--campaigns", type=int, default=200)
    parser.add_argument("--seed", default="1")
    given = parser.parse_args()
    print(f"{given.campaigns} campaigns of {PEOPLE:,}, {SHARE:.0%} of them in the canary")
    with ProcessPoolExecutor() as processes:
        for name, person in REVISIONS.items():
            seeds = [f"{given.seed}/{name}/{number}" for number in range(given.campaigns)]
            decided = list(processes.map(partial(_decide, person), seeds, chunksize=20))
            taken_back = sorted(after for state, after in decided if state == "rolled_back")
            median = f"half of these after {taken_back[len(taken_back) // 2]}" if taken_back else ""
            print(f"{name:22} {len(taken_back) / given.campaigns:7.1%} taken back  {median}")


def _decide(person: Person, seed: str) -> tuple[str, int]:
    """What became of one campaign, and after how many recipients of the canary."""
    observed = at_random(random.Random(seed), PEOPLE, SHARE, person)
    state, evidence = carried_out(observed, SHARE)
    assert isinstance(state, CanaryState)
    return state.value, evidence.canary.people


if __name__ == "__main__":
    main()

"""The first stage of a launch alone: read, check and render a contact file, and store nothing.

A process of its own. Prints one line of JSON.

    python -m bench.read_contacts CAMPAIGN.yaml
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from outdial.intake.contacts.roster import check_roster
from outdial.intake.definition import read_definition


def main(definition: Path) -> None:
    loaded = read_definition(definition)
    begun = time.perf_counter()
    checked = check_roster(loaded)
    seconds = time.perf_counter() - begun
    checked.require_good()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = time.process_time() + children.ru_utime + children.ru_stime
    print(json.dumps({"rows": checked.count, "seconds": seconds, "processor": processor}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""The first stage of a launch alone: read, check, render and locate the rows of a contact file.

A process of its own. Prints one line of JSON.

    python -m bench.read_contacts CAMPAIGN.yaml
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from outdial.intake.contacts.chunks import read_chunks
from outdial.intake.definition import read_definition


def main(definition: Path) -> None:
    loaded = read_definition(definition)
    begun = time.perf_counter()
    rows = sum(len(chunk.recipients) for chunk in read_chunks(loaded))
    seconds = time.perf_counter() - begun
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = time.process_time() + children.ru_utime + children.ru_stime
    print(json.dumps({"rows": rows, "seconds": seconds, "processor": processor}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""The second stage of a launch alone: recipients written in chunks, then the flip.

A process of its own, over a database of its own: nobody calls these recipients. What reading takes
is not counted. Prints one line of JSON.

    python -m bench.stage_recipients DATABASE_URL CAMPAIGN.yaml
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from sqlmodel import Session

from outdial.domain.record import CampaignRecord
from outdial.intake.contacts.chunks import read_chunks
from outdial.intake.definition import read_definition
from outdial.runtime.clock import system_clock
from outdial.services.campaigns.staging import CHUNK_ROWS
from outdial.store.db.database import Database
from outdial.store.roster.flip import flip_launch
from outdial.store.roster.rows import ReadSoFar, write_chunk
from outdial.store.roster.staging import begin_launch

LINE = "simulated"


def main(url: str, file: Path) -> None:
    database = Database(url)
    database.migrate()
    loaded = read_definition(file)
    definition = loaded.definition.on_line(LINE)
    begun = database.write_sync(
        lambda s: begin_launch(s, "default", definition, "bench", now=system_clock(), again=False)
    )
    rows, seconds, longest = 0, 0.0, 0.0
    used = 0.0
    for chunk in read_chunks(loaded, size=CHUNK_ROWS):
        rows += chunk.rows
        start, processor = time.perf_counter(), time.process_time()
        database.write_sync(
            lambda s, rows=rows, chunk=chunk: write_chunk(  # type: ignore[misc]
                s, begun, LINE, chunk.recipients, ReadSoFar(rows), now=system_clock()
            )
        )
        took = time.perf_counter() - start
        used += time.process_time() - processor
        seconds, longest = seconds + took, max(longest, took)
    start = time.perf_counter()

    def flip(s: Session) -> CampaignRecord:
        return flip_launch(
            s, begun, definition, loaded.source_text,
            recipients=rows, now=system_clock(), again=False,
        )  # fmt: skip

    database.write_sync(flip)
    flipped = time.perf_counter() - start
    database.dispose()
    print(
        json.dumps(
            {"rows": rows, "seconds": seconds, "processor": used, "longest": longest}
            | {"flip": flipped}
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

"""`make openapi`: renews `schema/openapi.json` and `outdial.client`.

A document that breaks clients of the kept one is not written, unless `--breaking` is given.
"""

from __future__ import annotations

import sys

from outdial.api.client_code.files import KEPT, files_of, kept_document
from outdial.api.v1.app import create_v1
from outdial.api.v1.breaking_changes import breaking_changes


def main(arguments: list[str]) -> int:
    document = create_v1().openapi()
    broken = breaking_changes(kept_document(), document) if KEPT.exists() else []
    if broken and "--breaking" not in arguments:
        lines = "\n".join(f"  {each}" for each in broken)
        sys.stderr.write(f"clients of {KEPT.name} would break:\n{lines}\n")
        return 1
    for path, text in files_of(document).items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

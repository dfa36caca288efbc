"""Words that were retired, and what stands in their place: one concept has one word, everywhere.

In prose they are ordinary English. As identifiers, modules, columns, keys, fields, commands and
options they are refused, so that nobody finds two names for one thing (docs/glossary.md).
"""

from __future__ import annotations

import io
import keyword
import re
import tokenize
from collections.abc import Iterator

from tests.architecture import Finding, Source

RETIRED = {
    # Named by what somebody did with it, not by what it is.
    "told": "the name of what it is",
    "found": "the name of what it is",
    "asked": "the name of what it is",
    "heard": "the name of what it is",
    "seen": "the name of what it is",
    "known": "the name of what it is",
    "looked": "the name of what it is",
    # Words of an earlier vocabulary.
    "because": "reason",
    "board": "line_capacity",
    "Board": "LineCapacity",
    "Room": "Allowance",
    "Standing": "CampaignSnapshot",
    "standing": "direct",
    "Taking": "Reservation",
    "taking": "reservation",
    "Look": "DueScan",
    "Pause": "NextWakeup",
    "everybody": "requeue",
    "decide_some_anew": "requeue",
    "looking": "explanation",
    "LookedAt": "RecipientExplanation",
    "claim_cursor": "claim_state",
    "Heard": "EventSummary",
    "Redial": "NextAttempt",
    "talking": "tool_calls",
    "talks": "tool_calls",
    "Asked": "the name of its subject",
    "Earlier": "StoredResponse",
    "keeping": "maintenance",
    "Keeper": "MaintenanceLoop",
    "silence": "hang_up_suppressed_calls",
    "telling": "signals",
    "leash": "parent_watchdog",
    "Outside": "Integrations",
    "Places": "SourceMap",
    "Written": "StoredLaunch",
    "NobodyAnswered": "WorkerTimeout",
    "NobodyCallable": "NoCallableRecipients",
    "dialects": "webhook_formats",
    "chain": "callback_run",
    "Chain": "CallbackRun",
    "consequences": "callbacks",
    "Consequences": "callbacks",
    "following_up": "callbacks",
    "after_call": "callbacks",
    "AfterCallWorkflow": "CallbackWorkflow",
    "call_back": "redial",
    "Deps": "Resources",
    "ServiceContext": "Resources",
}

MODULES_ONLY = frozenset({"chain", "dialects"})
"""As identifiers they are the standard library's and SQLAlchemy's."""

OLDER_VALUES = {
    "outdial/contracts/messages.py": {"standing"},  # a field in recorded histories
    "outdial/contracts/signatures/call.py": {"found", "asked"},  # fields in recorded histories
    "outdial/domain/retired.py": {"because", "call_back"},  # refused with their current names
    "outdial/domain/rules/zone.py": {"told"},  # a key in rows of enrolled recipients
}
"""Keys that readers of older values must spell."""

PLAIN_VALUES = frozenset({"talking"})
"""Words that a terminal shows."""

FOREIGN = ("outdial/api/compat/", "outdial/providers/", "outdial/webhook_formats/")
"""Where others' words stand in strings: the fields of their APIs."""

_KEY = re.compile(r"[rbuRBU]*([\"'])((?:--)?[\w-]+)\1")


def retired_word(name: str) -> str | None:
    """The retired word that a name is, or None. `--call-back` is `call_back`."""
    plain = name.lstrip("-").replace("-", "_").strip("_")
    return plain if plain in RETIRED and not keyword.iskeyword(plain) else None


def no_retired_word(source: Source) -> Iterator[Finding]:
    """Identifiers, modules and keys; migrations keep the names of their time."""
    if not source.shipped or source.migration:
        return
    for part in source.path.with_suffix("").parts:
        if word := retired_word(part):
            yield 1, f"module {part}: {RETIRED[word]}"
    strings = not str(source.path).startswith(FOREIGN)
    spelled = OLDER_VALUES.get(str(source.path), set()) | PLAIN_VALUES
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        name = ""
        if token.type == tokenize.NAME and token.string not in MODULES_ONLY:
            name = token.string
        elif token.type == tokenize.STRING and strings and (key := _KEY.fullmatch(token.string)):
            name = "" if key[2] in spelled else key[2]
        if word := retired_word(name):
            yield token.start[0], f"{name}: {RETIRED[word]}"

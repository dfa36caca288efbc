"""Which of a campaign's lines a call is made on.

Lines with a weight share the calls by it. Those of weight 0 stand by: in the order in which they
are written, each is used only while no line before it can be. A line that refused a person before
the telephone rang is passed over for that person's next call. One of which nobody knows whether it
took a call is kept: another might call the person twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue

from outdial.domain.call.status import FailureClass
from outdial.domain.definition.agent import AgentById
from outdial.domain.definition.fields import AlsoOne, Frozen, OneOrMany
from outdial.domain.definition.source import UNKNOWN_REGION
from outdial.domain.errors import OutdialError
from outdial.domain.hints import Hint
from outdial.domain.numbers.phone import PHONE_HINT, parse_phone

MAX_WEIGHT = 1000
_GOLDEN = 0.6180339887498949
"""The fractional parts of its multiples are spread evenly, however many there are."""

Marks = Mapping[str, FailureClass]
"""How lines failed a person, by line. `REJECTED`: never this number. `UNKNOWN`: it may have the
last call. Anything else: since the last call that may have rung."""


def _caller_id(value: str) -> str:
    return parse_phone(value, UNKNOWN_REGION)


CallerIds = Annotated[
    OneOrMany[Annotated[str, AfterValidator(_caller_id)]],
    Hint(f"{PHONE_HINT}, or a list of them"),
]


class LineShare(Frozen):
    """A line of a campaign, and how many of the calls go there."""

    name: Annotated[
        str,
        Field(min_length=1),
        Hint("write the name of a configured line, such as simulated"),
    ]
    """The configured line."""
    weight: Annotated[int, Field(ge=0, le=MAX_WEIGHT)] = 1
    """Its share of the calls, beside those of the others. 0: it stands by, and is used while no
    line written before it takes calls."""
    agent: Annotated[
        AgentById | None,
        Hint("write the agent's id on this line, or its id and settings below it"),
    ] = None
    """The agent's id on this line, where its provider has another one for it."""
    caller_ids: CallerIds = ()
    """The numbers shown on this line, in place of the campaign's."""


class _AlsoByName:
    """JSON Schema for editors: a line may be written as its name alone."""

    def __get_pydantic_json_schema__(
        self, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", "minLength": 1}, handler(core_schema)]}


def _line_by_name(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def _require_usable(shares: tuple[LineShare, ...]) -> tuple[LineShare, ...]:
    if not shares:
        raise ValueError("found an empty list; write at least one line")
    names = [share.name for share in shares]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise ValueError(f"found {repeated!r} twice; write each line once, with its weight")
    if not any(share.weight for share in shares):
        raise ValueError("found no weight above 0; a line can only stand by for another one")
    return shares


def _as_list(value: Any) -> Any:
    return (value,) if isinstance(value, str | Mapping) else value


LineShares = Annotated[
    tuple[Annotated[LineShare, BeforeValidator(_line_by_name), _AlsoByName()], ...],
    BeforeValidator(_as_list),
    AfterValidator(_require_usable),
    AlsoOne(),
]
"""Lines: a list, or one; each a name, or a mapping."""


class UnknownLine(OutdialError, KeyError):
    """No line of that name is configured. A KeyError, so that `in` and `get` work as usual."""

    code = "unknown_line"

    def __init__(self, name: str, configured: Iterable[str]) -> None:
        super().__init__(name)
        self.name = name
        self.configured = tuple(configured)

    def __str__(self) -> str:
        configured = ", ".join(self.configured) or "none"
        return f"line {self.name!r} is not configured; known are {configured}"


SIMULATED = "simulated"
"""The provider of the simulated network, where no telephone rings."""


def choose_line(
    named: str | None, lines: Mapping[str, bool], default: str | None = None
) -> str | None:
    """The line that was named, else the default one, else the only real one; None: no such line.

    `lines` says of each configured line whether it is simulated. A default that is not among them
    is ignored. A simulated line is chosen by itself only where there is no real one.
    """
    if named is not None:
        return named
    if default is not None and default in lines:
        return default
    real = [name for name, simulated in lines.items() if not simulated]
    candidates = real or list(lines)
    return candidates[0] if len(candidates) == 1 else None


class Left(StrEnum):
    """What a person's lines still have to offer, once a call was not taken."""

    ANOTHER = "another"
    """A line that has not refused them: at once."""
    LATER = "later"
    """Those that refused them for now."""
    NONE = "none"
    """Nothing: none of them dials this number, ever."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Which lines a person can be called on after a call ended."""

    marks: Marks
    left: Left


def usable(shares: Sequence[LineShare], out: Collection[str]) -> tuple[str, ...]:
    """The lines on which calls are made while those in `out` take none."""
    inside = [share for share in shares if share.name not in out]
    weighted = tuple(share.name for share in inside if share.weight)
    return weighted or tuple(share.name for share in inside[:1])


def pick(
    shares: Sequence[LineShare],
    marks: Marks,
    out: Collection[str],
    free: Mapping[str, int],
    turn: int,
) -> str | None:
    """The line for a person's next call; None while none can be used.

    `free` is the room on each line, `turn` counts the campaign's calls. Nobody moves to a standby
    because a line is merely full.
    """
    if len(shares) == 1 and not marks:
        name = shares[0].name  # as most campaigns have it
        return name if name not in out and free.get(name, 0) > 0 else None
    kept = _kept(shares, marks)
    if kept is not None:
        return kept if kept not in out and free.get(kept, 0) > 0 else None
    open_to = [share for share in shares if share.name not in marks] or [
        share for share in shares if marks[share.name] is not FailureClass.REJECTED
    ]
    inside = [share for share in open_to if share.name not in out]
    weighted = [share for share in inside if share.weight]
    for share in _by_turn(weighted, turn) if weighted else inside[:1]:
        if free.get(share.name, 0) > 0:
            return share.name
    return None


def rejected_by_all(shares: Sequence[LineShare], marks: Marks) -> bool:
    """Whether none of the lines dials the person's number, ever."""
    return all(marks.get(share.name) is FailureClass.REJECTED for share in shares)


def moved_after(
    shares: Sequence[LineShare],
    marks: Marks,
    line: str,
    failure: FailureClass | None,
    *,
    may_have_rung: bool,
) -> Moved:
    """What a call that ended on `line` leaves; `failure` is None unless it failed."""
    never = {name: mark for name, mark in marks.items() if mark is FailureClass.REJECTED}
    if may_have_rung:
        left = Left.NONE if failure is FailureClass.REJECTED else Left.LATER
        new = never if failure is None else {**never, line: failure}
        return Moved(_unless_all(shares, new, never), left)
    if failure is None:
        return Moved(marks, Left.LATER)
    if _kept(shares, marks) is not None:
        return Moved(marks, Left.NONE if failure is FailureClass.REJECTED else Left.LATER)
    new = {**marks, line: failure}
    if any(share.name not in new for share in shares):
        return Moved(new, Left.ANOTHER)
    never = {name: mark for name, mark in new.items() if mark is FailureClass.REJECTED}
    gone = all(share.name in never for share in shares)
    return Moved(never, Left.NONE if gone else Left.LATER)


def _unless_all(shares: Sequence[LineShare], marks: Marks, otherwise: Marks) -> Marks:
    """The marks, or `otherwise` when every line has one: then they no longer tell lines apart. A
    line that may have the last call (`UNKNOWN`) keeps its mark."""
    if FailureClass.UNKNOWN in marks.values():
        return marks
    return marks if any(share.name not in marks for share in shares) else otherwise


def _kept(shares: Sequence[LineShare], marks: Marks) -> str | None:
    """The line that may have the person's last call, as long as the campaign has it."""
    return next(
        (share.name for share in shares if marks.get(share.name) is FailureClass.UNKNOWN), None
    )


def _by_turn(shares: Sequence[LineShare], turn: int) -> Iterator[LineShare]:
    """The line that is next in order by weight, then the others in the same way."""
    left = list(shares)
    point = (turn + 1) * _GOLDEN % 1
    while left:
        total = sum(share.weight for share in left)
        rest, chosen = point * total, left[-1]
        for share in left:
            if rest < share.weight:
                chosen = share
                break
            rest -= share.weight
        yield chosen
        left.remove(chosen)

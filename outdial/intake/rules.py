"""An operator's own rules, read from a YAML file."""

from __future__ import annotations

from pathlib import Path

from outdial.domain.rules.place import UnknownPlace, require_jurisdiction
from outdial.domain.rules.rule import EVERYWHERE, Rule
from outdial.domain.rules.rulebook import OperatorRules
from outdial.intake.problems import DefinitionInvalid
from outdial.intake.written_value import read_written_value


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules of a file. Raises DefinitionInvalid with every problem found."""
    written, source_map = read_written_value(path, OperatorRules)
    rules = written.rules
    nowhere = [
        source_map.problem(("rules", at, "jurisdiction"), "unknown_place", wrong)
        for at, rule in enumerate(rules)
        if (wrong := _misplaced(rule.jurisdiction)) is not None
    ]
    if nowhere:
        raise DefinitionInvalid(nowhere)
    return rules


def _misplaced(jurisdiction: str) -> str | None:
    """What is wrong with a place, which would keep its rule from ever forbidding anything."""
    if jurisdiction == EVERYWHERE:
        return None
    try:
        code = require_jurisdiction(jurisdiction)
    except UnknownPlace as error:
        return str(error)
    return None if code == jurisdiction else f"found {jurisdiction!r}; write {code}"

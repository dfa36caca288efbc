"""An operator's own rules, read from a YAML file."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from outdial.domain.refusals import explain
from outdial.domain.rules.place import UnknownPlace, require_jurisdiction
from outdial.domain.rules.rule import EVERYWHERE, Rule
from outdial.domain.rules.rulebook import OperatorRules
from outdial.intake.definition import read_definition_file
from outdial.intake.problems import DefinitionInvalid, Problem
from outdial.intake.wording import problem_code
from outdial.intake.yaml.document import as_text, read_yaml
from outdial.intake.yaml.source_map import SourceMap


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules of a file. Raises DefinitionInvalid with every problem found."""
    file = str(path)
    root, problems = read_yaml(read_definition_file(path), file)
    if root is None or len(problems):
        raise DefinitionInvalid(problems, problems.omitted)
    source_map = SourceMap(file, root)
    try:
        rules = OperatorRules.model_validate(as_text(root)).rules
    except ValidationError as error:
        raise DefinitionInvalid(_problems(source_map, error)) from error
    nowhere = [
        source_map.problem(("rules", at, "jurisdiction"), "unknown_place", wrong)
        for at, rule in enumerate(rules)
        if (wrong := _misplaced(rule.jurisdiction)) is not None
    ]
    if nowhere:
        raise DefinitionInvalid(nowhere)
    return rules


def _problems(source_map: SourceMap, error: ValidationError) -> list[Problem]:
    return [
        source_map.problem(details["loc"], problem_code(details), explain(details, OperatorRules))
        for details in error.errors(include_url=False)
    ]


def _misplaced(jurisdiction: str) -> str | None:
    """What is wrong with a place, which would keep its rule from ever forbidding anything."""
    if jurisdiction == EVERYWHERE:
        return None
    try:
        code = require_jurisdiction(jurisdiction)
    except UnknownPlace as error:
        return str(error)
    return None if code == jurisdiction else f"found {jurisdiction!r}; write {code}"

"""A value that is written as a YAML file of its own: rules, a people model."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from outdial.domain.refusals import explain
from outdial.intake.definition import read_definition_file
from outdial.intake.problems import DefinitionInvalid
from outdial.intake.wording import problem_code
from outdial.intake.yaml.document import as_text, read_yaml
from outdial.intake.yaml.source_map import SourceMap

Value = TypeVar("Value", bound=BaseModel)


def read_written_value(path: Path, model: type[Value]) -> tuple[Value, SourceMap]:
    """The value in a file, and where its keys stand.

    Raises DefinitionInvalid with every problem found.
    """
    file = str(path)
    root, problems = read_yaml(read_definition_file(path), file)
    if root is None or len(problems):
        raise DefinitionInvalid(problems, problems.omitted)
    source_map = SourceMap(file, root)
    try:
        return model.model_validate(as_text(root)), source_map
    except ValidationError as error:
        raise DefinitionInvalid(
            [
                source_map.problem(details["loc"], problem_code(details), explain(details, model))
                for details in error.errors(include_url=False)
            ]
        ) from error

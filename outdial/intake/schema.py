"""The JSON Schema of a definition, by which editors complete and check one."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from outdial.domain.definition.campaign import CampaignDefinition

DIALECT = GenerateJsonSchema.schema_dialect


class _Schema(GenerateJsonSchema):
    """Shows defaults as a definition writes them; those that only repeat other keys', not."""

    def default_schema(self, schema: Any) -> JsonSchemaValue:
        shown = super().default_schema(schema)
        if shown.get("default") is None or isinstance(shown["default"], dict):
            shown.pop("default", None)
        return shown


def campaign_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12, of a campaign definition, its shorthand forms included."""
    schema = CampaignDefinition.model_json_schema(schema_generator=_Schema)
    return {"$schema": DIALECT, **schema, "title": "Outdial campaign"}


def schema_of(model: type[BaseModel], title: str) -> str:
    """The schema of another value that is written as a file of its own."""
    schema = model.model_json_schema(schema_generator=_Schema)
    shown = {"$schema": DIALECT, **schema, "title": title}
    return json.dumps(shown, indent=2, ensure_ascii=False) + "\n"


def schema_text() -> str:
    """The schema as the file `schema/campaign.schema.json` holds it."""
    return json.dumps(campaign_schema(), indent=2, ensure_ascii=False) + "\n"

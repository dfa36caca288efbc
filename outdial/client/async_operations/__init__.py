"""The operations of the OpenAPI document, awaited, by its tags."""

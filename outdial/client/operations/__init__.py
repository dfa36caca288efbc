"""The operations of the OpenAPI document, by its tags."""

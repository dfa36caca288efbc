"""The bodies of requests and responses, by the tags of the OpenAPI document."""

"""The APIs of other systems, under `/compat/<system>`, over the same services as /v1."""

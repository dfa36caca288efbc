"""A client of /v1 for other services: typed, with idempotency keys and retries.

`outdial.client.client.Client` and `outdial.client.async_client.AsyncClient` have a method for each
operation of the OpenAPI document; `outdial.client.webhooks` verifies what is sent back. Models and
operations are written by `make openapi` from the document. Nothing of the engine is imported.
"""

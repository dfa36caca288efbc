"""Writes the models and operations of `outdial.client` from the OpenAPI document (`make openapi`).

`tests/api/v1/test_kept_document.py` refuses a document or a client that is not up to date.
"""

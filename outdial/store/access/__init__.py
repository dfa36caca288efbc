"""API keys, idempotent requests, and rates of requests."""

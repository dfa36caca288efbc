"""The network as a service: the API for calls, the API for tests that control it, its server, and
the delivery of its webhooks."""

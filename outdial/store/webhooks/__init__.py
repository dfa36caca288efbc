"""Outgoing webhooks: endpoints with their secrets, the outbox, deliveries."""

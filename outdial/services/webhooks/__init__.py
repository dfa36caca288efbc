"""Webhooks of providers in, and those of endpoints out."""

"""Calls: their rows, events, settlement, and what is reported late of them."""

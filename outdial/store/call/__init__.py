"""Calls: their rows, events, settlement, and reports that come after the settlement."""

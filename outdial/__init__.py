"""Outdial: a self-hosted campaign engine for outbound calling on Temporal."""

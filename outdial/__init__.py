"""Outdial: a self-hosted campaign engine for outbound calling on Temporal."""

__version__ = "0.1.0"
"""The version's one place: the wheel, the image and `outdial --version` take it from here."""

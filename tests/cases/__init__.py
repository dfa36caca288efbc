"""Inputs from public reports that were read wrongly once, each beside its siblings."""

"""Reads YAML documents: guarded events, nodes, plain values, and a map from keys to places."""

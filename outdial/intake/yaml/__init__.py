"""YAML documents as values with the places that problems are reported at."""

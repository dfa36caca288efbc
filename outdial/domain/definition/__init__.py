"""The campaign definition as a value: what a YAML file may say, and its field types."""

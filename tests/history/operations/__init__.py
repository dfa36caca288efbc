"""What doors and workers do with the database, each once: for rows of the history, for new ones,
and for ids that do not exist."""

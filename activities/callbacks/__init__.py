"""The steps that may follow a call, one file a kind."""

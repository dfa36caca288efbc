"""One package for each provider: `client.py` asks its API, `webhook.py` reads what it reports,
`status.json` says what its words mean. An adapter imports no other; what several need stands in
`http`, in `reports`, or beside the port."""

"""The built-in telephone network, where no telephone rings: a provider of its own, with an HTTP
API. Run it with `python -m outdial.providers.simulated`."""

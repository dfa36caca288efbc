"""How requests leave the installation: through which proxy, and whose certificates are trusted."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

_LOOPBACK = frozenset({"localhost", "::1"})


class Egress(BaseModel):
    """What every client that sends requests is built with."""

    model_config = ConfigDict(frozen=True)

    proxy: str | None = Field(default=None, repr=False)
    """Such as http://proxy.example.com:3128; it may hold a user and a password."""
    direct_hosts: frozenset[str] = frozenset()
    """Hosts that are reached without the proxy, in lower case."""
    ca_file: str | None = None
    """Certificates in PEM form of authorities that are trusted besides the public ones."""

    def proxy_for(self, host: str) -> str | None:
        """The proxy of requests to a host; what is on this machine is reached directly."""
        name = host.strip("[]").lower()
        direct = name in _LOOPBACK or name.startswith("127.") or name in self.direct_hosts
        return None if direct else self.proxy

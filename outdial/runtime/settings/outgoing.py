"""Settings of how requests leave the installation: an egress proxy, an authority of one's own."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from outdial.domain.egress import Egress


class OutgoingSettings(BaseModel):
    """Of requests to providers, webhooks, callbacks and calendars. HTTPS_PROXY, SSL_CERT_FILE and
    their like are not read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    proxy: str | None = Field(default=None, repr=False)
    """An HTTP proxy, such as http://proxy.example.com:3128."""
    direct_hosts: tuple[str, ...] = ()
    """Hosts that are reached without the proxy. Those of this machine always are."""
    ca_file: Path | None = None
    """Certificates in PEM form, trusted besides those of the public authorities."""

    @field_validator("proxy")
    @classmethod
    def _is_proxy(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            whole = parts.scheme in ("http", "https") and parts.hostname and parts.port
        except ValueError:
            whole = None
        if not whole or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError(
                "found no URL of a proxy with its port; write one such as "
                "http://proxy.example.com:3128"
            )
        return value.rstrip("/")

    @field_validator("direct_hosts")
    @classmethod
    def _names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if not host or any(c in host for c in "/*, "):
                raise ValueError(f"found {host!r}; write a host such as crm.internal")
        return tuple(host.lower() for host in value)

    @field_validator("ca_file")
    @classmethod
    def _certificates(cls, value: Path | None) -> Path | None:
        if value is None:
            return None
        from cryptography import x509

        try:
            x509.load_pem_x509_certificates(value.read_bytes())
        except OSError as error:
            raise ValueError(
                f"found {str(value)!r}, which cannot be read: {error.strerror}"
            ) from None
        except ValueError:
            raise ValueError(
                f"found {str(value)!r}, which is no certificate; write a file in PEM form"
            ) from None
        return value.absolute()

    def egress(self) -> Egress:
        return Egress(
            proxy=self.proxy,
            direct_hosts=frozenset(self.direct_hosts),
            ca_file=None if self.ca_file is None else str(self.ca_file),
        )

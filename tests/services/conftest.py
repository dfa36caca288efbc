from tests.services.servers import database, temporal_server, world

__all__ = ["database", "temporal_server", "world"]

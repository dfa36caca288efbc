from tests.services.servers import database, world

__all__ = ["database", "world"]

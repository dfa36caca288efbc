from tests.api.v1.conftest import api, them, us
from tests.compat.whole import at_work, customer, key
from tests.services.servers import database, world

__all__ = ["api", "at_work", "customer", "database", "key", "them", "us",
           "world"]  # fmt: skip

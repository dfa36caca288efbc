from tests.api.conftest import api_without_database
from tests.api.v1.conftest import api, us
from tests.compat.whole import at_work, customer, key
from tests.services.servers import database, world

__all__ = ["api", "api_without_database", "at_work", "customer", "database", "key",
           "us", "world"]  # fmt: skip

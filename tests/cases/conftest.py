"""Databases as the tests of the store have them: each on SQLite and on PostgreSQL."""

from tests.services.servers import (
    temporal_server as temporal_server,
)
from tests.store.conftest import (
    backend as backend,
)
from tests.store.conftest import (
    database as database,
)
from tests.store.conftest import (
    house as house,
)
from tests.store.conftest import (
    kept as kept,
)
from tests.store.conftest import (
    new_url as new_url,
)
from tests.store.conftest import (
    server as server,
)
from tests.store.conftest import (
    session_database as session_database,
)

"""Databases as the tests of the store have them."""

from tests.store.conftest import (
    database as database,
)
from tests.store.conftest import (
    house as house,
)
from tests.store.conftest import (
    new_url as new_url,
)

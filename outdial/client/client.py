"""The client of a thread: each method returns the answer. Written by `make openapi`.

with Client("https://calls.example.com", key) as outdial:
    call = outdial.create_call(NewCall(to="+12125550143", agent="reminder"))
"""

from __future__ import annotations

from outdial.client.operations.agents import Agents
from outdial.client.operations.appointments import Appointments
from outdial.client.operations.calls import Calls
from outdial.client.operations.campaigns import Campaigns
from outdial.client.operations.contacts import Contacts
from outdial.client.operations.deliveries import Deliveries
from outdial.client.operations.endpoints import Endpoints
from outdial.client.operations.keys import Keys
from outdial.client.operations.lines import Lines
from outdial.client.operations.log import Log
from outdial.client.operations.people import People
from outdial.client.operations.phone_numbers import PhoneNumbers
from outdial.client.operations.plans import Plans
from outdial.client.operations.reports import Reports
from outdial.client.operations.revisions import Revisions
from outdial.client.operations.suppressions import Suppressions


class Client(
    Agents,
    Appointments,
    Calls,
    Campaigns,
    Contacts,
    Deliveries,
    Endpoints,
    Keys,
    Lines,
    Log,
    People,
    PhoneNumbers,
    Plans,
    Reports,
    Revisions,
    Suppressions,
):
    """Every operation of the API. Use it in a `with`, or close it."""

"""The client of an event loop: each method is awaited. Written by `make openapi`.

async with AsyncClient("https://calls.example.com", key) as outdial:
    call = await outdial.create_call(NewCall(to="+12125550143", agent="reminder"))
"""

from __future__ import annotations

from outdial.client.async_operations.agents import AsyncAgents
from outdial.client.async_operations.appointments import AsyncAppointments
from outdial.client.async_operations.calls import AsyncCalls
from outdial.client.async_operations.campaigns import AsyncCampaigns
from outdial.client.async_operations.contacts import AsyncContacts
from outdial.client.async_operations.deliveries import AsyncDeliveries
from outdial.client.async_operations.endpoints import AsyncEndpoints
from outdial.client.async_operations.keys import AsyncKeys
from outdial.client.async_operations.lines import AsyncLines
from outdial.client.async_operations.log import AsyncLog
from outdial.client.async_operations.people import AsyncPeople
from outdial.client.async_operations.phone_numbers import AsyncPhoneNumbers
from outdial.client.async_operations.plans import AsyncPlans
from outdial.client.async_operations.reports import AsyncReports
from outdial.client.async_operations.revisions import AsyncRevisions
from outdial.client.async_operations.suppressions import AsyncSuppressions


class AsyncClient(
    AsyncAgents,
    AsyncAppointments,
    AsyncCalls,
    AsyncCampaigns,
    AsyncContacts,
    AsyncDeliveries,
    AsyncEndpoints,
    AsyncKeys,
    AsyncLines,
    AsyncLog,
    AsyncPeople,
    AsyncPhoneNumbers,
    AsyncPlans,
    AsyncReports,
    AsyncRevisions,
    AsyncSuppressions,
):
    """Every operation of the API. Use it in an `async with`, or close it by `aclose`."""

"""Operations of the API, awaited: appointments. Written by `make openapi`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from outdial.client.models.appointments import (
    AppointmentDetails,
    AppointmentPage,
    AppointmentUpdate,
    NewAppointment,
)
from outdial.client.models.shared import Appointment
from outdial.client.request import Request
from outdial.client.sending import AsyncSender


class AsyncAppointments(AsyncSender):
    """Appointments that calls booked, or people entered."""

    async def create_appointment(
        self,
        body: NewAppointment,
        *,
        idempotency_key: str | None = None,
    ) -> Appointment:
        """Enter an appointment made elsewhere; it counts as confirmed."""
        request = Request(
            "POST",
            "/appointments",
            body=body,
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return await self._send(request, 201, Appointment)

    async def list_appointments(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        calendar: str | None = None,
        phone: str | None = None,
        status: Sequence[
            Literal["booked", "confirmed", "in_progress", "completed", "no_show", "canceled"]
        ]
        | None = None,
        starts_from: datetime | None = None,
        starts_before: datetime | None = None,
    ) -> AppointmentPage:
        """Appointments, ordered by time."""
        request = Request(
            "GET",
            "/appointments",
            query={
                "limit": limit,
                "cursor": cursor,
                "calendar": calendar,
                "phone": phone,
                "status": status,
                "starts_from": starts_from,
                "starts_before": starts_before,
            },
        )
        return await self._send(request, 200, AppointmentPage)

    async def get_appointment(
        self,
        appointment_id: str,
    ) -> AppointmentDetails:
        """An appointment with its history."""
        request = Request(
            "GET",
            "/appointments/{appointment_id}",
            parameters={"appointment_id": appointment_id},
        )
        return await self._send(request, 200, AppointmentDetails)

    async def update_appointment(
        self,
        appointment_id: str,
        body: AppointmentUpdate,
    ) -> Appointment:
        """Move it, change its notes, or set its status. A canceled one stays canceled."""
        request = Request(
            "PATCH",
            "/appointments/{appointment_id}",
            parameters={"appointment_id": appointment_id},
            body=body,
        )
        return await self._send(request, 200, Appointment)

    async def cancel_appointment(
        self,
        appointment_id: str,
    ) -> None:
        """Cancel an appointment; its history is kept. It can be repeated."""
        request = Request(
            "DELETE",
            "/appointments/{appointment_id}",
            parameters={"appointment_id": appointment_id},
        )
        await self._send_for_nothing(request)

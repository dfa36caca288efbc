"""Operations of the API: agents. Written by `make openapi`."""

from __future__ import annotations

from outdial.client.models.agents import Agent, AgentPage, AgentUpdate, NewAgent
from outdial.client.request import Request
from outdial.client.sending import Sender


class Agents(Sender):
    """Voice agents, under ids of your own."""

    def create_agent(
        self,
        body: NewAgent,
        *,
        idempotency_key: str | None = None,
    ) -> Agent:
        """Register an agent under an id of your own. `remote_id` is its id at the line's
        provider; default: the same."""
        request = Request(
            "POST",
            "/agents",
            body=body,
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return self._send(request, 201, Agent)

    def list_agents(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        is_active: bool | None = None,
    ) -> AgentPage:
        """The registered agents, oldest first."""
        request = Request(
            "GET",
            "/agents",
            query={"limit": limit, "cursor": cursor, "is_active": is_active},
        )
        return self._send(request, 200, AgentPage)

    def get_agent(
        self,
        agent_id: str,
    ) -> Agent:
        """An agent, by the id it was registered under."""
        request = Request(
            "GET",
            "/agents/{agent_id}",
            parameters={"agent_id": agent_id},
        )
        return self._send(request, 200, Agent)

    def update_agent(
        self,
        agent_id: str,
        body: AgentUpdate,
        *,
        if_match: str | int | None = None,
    ) -> Agent:
        """Change an agent. With `If-Match`, only from that version."""
        request = Request(
            "PATCH",
            "/agents/{agent_id}",
            parameters={"agent_id": agent_id},
            body=body,
            if_match=if_match,
        )
        return self._send(request, 200, Agent)

    def delete_agent(
        self,
        agent_id: str,
        *,
        if_match: str | int | None = None,
    ) -> None:
        """Delete an agent. Calls already requested with it are still placed."""
        request = Request(
            "DELETE",
            "/agents/{agent_id}",
            parameters={"agent_id": agent_id},
            if_match=if_match,
        )
        self._send_for_nothing(request)

"""Browsers in LiveKit's rooms: the claims of their tokens.

docs.livekit.io/home/get-started/authentication; the room and its agent come with the token
(docs.livekit.io/agents/worker/agent-dispatch, dispatch on participant connection).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

LIFE = timedelta(minutes=15)
"""How long a browser may take to connect; it stays as long as it likes."""
VISITOR = "visitor"
"""The identity of the participant that is the browser."""
_ROOM = "outdial-web-"
_EMPTY_SECONDS = 60


def room_of(session_id: str) -> str:
    return f"{_ROOM}{session_id}"


def claims_of(session_id: str, agent: str, context: Mapping[str, Any]) -> dict[str, Any]:
    room = room_of(session_id)
    metadata = {"session_id": session_id, "context": context}
    return {
        "sub": VISITOR,
        "video": {
            "room": room,
            "roomJoin": True,
            "canPublish": True,
            "canSubscribe": True,
            "canPublishData": True,
        },
        "roomConfig": {
            "name": room,
            "emptyTimeout": _EMPTY_SECONDS,
            "departureTimeout": _EMPTY_SECONDS,
            "agents": [{"agentName": agent, "metadata": json.dumps(metadata)}],
        },
    }


def websocket_url(base_url: str) -> str:
    """Where browsers connect to, by where its API is."""
    return f"ws{base_url.removeprefix('http')}".rstrip("/")

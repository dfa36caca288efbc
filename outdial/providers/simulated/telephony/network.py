"""The telephone network itself: accepts calls, rings people, and says what happened.

In memory and on the running event loop's timers: one pending timer per call and no tasks.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from outdial.domain.call.status import NOBODY_REACHED, CallStatus, outcome_of
from outdial.domain.errors import OutdialError
from outdial.providers.simulated.telephony.analysis import analysis_of
from outdial.providers.simulated.telephony.call import FAILURES, Call, CallOrder, stamp
from outdial.providers.simulated.telephony.history import OpenHistory
from outdial.providers.simulated.telephony.person import Behaviour, PeopleModel, script_for
from outdial.providers.simulated.telephony.settings import AccountSettings, merge

Clock = Callable[[], datetime]
Publish = Callable[[Call, dict[str, Any], bool], None]
"""Takes a call, an event of it, and whether it is the call's last event."""

_ONE_SECOND = timedelta(seconds=1)
_MODELS_KEPT = 256
"""Far more than lines; a caller that makes up a model for every call must not fill the memory."""


class Refusal(OutdialError):
    """A create the network does not carry out; nothing happened."""

    code = "simulated_refusal"

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        """HTTP status."""
        self.word = code
        """Of the body of the response."""


class Network:
    """All calls, and what is known of them."""

    def __init__(
        self, people: PeopleModel, account: AccountSettings, *, clock: Clock, publish: Publish
    ) -> None:
        self.people = people
        self.account = account
        self.base_url = ""
        """Where recordings are found."""
        self.calls: dict[str, Call] = {}
        self.by_our_id: dict[str, list[Call]] = {}
        self.history = OpenHistory()
        self.results: Counter[str] = Counter()
        self.open_by_number: Counter[str] = Counter()
        self.peak_open_per_number = 0
        self._calls_by_number: Counter[str] = Counter()
        self._accepted_lately: deque[datetime] = deque()
        self._models: dict[str, PeopleModel] = {}
        self._clock = clock
        self._publish = publish

    def configure(self, people: PeopleModel, account: AccountSettings) -> None:
        """Change settings; calls already made keep their script."""
        self.people = people
        self.account = account
        self._models.clear()

    def close(self) -> None:
        """Stop all timers; nothing happens in any call from now on."""
        for call in self.calls.values():
            if call.timer is not None:
                call.timer.cancel()

    def create(self, order: CallOrder, *, silent: Callable[[str, int], bool]) -> Call:
        """Accept a call and dial it.

        `silent` says whether the nth call to a number sends no webhooks.
        Raises Refusal.
        """
        people = self._people_for(order)
        nth = self._calls_by_number[order.to] + 1
        script = script_for(people, order.to, _attempt(order, nth))
        self._admit(order, script.behaviour)
        call = Call(
            id=f"call_{uuid.uuid4().hex}",
            order=order,
            script=script,
            time_scale=people.time_scale,
            cost_per_minute=people.cost_per_minute,
            nth=nth,
            created_at=self._clock(),
            silent=silent(order.to, nth),
        )
        self._record(call)
        self._after(call, script.dial_seconds, self._dialed)
        return call

    def find(self, our_id: str | None, since: datetime | None) -> list[Call]:
        """Calls by the id in their metadata, oldest first; all of them when it is None."""
        calls = self.calls.values() if our_id is None else self.by_our_id.get(our_id, [])
        return [call for call in calls if since is None or call.created_at >= since]

    def end(self, call: Call) -> None:
        """Hang up on behalf of the caller; a call that has ended stays as it is."""
        if call.status.terminal:
            return
        if call.status is CallStatus.IN_PROGRESS and call.answered_at is not None:
            talked = (self._clock() - call.answered_at).total_seconds() * call.time_scale
            self._complete(call, talked, reason="ended_by_api")
        else:
            self._finish(call, CallStatus.CANCELED, reason="ended_by_api")

    def _people_for(self, order: CallOrder) -> PeopleModel:
        if not order.model:
            return self.people
        key = json.dumps(order.model, sort_keys=True)
        if len(self._models) > _MODELS_KEPT:
            self._models.clear()
        people = self._models.get(key)
        if people is None:
            try:
                people = PeopleModel.model_validate(
                    merge(self.people.model_dump(mode="json"), order.model)
                )
            except ValidationError as exc:
                raise Refusal(400, "invalid_model") from exc
            self._models[key] = people
        return people

    def _admit(self, order: CallOrder, behaviour: Behaviour) -> None:
        account, now = self.account, self._clock()
        if account.agents is not None and order.agent not in account.agents:
            raise Refusal(404, "agent_not_found")
        if account.caller_ids is not None and order.caller not in account.caller_ids:
            raise Refusal(422, "caller_id_not_allowed")
        if not _dialable(order.to):
            raise Refusal(400, "number_invalid")
        if behaviour is Behaviour.REJECTED:
            raise Refusal(422, "number_not_dialable")
        if account.max_concurrent is not None and self.history.open >= account.max_concurrent:
            raise Refusal(429, "concurrency_limit")
        if account.max_per_second is not None:
            lately = self._accepted_lately
            while lately and lately[0] <= now - _ONE_SECOND:
                lately.popleft()
            if len(lately) >= account.max_per_second:
                raise Refusal(429, "rate_limit")
            lately.append(now)

    def _record(self, call: Call) -> None:
        number = call.order.to
        self.calls[call.id] = call
        if (our_id := call.our_id) is not None:
            self.by_our_id.setdefault(our_id, []).append(call)
        self._calls_by_number[number] += 1
        self.open_by_number[number] += 1
        self.peak_open_per_number = max(self.peak_open_per_number, self.open_by_number[number])
        self.history.add(+1, call.created_at)

    def _after(self, call: Call, seconds: float, step: Callable[[Call], None]) -> None:
        loop = asyncio.get_running_loop()
        call.timer = loop.call_later(seconds / call.time_scale, step, call)

    def _dialed(self, call: Call) -> None:
        script = call.script
        if script.behaviour is Behaviour.BUSY:
            self._finish(call, CallStatus.BUSY, reason="user_busy")
        elif script.behaviour in FAILURES:
            self._finish(call, CallStatus.FAILED, reason=script.behaviour.value)
        else:
            call.status = CallStatus.RINGING
            call.ringing_at = self._clock()
            self._emit(call, "call.ringing", call.ringing_at)
            timeout = call.order.ring_timeout_s
            if script.behaviour is Behaviour.NO_ANSWER or script.ring_seconds >= timeout:
                self._after(call, timeout, self._rang_out)
            else:
                self._after(call, script.ring_seconds, self._answered)

    def _rang_out(self, call: Call) -> None:
        self._finish(call, CallStatus.NO_ANSWER, reason="ring_timeout")

    def _answered(self, call: Call) -> None:
        call.status = CallStatus.IN_PROGRESS
        call.answered_at = self._clock()
        call.answered_by = call.script.answered_by
        self._emit(call, "call.in_progress", call.answered_at)
        self._after(call, min(call.script.talk_seconds, call.order.max_duration_s), self._talked)

    def _talked(self, call: Call) -> None:
        limit = call.order.max_duration_s
        if call.script.talk_seconds > limit:
            self._complete(call, limit, reason="max_duration")
        else:
            call.disposition = call.script.disposition
            by_agent = call.answered_by in NOBODY_REACHED
            reason = "agent_hung_up" if by_agent else "person_hung_up"
            self._complete(call, call.script.talk_seconds, reason=reason)

    def _complete(self, call: Call, talked: float, *, reason: str) -> None:
        call.duration_seconds = round(talked, 3)
        self._finish(call, CallStatus.COMPLETED, reason=reason)
        self._after(call, call.script.analysis_seconds, self._analyzed)

    def _finish(self, call: Call, status: CallStatus, *, reason: str) -> None:
        if call.timer is not None:
            call.timer.cancel()
        call.timer = None
        call.status = status
        call.reason = reason
        call.ended_at = self._clock()
        call.result = outcome_of(
            status,
            answered_by=call.answered_by,
            failure=FAILURES.get(reason),
            disposition=call.disposition,
        )
        self.results[call.result] += 1
        self.open_by_number[call.order.to] -= 1
        self.history.add(-1, call.ended_at)
        last = status is not CallStatus.COMPLETED
        self._emit(call, f"call.{status.value}", call.ended_at, last=last)

    def _analyzed(self, call: Call) -> None:
        call.timer = None
        call.analyzed_at = self._clock()
        analysis = analysis_of(call, call.analyzed_at, self.base_url)
        self._emit(call, "call.analyzed", call.analyzed_at, extra=analysis, last=True)

    def _emit(
        self,
        call: Call,
        kind: str,
        at: datetime,
        *,
        extra: dict[str, Any] | None = None,
        last: bool = False,
    ) -> None:
        event = {
            # Made from the call's id, so that no id comes back after the network restarts.
            "id": f"evt_{call.id.removeprefix('call_')}_{len(call.events)}",
            "type": kind,
            "timestamp": stamp(at),
            "data": {**call.facts(), **(extra or {})},
        }
        call.events.append(event)
        self._publish(call, event, last)


def _attempt(order: CallOrder, nth: int) -> int:
    """The attempt the caller names, else the number of calls this number has had."""
    try:
        return int(order.metadata.get("attempt") or nth)
    except (TypeError, ValueError):
        return nth


def _dialable(number: str) -> bool:
    digits = number.removeprefix("+")
    return number.startswith("+") and digits.isascii() and digits.isdigit() and 7 < len(digits) < 16

"""The picture of `outdial watch` in a terminal: campaigns, calls in flight, a log, and keys."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from outdial.cli.campaigns.figures import budget_in_words, calls_in_words, waiting_for
from outdial.cli.output import clock_time, counted
from outdial.domain.call.claim import CampaignState
from outdial.domain.codes import words
from outdial.domain.numbers.phone import mask_phone
from outdial.domain.record import CallRecord, Progress, RecipientState
from outdial.services.operations.watching import CampaignsView, changes_of_state

LOGGED = 8
"""Lines of the log in the picture."""
_BAR_WIDTH = 24


class LivePicture:
    """What is shown of the views that it is given, one after the other."""

    def __init__(self) -> None:
        self.view: CampaignsView | None = None
        self.wanted: str | None = None
        """The campaign that keys have moved to; None: the first."""
        self._log: deque[str] = deque(maxlen=LOGGED)

    @property
    def selected(self) -> Progress | None:
        """The campaign that keys act on."""
        if self.view is None:
            return None
        named = (each for each in self.view.campaigns if each.campaign == self.wanted)
        return next(named, self.view.selected)

    def take(self, view: CampaignsView) -> None:
        """Show this view from now on, and log what has happened since the one before."""
        before, self.view = self.view, view
        for call in view.ended:
            self.note(_ended(call), view.at)
        for text in () if before is None else changes_of_state(before, view):
            self.note(text, view.at)

    def note(self, text: str, at: datetime) -> None:
        """Add a line to the log."""
        self._log.append(f"{at.astimezone():%H:%M:%S}  {text}")

    def move(self, step: int) -> None:
        """Select the campaign that is so many lines below the selected one, or above it."""
        if self.view is None or self.selected is None:
            return
        names = [each.campaign for each in self.view.campaigns]
        at = names.index(self.selected.campaign) + step
        self.wanted = names[max(0, min(at, len(names) - 1))]

    def render(self) -> Group:
        view = self.view
        if view is None or not view.campaigns:
            return Group(Text("No campaign has been launched yet."), _keys(None))
        chosen = self.selected
        parts: list[RenderableType] = [self._campaigns(view)]
        if chosen is not None:
            parts += [Text(""), _details(chosen, view.at)]
            if view.selected is chosen and view.calls:
                parts += [Text(""), _calls(view, chosen)]
        if self._log:
            parts += [Text(""), *(Text(line, style="dim") for line in self._log)]
        return Group(*parts, Text(""), _keys(chosen))

    def _campaigns(self, view: CampaignsView) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for heading in ("", "campaign", "state", "", "done"):
            table.add_column(heading)
        table.add_column("in flight", justify="right")
        for each in view.campaigns:
            done = each.by_state.get(RecipientState.DONE, 0)
            total = max(each.recipients, 1)
            is_chosen = each is self.selected
            table.add_row(
                "›" if is_chosen else " ",
                Text(each.campaign, style="bold" if is_chosen else ""),
                Text(each.state.value),
                ProgressBar(total=total, completed=done, width=_BAR_WIDTH),
                Text(f"{done} of {each.recipients}"),
                str(each.in_flight),
            )
        if view.more:
            table.add_row("", Text("…", style="dim"))
        return table


def _details(chosen: Progress, now: datetime) -> Table:
    table = Table.grid(padding=(0, 2))
    for label, text in _rows(chosen, now):
        table.add_row(Text(label, style="dim"), Text(text))
    return table


def _rows(chosen: Progress, now: datetime) -> Iterator[tuple[str, str]]:
    if not chosen.recipients and not chosen.state.over:
        yield "", "enrolling recipients"
        return
    yield "calls", calls_in_words(chosen)
    waiting = {s: n for s, n in chosen.by_state.items() if s != RecipientState.DONE and n}
    if waiting:
        yield "people", counted(waiting)
    if chosen.by_outcome:
        yield "done", counted(chosen.by_outcome)
    if chosen.budget is not None:
        yield "budget", budget_in_words(chosen.budget)
    why = "" if chosen.state.over else waiting_for(chosen, now)
    if why:
        yield "next", why


def _calls(view: CampaignsView, chosen: Progress) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("in flight", "line", "status", "for"):
        table.add_column(heading)
    for call in view.calls:
        since = call.answered_at or call.placed_at or call.created_at
        table.add_row(
            mask_phone(call.to),
            call.line,
            words(call.status.value),
            clock_time(max(0.0, (view.at - since).total_seconds())),
        )
    more = chosen.in_flight - len(view.calls)
    if more > 0:
        table.add_row(Text(f"and {more} more", style="dim"))
    return table


def _ended(call: CallRecord) -> str:
    result = [words(call.status.value)]
    result += [words(each) for each in (call.outcome, call.disposition) if each]
    talk = f", {call.duration_seconds:.0f} s" if call.duration_seconds else ""
    return f"{mask_phone(call.to)} in {call.campaign}: {', '.join(dict.fromkeys(result))}{talk}"


def _keys(chosen: Progress | None) -> Text:
    keys = ["↑ ↓ select"]
    if chosen is not None and chosen.state is CampaignState.RUNNING:
        keys.append(f"p pause {chosen.campaign}")
    elif chosen is not None and chosen.state is CampaignState.PAUSED:
        keys.append(f"r resume {chosen.campaign}")
    return Text("   ".join([*keys, "q quit"]), style="dim")

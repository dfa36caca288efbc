"""A plan in words and tables, with a picture of when its calls are made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from outdial.cli.campaigns.differences import difference_lines
from outdial.cli.output import new_table, plural, print_table, say
from outdial.domain.codes import words
from outdial.domain.definition.differences import Difference
from outdial.intake.problems import problem_lines
from outdial.services.campaigns.plan_document import (
    PlanBand,
    PlanChanges,
    PlanCost,
    PlanDifference,
    PlanDocument,
    PlanExample,
    PlanKeyEffect,
    PlanPart,
    PlanReason,
    PlanRehearsal,
    PlanWindow,
)
from outdial.services.campaigns.plan_input import RejectedRows

WINDOWS = 12
"""Time zones and jurisdictions that are shown; `--json` has all of them."""
PROBLEMS = 20
"""Rejected rows that are shown."""
_SHADES = " ░▒▓█"
_MILLION = 1_000_000


def print_plan(plan: PlanDocument, rejected: RejectedRows) -> None:
    """Print everything but long lists."""
    say(
        f"{plan.campaign}: {plural(plan.recipients, 'recipient')} on {', '.join(plan.lines)}, "
        f"launched {_clock(plan.start)}; plan {plan.id[:12]}"
    )
    say(_summary(plan))
    for note in plan.notes:
        say(note)
    for title, part in (("never", plan.never), ("later", plan.later)):
        _print_reasons(title, part)
    _print_windows(plan.windows)
    if plan.zone_sources:
        say("")
        say(f"time zones by {_counted(plan.zone_sources)}")
    for cap in plan.caps:
        if cap.used:
            people = plural(cap.used, "person has", "people have")
            say(f"{cap.cap} ({cap.by}): {people} had some of them, {cap.reached} all of them")
    _print_rejected(plan, rejected)
    if plan.changes is not None:
        _print_changes(plan.campaign, plan.changes)
    if plan.highest_cost is not None:
        _print_cost(plan.highest_cost)
    if plan.rehearsal is not None:
        _print_rehearsal(plan.rehearsal)


def _summary(plan: PlanDocument) -> str:
    """`1,216 will be called (1,204 now, 12 later), 80 never (80 consent missing)`."""
    called = plan.now.people + plan.later.people
    text = f"{called:,} will be called"
    if plan.later.people:
        text += f" ({plan.now.people:,} now, {plan.later.people:,} later)"
    text += f", {plan.never.people:,} never"
    if plan.never.people:
        text += f" ({', '.join(_count_of(reason) for reason in plan.never.reasons)})"
    if plan.done.people:
        text += f", {plan.done.people:,} done already"
    if plan.rejected.rows:
        text += f"; {plural(plan.rejected.rows, 'row is', 'rows are')} rejected"
    return text


def _count_of(reason: PlanReason) -> str:
    return f"{reason.people:,} {words(reason.code)}"


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{words(name)} {count:,}" for name, count in counts.items())


def _print_reasons(title: str, part: PlanPart) -> None:
    if not part.reasons:
        return
    say("")
    table = new_table(title, "", "", right=frozenset({title}))
    for reason in part.reasons:
        table.add_row(f"{reason.people:,}", words(reason.code), _from(reason))
        for text in reason.texts:
            table.add_row("", "", f"{text.people:,}: {text.reason}")
        table.add_row("", "", _rows(reason.examples, reason.people))
    print_table(table)


def _from(reason: PlanReason) -> str:
    if reason.first_at is None or reason.last_at is None:
        return ""
    if reason.first_at == reason.last_at:
        return f"at {_clock(reason.first_at)}"
    return f"from {_clock(reason.first_at)} to {_clock(reason.last_at)}"


def _rows(examples: Sequence[PlanExample], people: int) -> str:
    shown = ", ".join(f"{each.row} ({each.phone})" for each in examples)
    return f"rows {shown}{', …' if people > len(examples) else ''}"


def _print_windows(windows: Sequence[PlanWindow]) -> None:
    if not windows:
        return
    say("")
    right = frozenset({"people", "hours a week"})
    table = new_table("people", "may be called in", "", "hours a week", "", right=right)
    shown = [each for each in windows if each.called or each.refused is not None]
    for window in shown[:WINDOWS]:
        table.add_row(
            f"{window.called:,}",
            _some(window.zones),
            _some(window.jurisdictions),
            f"{window.open_hours:g}",
            _hours(window),
        )
    print_table(table)
    if len(shown) > WINDOWS:
        say(f"and {len(shown) - WINDOWS} more; --json lists all of them")
    _print_rules(shown)


def _hours(window: PlanWindow) -> str:
    if window.hours is None:
        return f"never: {window.refused}"
    blocks = (f"{each.jurisdiction} blocked until {_clock(each.until)}" for each in window.blocks)
    return "; ".join((window.hours, *blocks))


def _print_rules(windows: Iterable[PlanWindow]) -> None:
    """Each rule that narrows the hours of somebody."""
    rules = {rule.id: rule for window in windows for rule in window.rules}
    narrowing = [rule for rule in rules.values() if rule.windows or rule.holidays]
    if not narrowing:
        return
    table = new_table("rule", "hours", "citation")
    for rule in sorted(narrowing, key=lambda each: each.id):
        hours = ", ".join(rule.windows)
        closed = f"not on holidays of {', '.join(rule.holidays)}" if rule.holidays else ""
        table.add_row(rule.id, "; ".join(filter(None, (hours, closed))), rule.cite)
    say("")
    print_table(table)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")


def _print_rejected(plan: PlanDocument, rejected: RejectedRows) -> None:
    if not rejected:
        return
    say("")
    duplicates = plan.rejected.duplicates
    listed = f", {plural(duplicates, 'number')} listed twice" if duplicates else ""
    say(f"{plural(plan.rejected.rows, 'row')} rejected{listed}; a launch is refused with them:")
    shown = rejected.problems[:PROBLEMS]
    hidden = len(rejected.problems) + rejected.omitted - len(shown)
    for line in problem_lines(shown, hidden):
        say(line)


def _print_cost(cost: PlanCost) -> None:
    kept = " (limited by the budget)" if cost.by_budget else ""
    say("")
    say(f"costs at most {cost.total}{kept}; for one person at most {cost.per_person}")


def _print_changes(name: str, changes: PlanChanges) -> None:
    say("")
    if not changes.differences and not changes.added:
        say(
            f"no key differs from {name}, which is {changes.state} at revision {changes.revision}; "
            "values of rows are not compared"
        )
    else:
        say(f"changes of {name}, which is {changes.state} at revision {changes.revision}:")
    for line in difference_lines(map(_difference, changes.differences)):
        say(line)
    for effect in changes.effects:
        say(f"  {effect.key} alone, of {changes.waiting:,} waiting recipients: {_moved(effect)}")
    if changes.added:
        say(f"  {plural(changes.added, 'recipient')} added")
    if changes.missing:
        one, more = "recipient is not listed, and stays", "recipients are not listed, and stay"
        say(f"  {plural(changes.missing, one, more)}")
    if changes.in_flight:
        say(
            f"  {plural(changes.in_flight, 'call')} under way: as claimed, to the end; "
            f"{changes.queued} not placed yet, re-evaluated before that"
        )


def _difference(of: PlanDifference) -> Difference:
    return Difference(of.path, of.before, of.after, of.effect)


def _moved(effect: PlanKeyEffect) -> str:
    """`3 sooner, 12 later, 2 canceled, 40 left as they are`."""
    counts = {
        "sooner": effect.sooner,
        "later": effect.later,
        "canceled": effect.canceled,
        "called after all": effect.restored,
        "left as they are": effect.same,
    }
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "nobody"


def _print_rehearsal(rehearsal: PlanRehearsal) -> None:
    seeds = rehearsal.seeds
    say("")
    say(f"rehearsed: {plural(len(seeds), 'run')}, seed {seeds[0]}; people: {rehearsal.people}")
    columns = ("10%", "50%", "90%")
    table = new_table("", *columns, right=frozenset(columns))
    finish = rehearsal.finish
    table.add_row("finish", *map(_clock, (finish.p10, finish.p50, finish.p90)))
    table.add_row("calls", *_figures(rehearsal.calls))
    table.add_row("people reached", *_figures(rehearsal.reached))
    cost = rehearsal.cost_millionths
    if cost is not None:
        table.add_row(
            "cost", *(f"{each / _MILLION:,.2f}" for each in (cost.p10, cost.p50, cost.p90))
        )
    print_table(table)
    if rehearsal.unfinished_runs:
        say(f"{plural(rehearsal.unfinished_runs, 'run')} did not end")
    _print_heat_map(rehearsal)


def _figures(band: PlanBand) -> Iterable[str]:
    return (f"{each:,.0f}" for each in (band.p10, band.p50, band.p90))


def _print_heat_map(rehearsal: PlanRehearsal) -> None:
    rows = rehearsal.calls_by_hour
    most = max((calls for row in rows for calls in row.calls), default=0)
    if not most:
        return
    say("")
    table = new_table("calls by local hour", "0     6     12    18    ", "")
    for row in sorted(rows, key=lambda each: -sum(each.calls)):
        shades = "".join(_shade(calls, most) for calls in row.calls)
        table.add_row(row.zone, shades, f"{sum(row.calls):,.0f}")
    print_table(table)


def _shade(calls: float, most: float) -> str:
    """Darker for more; whatever is more than nothing is visible."""
    if not calls:
        return _SHADES[0]
    return _SHADES[min(1 + int(calls / most * (len(_SHADES) - 1)), len(_SHADES) - 1)]


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%a %Y-%m-%d %H:%M}Z"

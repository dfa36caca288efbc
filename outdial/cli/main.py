"""`outdial`: the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from outdial.cli.lazy import LazyCommand, LazyGroup

RUN = "Run a campaign"
STEER = "Monitor and control"
RULES = "Rules and suppression"
WRITE = "Campaign files"
OPERATE = "Operate"


class Commands(LazyGroup):
    """Every command, in the order in which the help lists them."""

    lazy_commands = (
        LazyCommand(
            "launch", RUN, "Launch a campaign file, and watch it to its end.",
            "outdial.cli.campaigns.launch:launch",
        ),
        LazyCommand(
            "try", RUN, "Call yourself first, as the first recipient would be called.",
            "outdial.cli.campaigns.try_call:try_call",
        ),
        LazyCommand(
            "watch", RUN, "Show a campaign's progress until it has ended.",
            "outdial.cli.campaigns.watch:watch",
        ),
        LazyCommand(
            "schedule", RUN, "Launch a campaign repeatedly, by a Temporal Schedule.",
            "outdial.cli.campaigns.schedule:schedule",
        ),
        LazyCommand(
            "unschedule", RUN, "Remove a campaign's schedule. A launch that runs continues.",
            "outdial.cli.campaigns.schedule:unschedule",
        ),
        LazyCommand(
            "status", STEER, "Show the progress of campaigns.",
            "outdial.cli.campaigns.status:status",
        ),
        LazyCommand(
            "calls", STEER, "List the calls of a campaign.",
            "outdial.cli.campaigns.status:calls",
        ),
        LazyCommand(
            "results", STEER, "List what became of each recipient of a campaign.",
            "outdial.cli.campaigns.results:results",
        ),
        LazyCommand(
            "report", STEER, "Report what a campaign came to.",
            "outdial.cli.campaigns.report:report",
        ),
        LazyCommand(
            "callbacks", STEER, "List the callbacks of a campaign's calls, newest first.",
            "outdial.cli.campaigns.callbacks:callbacks",
        ),
        LazyCommand(
            "retry-callback", STEER, "Run a call's callbacks again, from the one that failed.",
            "outdial.cli.campaigns.callbacks:retry_callback",
        ),
        LazyCommand(
            "pause", STEER, "Place no more calls until `outdial resume`.",
            "outdial.cli.campaigns.control:pause",
        ),
        LazyCommand(
            "resume", STEER, "Resume a paused campaign.",
            "outdial.cli.campaigns.control:resume",
        ),
        LazyCommand(
            "stop", STEER, "End a campaign for good.",
            "outdial.cli.campaigns.control:stop",
        ),
        LazyCommand(
            "add", STEER, "Add the people of a contact file to a campaign that has not ended.",
            "outdial.cli.campaigns.add:add",
        ),
        LazyCommand(
            "remove", STEER, "Remove a person from a campaign: it calls them no more.",
            "outdial.cli.campaigns.remove:remove",
        ),
        LazyCommand(
            "apply", STEER, "Make a running campaign match its changed file.",
            "outdial.cli.campaigns.apply:apply",
        ),
        LazyCommand(
            "history", STEER, "List the revisions of a campaign: who made each, when and why.",
            "outdial.cli.campaigns.revisions:history",
        ),
        LazyCommand(
            "diff", STEER, "Show what differs between two revisions of a campaign.",
            "outdial.cli.campaigns.revisions:diff",
        ),
        LazyCommand(
            "rollback", STEER,
            "Apply an earlier revision of a campaign again, or take its canary back.",
            "outdial.cli.campaigns.apply:rollback",
        ),
        LazyCommand(
            "canary", STEER,
            "Show a campaign's last canary beside the rest: figures, evidence, how it ended.",
            "outdial.cli.campaigns.canary:canary",
        ),
        LazyCommand(
            "explain", RULES,
            "Explain why a recipient is called now, later, or never; without a number, what a "
            "campaign waits for.",
            "outdial.cli.compliance.explain:explain",
        ),
        LazyCommand(
            "person", RULES, "Show everything about one number, over all campaigns.",
            "outdial.cli.compliance.person:person",
        ),
        LazyCommand(
            "audit", RULES, "Verify the receipts of a campaign's calls, and print their head.",
            "outdial.cli.compliance.explain:audit",
        ),
        LazyCommand(
            "log", RULES,
            "List what operators did, newest first: who, when, through which door, and why.",
            "outdial.cli.compliance.log:log",
        ),
        LazyCommand(
            "rules", RULES, "Show the calling rules in force, with citations, or add your own.",
            "outdial.cli.compliance.rules:rules",
        ),
        LazyCommand(
            "block", RULES, "Place no calls to a country or state until a date.",
            "outdial.cli.compliance.rules:block",
        ),
        LazyCommand(
            "unblock", RULES, "Lift a block before its end.",
            "outdial.cli.compliance.rules:unblock",
        ),
        LazyCommand(
            "suppress", RULES, "Add numbers to the suppression list: they are never called again.",
            "outdial.cli.compliance.suppress:suppress",
        ),
        LazyCommand(
            "lift", RULES, "Remove a number from the suppression list.",
            "outdial.cli.compliance.suppress:lift",
        ),
        LazyCommand(
            "validate", WRITE, "Check a campaign file and its contacts. No call is placed.",
            "outdial.cli.definitions.validate:validate",
        ),
        LazyCommand(
            "plan", WRITE, "Show what a campaign file would do. No call is placed.",
            "outdial.cli.campaigns.plan:plan",
        ),
        LazyCommand(
            "rehearse", WRITE, "Rehearse a campaign file in virtual time. No call is placed.",
            "outdial.cli.campaigns.rehearse:rehearse",
        ),
        LazyCommand(
            "learn", WRITE, "Fit a people model to a campaign's own calls, to rehearse with.",
            "outdial.cli.campaigns.learn:learn",
        ),
        LazyCommand(
            "schema", WRITE, "Print a JSON Schema.",
            "outdial.cli.definitions.schema:schema",
        ),
        LazyCommand(
            "lines", OPERATE, "Show the state of the lines.",
            "outdial.cli.operations.lines:lines",
        ),
        LazyCommand(
            "doctor", OPERATE,
            "Check everything that calls depend on, and say what to do about each finding.",
            "outdial.cli.operations.doctor:doctor",
        ),
        LazyCommand(
            "up", OPERATE, "Run everything on this machine until Ctrl-C.",
            "outdial.cli.operations.stack:up",
        ),
        LazyCommand(
            "console", OPERATE, "Print a link that signs in to the console of the stack here.",
            "outdial.cli.operations.console:console",
        ),
        LazyCommand(
            "migrate", OPERATE, "Bring the database's schema up to date.",
            "outdial.cli.operations.stack:migrate",
        ),
        LazyCommand(
            "setup", OPERATE, "Prepare a Temporal cluster.",
            "outdial.cli.operations.stack:setup",
        ),
        LazyCommand(
            "nexus", OPERATE,
            "Create the Nexus endpoint by which workflows of other namespaces place calls.",
            "outdial.cli.operations.nexus:nexus",
        ),
        LazyCommand(
            "line", OPERATE, "Check a line.",
            "outdial.cli.operations.line:app",
        ),
        LazyCommand(
            "keys", OPERATE, "Manage the keys of the HTTP API.",
            "outdial.cli.operations.keys:app",
        ),
    )  # fmt: skip


app = typer.Typer(
    name="outdial",
    cls=Commands,
    help="Run outbound calling campaigns: a YAML file says whom to call, when and how often.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_versions(wanted: bool) -> None:
    if wanted:
        from outdial.cli.versions import version_lines

        for line in version_lines():
            typer.echo(line)
        raise typer.Exit


@app.callback()
def outdial(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_show_versions,
            is_eager=True,
            help="Show the versions of the code, schema, rules, zone data and Temporal SDK.",
        ),
    ] = False,
) -> None:
    """A callback without commands makes the application a group."""

"""`outdial`: the command line."""

from __future__ import annotations

import typer

from outdial.cli import (
    callbacks,
    control,
    explain,
    keys,
    launch,
    line,
    read,
    rules,
    stack,
    suppress,
    temporal,
    try_call,
    validate,
)

app = typer.Typer(
    name="outdial",
    help="Run outbound calling campaigns: a YAML file says whom to call, when and how often.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

RUN = "Run a campaign"
STEER = "Steer and look"
RULES = "Rules and records"
WRITE = "Write definitions"
OPERATE = "Operate"

app.command(rich_help_panel=RUN)(launch.launch)
app.command("try", rich_help_panel=RUN)(try_call.try_call)
app.command("watch", rich_help_panel=RUN)(launch.watch_command)
app.command(rich_help_panel=RUN)(temporal.schedule)
app.command(rich_help_panel=RUN)(temporal.unschedule)
app.command(rich_help_panel=STEER)(read.status)
app.command(rich_help_panel=STEER)(read.calls)
app.command(rich_help_panel=STEER)(callbacks.callbacks)
app.command("retry-callback", rich_help_panel=STEER)(callbacks.retry_callback)
app.command(rich_help_panel=STEER)(control.pause)
app.command(rich_help_panel=STEER)(control.resume)
app.command(rich_help_panel=STEER)(control.stop)
app.command(rich_help_panel=RULES)(explain.explain)
app.command(rich_help_panel=RULES)(explain.audit)
app.command(rich_help_panel=RULES)(rules.rules)
app.command(rich_help_panel=RULES)(rules.block)
app.command(rich_help_panel=RULES)(rules.unblock)
app.command(rich_help_panel=RULES)(suppress.suppress)
app.command(rich_help_panel=RULES)(suppress.lift)
app.command(rich_help_panel=WRITE)(validate.validate)
app.command(rich_help_panel=WRITE)(validate.schema)
app.command(rich_help_panel=OPERATE)(line.lines)
app.add_typer(line.app, rich_help_panel=OPERATE)
app.add_typer(keys.app, name="keys", rich_help_panel=OPERATE)
app.command(rich_help_panel=OPERATE)(stack.up)
app.command(rich_help_panel=OPERATE)(stack.migrate)
app.command(rich_help_panel=OPERATE)(stack.setup)
app.command(rich_help_panel=OPERATE)(temporal.nexus)

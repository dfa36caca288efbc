"""A group of commands whose modules are imported when one of them runs, not before."""

from __future__ import annotations

import gc
import itertools
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from outdial.domain.retired import current_name

NEW_OBJECTS = 50_000
"""After so many new objects garbage is looked for, not after 700: imports make a hundred thousand
that stay, and looking at them again and again is a tenth of what `outdial status` takes."""


@dataclass(frozen=True)
class LazyCommand:
    """A command as the list of commands shows it, and where it is defined."""

    name: str
    panel: str
    help: str
    """The first paragraph of its docstring; a test compares them."""
    source: str
    """`module:attribute`, of a function, or of a `typer.Typer` with commands of its own."""

    def entry(self) -> TyperCommand:
        """What the list of commands shows."""
        return TyperCommand(name=self.name, help=self.help, rich_help_panel=self.panel)

    def load(self) -> Any:
        """The command itself."""
        module, _, attribute = self.source.partition(":")
        gc.set_threshold(NEW_OBJECTS)
        defined = getattr(import_module(module), attribute)
        if isinstance(defined, typer.Typer):
            return typer.main.get_group(defined)
        single = typer.Typer(add_completion=False, rich_markup_mode="markdown")
        single.command(self.name, cls=Command)(defined)
        return typer.main.get_command(single)


class Command(TyperCommand):
    """A command that refuses a retired option with its current name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        options = {option for parameter in self.params for option in parameter.opts}
        names = {option.removeprefix("--").replace("-", "_") for option in options}
        for argument in itertools.takewhile(lambda argument: argument != "--", args):
            option = argument.partition("=")[0]
            word = option.removeprefix("--").replace("-", "_")
            current = current_name(word, names) if option.startswith("--") else None
            if current is not None:
                raise typer.BadParameter(f"{option} is now --{current}", ctx)
        return super().parse_args(ctx, args)


class LazyGroup(TyperGroup):
    """Shows its commands without importing them."""

    lazy_commands: tuple[LazyCommand, ...] = ()

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {command.name: command.entry() for command in self.lazy_commands}

    def load(self, name: str) -> Any:
        """The command of that name, imported. Raises KeyError."""
        return {command.name: command for command in self.lazy_commands}[name].load()

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As the base class does, but with the imported command."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None else self.load(name), rest

"""Groups of commands, whose lists say each command's sentence to its end."""

import click

WHOLE = 1000  # characters: no sentence is longer


class Group(click.Group):
    """A group whose help folds what a terminal has no room for; click would cut it."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Every command with its sentence."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, command.get_short_help_str(WHOLE)) for name, command in found if command is not None]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

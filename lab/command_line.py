"""The `lab` command: knows the names of its commands, and loads the module of the one that is called."""

import importlib
from collections.abc import Callable

import click

from grader.language import Text, catalogue
from lab.usage import PoliteCommand

_ = catalogue(__file__)


def _sections() -> list[tuple[Text, dict[str, Text]]]:
    """Returns every command with one line about it, by who needs it; `lab/commands/<name>.py` builds it."""
    participant = {
        "up": _("Start the lab in the background."),
        "down": _("Stop the lab; nothing is lost."),
        "status": _("Show the agencies, their addresses and your sandbox."),
        "logs": _("Show what the agencies have written to their log."),
        "doctor": _("Look for what this computer lacks, and say how to mend it."),
        "exercise": _("Check your work on an exercise."),
        "hint": _("Show the next hint for an exercise."),
        "trace": _("Draw what your program did between the agencies."),
        "reset": _("Put your city back to its first day."),
    }
    return [
        (_("For participants"), participant),
        (_("For graders"), {"grade": _("Grade a folder of submissions.")}),
        (_("For authors"), {"audit": _("Prove that exercises grade rightly.")}),
    ]


class CommandLine(PoliteCommand, click.Group):
    """A group whose commands are loaded when they are called, so that none waits for what another imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the names of all commands."""
        return [name for _title, commands in _sections() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Returns the command of that name, loading its module; None where there is none."""
        if cmd_name not in self.list_commands(ctx):
            return None
        build: Callable[[], click.Command] = importlib.import_module(f"lab.commands.{cmd_name}").command
        return build()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the commands by who needs them."""
        for title, commands in _sections():
            with formatter.section(str(title)):
                formatter.write_dl([(name, str(line)) for name, line in commands.items()])


def command_line() -> CommandLine:
    """Returns the `lab` command, in the current language."""
    about = _("A city of government services on your computer, for learning to integrate them.")
    return CommandLine(
        "lab",
        help=str(about),
        options_metavar="",
        subcommand_metavar=str(_("COMMAND …")),
        context_settings={"help_option_names": ["-h", "--help"]},
    )

"""Click's own words in the reader's language: usage, help, and what is wrong with a command line."""

from collections.abc import Callable, Sequence
from typing import Any

import click

from grader.language import Text, catalogue
from lab.outcomes import WrongUsageError

_ = catalogue(__file__)


class PoliteCommand(click.Command):
    """A command whose help and usage errors are in the reader's language.

    Shared by every command of `lab`, the group itself included.
    """

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the line that shows how the command is called."""
        pieces = self.collect_usage_pieces(ctx)
        formatter.write_usage(ctx.command_path, " ".join(pieces), prefix=f"{_('Usage:')} ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the options with what each does, and after them the commands of a group."""
        records = [record for parameter in self.get_params(ctx) if (record := parameter.get_help_record(ctx))]
        with formatter.section(str(_("Options"))):
            formatter.write_dl(records)
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Returns the option that shows the help."""
        option = super().get_help_option(ctx)
        if option:
            option.help = str(_("Show this help."))
        return option

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Reads the command line; what is left over is refused in our own words."""
        ctx.allow_extra_args = True
        left = super().parse_args(ctx, args)
        if left and not isinstance(self, click.Group):
            raise WrongUsageError(
                _("lab {command} takes no more words than that: {words}.", command=self.name, words=" ".join(left)),
                _help_advice(ctx),
            )
        return left


class Number(click.ParamType[int]):
    """A whole number from `lowest` to `highest`, such as an exercise's number or a seed."""

    name = "number"

    def __init__(self, highest: int, lowest: int = 0) -> None:
        self._lowest = lowest
        self._highest = highest

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Returns the number that `value` writes."""
        written = str(value)
        if written.isascii() and written.isdigit() and self._lowest <= int(written) <= self._highest:
            return int(written)
        raise WrongUsageError(
            _("{written} is not a number from {low} to {high}.", written=written, low=self._lowest, high=self._highest),
            _help_advice(ctx),
        )


def command(
    name: str, run: Callable[..., Any], about: Text, parameters: Sequence[click.Parameter] = ()
) -> click.Command:
    """Returns the command `lab <name>`, in the current language.

    Args:
        name: as it is typed.
        run: is called with the session and the parameters, and returns the exit code.
        about: what the help says.
        parameters: the arguments and options.
    """
    return PoliteCommand(
        name,
        callback=click.pass_obj(run),
        params=list(parameters),
        help=str(about),
        options_metavar=f"[{_('OPTIONS')}]",
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def option(name: str, about: Text, **facts: Any) -> click.Option:  # noqa: ANN401 - click's own keywords
    """Returns the option `name`, whose help is `about`; `facts` are click's keywords."""
    return click.Option([name], help=str(about), **facts)


def as_json() -> click.Option:
    """Returns the option `--json`, which gives the command `as_json`."""
    return click.Option(["--json", "as_json"], help=str(_("Print the result for programs, as JSON.")), is_flag=True)


def refusal(error: click.ClickException) -> WrongUsageError:
    """Puts what click says of a command line into our words, with what to do next."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    advice = _help_advice(context)
    if isinstance(error, click.NoSuchCommand):
        return WrongUsageError(_("lab has no command {name}.", name=error.command_name), _meant(error, advice))
    if isinstance(error, click.NoSuchOption):
        return WrongUsageError(_("There is no option {name} here.", name=error.option_name), _meant(error, advice))
    if isinstance(error, click.MissingParameter) and error.param and context:
        is_option = isinstance(error.param, click.Option)
        name = error.param.opts[0] if is_option else error.param.make_metavar(context)
        return WrongUsageError(_("{name} is missing.", name=name), advice)
    if isinstance(error, click.BadOptionUsage):
        return WrongUsageError(_("The option {name} is not written as it should be.", name=error.option_name), advice)
    return WrongUsageError(_("The command line cannot be read: {reason}", reason=error.format_message()), advice)


def _meant(error: click.NoSuchCommand | click.NoSuchOption, advice: Text) -> Text:
    alike = error.possibilities
    return _("Did you mean {names}?", names=", ".join(sorted(alike))) if alike else advice


def _help_advice(context: click.Context | None) -> Text:
    return _("See: {command} --help", command=context.command_path if context else "lab")

"""The command line: one file a verb. The only place that prints, and this file the only one that catches.

Exit codes: 0 all well; 1 a cell failed, or a gate or `--fail-if` was missed; 2 wrong usage, before anything ran;
3 "can't tell" where the user asked for a verdict; 130 interrupted (run again to continue).
"""

from __future__ import annotations

import sys

import typer

from backbench.cli.cache import app as cache_app
from backbench.cli.checklist import checklist
from backbench.cli.compare import compare
from backbench.cli.demo import demo
from backbench.cli.doctor import doctor
from backbench.cli.environment import environment
from backbench.cli.evaluate import evaluate
from backbench.cli.explain import explain
from backbench.cli.export import export
from backbench.cli.lint import lint
from backbench.cli.listing import listing
from backbench.cli.predict import predict
from backbench.cli.profile import profile
from backbench.cli.recommend import recommend
from backbench.cli.report import report
from backbench.cli.reproduce import reproduce
from backbench.cli.run import run
from backbench.cli.sensitivity import sensitivity
from backbench.cli.show import show
from backbench.cli.train import train
from backbench.cli.trunk import app as trunk_app
from backbench.cli.tune import tune
from backbench.cli.verify import verify
from backbench.errors import BackbenchError

app = typer.Typer(
    name="backbench",
    help="Which backbone, compressed how, run by which runtime: measured in one protocol.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
for command in (
    demo,
    run,
    train,
    evaluate,
    export,
    predict,
    profile,
    report,
    recommend,
    compare,
    show,
    explain,
    tune,
    sensitivity,
    doctor,
):
    app.command()(command)
for check in (verify, reproduce, environment, checklist):
    app.command()(check)
app.command("list")(listing)
app.command()(lint)
app.add_typer(cache_app, name="cache")
app.add_typer(trunk_app, name="trunk")


def version(show_it: bool) -> None:
    if show_it:
        from backbench import __version__

        typer.echo(f"backbench {__version__}")
        raise typer.Exit


@app.callback()
def options(
    show_version: bool = typer.Option(False, "--version", callback=version, is_eager=True, help="Print the version."),
) -> None:
    """Which backbone, compressed how, run by which runtime: measured in one protocol."""


def main() -> None:
    """The program. What the user did wrong is one sentence, never a traceback."""
    try:
        app()
    except BackbenchError as error:
        typer.echo(f"backbench: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo("backbench: interrupted; the same command continues where this one stopped", err=True)
        sys.exit(130)

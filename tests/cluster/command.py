"""The command line in this process: run("doctor", address, code=1)."""

from __future__ import annotations

from click.testing import CliRunner, Result

from latent_terms.commands.main import main


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result

"""What could never work later is refused when it is typed, before anything is asked of Postgres."""

import re

import pytest
import typer
from typer.testing import CliRunner

from shared.commands.keys import key
from shared.commands.projects import project

APP = typer.Typer()
APP.add_typer(key, name="key")
APP.add_typer(project, name="project")


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Postgres: a command that gets as far as that says so."""
    monkeypatch.setenv("SLUICE_POSTGRES_URL", "postgresql://nobody@127.0.0.1:1/none")


def said(*arguments: str, typed: str | None = None) -> str:
    done = CliRunner().invoke(APP, arguments, input=typed)
    assert done.exit_code != 0
    return " ".join(re.sub("[│─╭╮╰╯]", " ", done.output).split())


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("key", "create", "--project", "p", "--origin", "wss://a.b"), "browsers send"),
        (("key", "create", "--project", "p", "--origin", "https://a.*.b"), "only its first label may be *"),
        (("key", "create", "--project", "p", "--name", "a\nb"), "control characters"),
        (("key", "create", "--project", "p", "--rate-limit", str(2**31)), "2147483647"),
        (("project", "create", "a\tb"), "control characters"),
        (("project", "create", "P", "--id", "a b"), "is no id"),
        (("project", "create", "P", "--id", "ä"), "is no id"),
        (("project", "create", "P", "--id", "a/b"), "is no id"),
        (("project", "create", "P", "--id", "a\n"), "is no id"),
        (("project", "create", "P", "--id", ""), "is no id"),
        (("project", "create", "P", "--id", "x" * 65), "is no id"),
        (("project", "create", "P", "--drain-limit", str(2**31)), "2147483647"),
        (("project", "create", "P", "--drain-secret", "a\x1bb"), "control characters"),
        (("project", "create", "P", "--drain-verify", "a\r\nb"), "printable ASCII"),
        (("project", "create", "P", "--drain-verify", "é"), "printable ASCII"),
        (("project", "create", "P", "--drain-verify", "x" * 256), "printable ASCII"),
        (("project", "create", "P", "--drain-secret-file", "none"), "can't be read"),
        (("project", "create", "P", "--drain-secret", "a", "--drain-secret-file", "none"), "given twice"),
        (("project", "update", "p", "--name", " "), "needs a name"),
        (("project", "update", "p", "--name", "a\x7fb"), "control characters"),
        (("project", "update", "p", "--drain-verify", "a\tb"), "printable ASCII"),
        (("project", "update", "p", "--drain-secret", "a\nb"), "control characters"),
    ],
)
def test_what_could_never_work_is_refused_with_the_reason(arguments: tuple[str, ...], sentence: str) -> None:
    assert sentence in said(*arguments)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    "arguments",
    [
        ("key", "create", "--project", "p", "--origin", "null", "--origin", "https://*.example.com", "--name", "é 😀"),
        ("project", "create", "Größe", "--id", "A-Z_09", "--drain-secret", "é", "--drain-verify", "a b"),
        ("project", "update", "an older id.", "--name", "N", "--drain-verify", ""),
    ],
)
def test_all_else_comes_as_far_as_postgres(arguments: tuple[str, ...]) -> None:
    assert "Postgres can't be reached" in said(*arguments)


@pytest.mark.usefixtures("nowhere")
def test_a_secret_on_standard_input_is_looked_at_like_any_other() -> None:
    assert "control characters" in said("project", "create", "P", "--drain-secret-file", "-", typed="a\x01b")
    assert "Postgres can't be reached" in said("project", "create", "P", "--drain-secret-file", "-", typed="a b\n")

"""Users as they are kept in Postgres."""

import pytest

from shared.clients.postgres import connect
from shared.projects import Project, UnknownProject, create_project
from shared.users import UnknownUser, create_user, disable, enable, grant, list_users, make_link, set_password
from tests.integration.shared.cli import Cli


def test_a_name_is_taken_in_any_case_of_its_letters(cli: Cli) -> None:
    with connect(cli.postgres_url) as db:
        assert create_user(db, "Ann", None)
        assert not create_user(db, "aNN", None)
        assert [user.name for user in list_users(db)] == ["Ann"]


def test_a_name_is_one_line_of_what_can_be_seen(cli: Cli) -> None:
    with connect(cli.postgres_url) as db:
        for name in ("", " ann", "ann ", "x" * 65, "a\nb", "a\u202eb", "a\0"):
            with pytest.raises(ValueError, match="1 to 64 printable"):
                create_user(db, name, None)


def test_a_role_can_be_changed_and_taken_away(cli: Cli) -> None:
    with connect(cli.postgres_url) as db:
        create_project(db, Project(id="p", name="P"))
        create_user(db, "ann", None)
        for role, roles in (("viewer", {"p": "viewer"}), ("owner", {"p": "owner"}), (None, {})):
            grant(db, "ANN", "p", role)  # type: ignore[arg-type]  # these are roles
            assert list_users(db)[0].roles == roles
        with pytest.raises(UnknownProject):
            grant(db, "ann", "nothing", "owner")


def test_who_is_disabled_has_no_link_left(cli: Cli) -> None:
    with connect(cli.postgres_url) as db:
        create_user(db, "ann", "hash")
        make_link(db, "ann")
        disable(db, "ann")
        assert db.execute("SELECT count(*) FROM login_links").fetchone() == (0,)
        assert list_users(db)[0].disabled_at is not None
        enable(db, "ann")
        assert list_users(db)[0].disabled_at is None


def test_nobody_is_not_changed(cli: Cli) -> None:
    with connect(cli.postgres_url) as db:
        for change in (disable, enable, make_link, lambda db, name: set_password(db, name, "hash")):
            with pytest.raises(UnknownUser, match="no user 'nobody'"):
                change(db, "nobody")  # type: ignore[operator]  # all take these

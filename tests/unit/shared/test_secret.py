"""Texts that nothing shows, given or in a file."""

import os
from pathlib import Path

import pytest

from deploy.local.engine import Unavailable
from deploy.local.folder import DataFolder
from deploy.local.stack import Stack, Wanted
from shared.commands.common import environment_beside
from shared.secret import Secret, Unusable, Url, text_of
from shared.settings import BadSetting, Settings, load, variables

URLS = ["SLUICE_QUEUE_URL", "SLUICE_CLICKHOUSE_URL", "SLUICE_CLICKHOUSE_READ_URL", "SLUICE_POSTGRES_URL"]
URLS += ["SLUICE_REDIS_URL"]


def replace(file: Path, text: str) -> None:
    """As Kubernetes replaces a secret: by another file, at once."""
    new = file.with_suffix(".new")
    new.write_text(text)
    os.replace(new, file)


def test_every_url_and_password_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("redis://sluice:sesame@127.0.0.1/0\n")
    assert {f"{name}_FILE" for name in [*URLS, "SLUICE_KAFKA_USERNAME", "SLUICE_KAFKA_PASSWORD"]} <= variables().keys()
    config = load({"SLUICE_REDIS_URL_FILE": str(file), "SLUICE_REDIS_URL": ""})
    assert config.services.redis_url.reveal() == "redis://sluice:sesame@127.0.0.1/0"
    assert "sesame" not in repr(config)


def test_another_text_in_the_file_holds_from_the_next_look_on(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("one\n")
    secret = Secret(file=file)
    assert secret.reveal() == "one"
    replace(file, "two\n")
    assert (secret.reveal(), text_of(secret)) == ("two", "two")
    assert Secret(file=file) == secret


@pytest.mark.parametrize(
    "harm", [Path.unlink, lambda file: replace(file, ""), lambda file: replace(file, "redis://a@b@c:x")]
)
def test_a_file_that_is_half_written_or_gone_leaves_the_text_before_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, harm: object
) -> None:
    file = tmp_path / "url"
    file.write_text("redis://one:sesame@127.0.0.1")
    url = Url(file=file)
    harm(file)  # type: ignore[operator]
    assert [url.reveal() for _ in range(3)] == ["redis://one:sesame@127.0.0.1"] * 3
    assert len(caplog.records) == 1
    assert "what it held before is used" in caplog.text
    assert "sesame" not in caplog.text
    replace(file, "redis://two:sesame@127.0.0.1")
    assert url.reveal() == "redis://two:sesame@127.0.0.1"


@pytest.mark.parametrize(
    ("variable", "text", "sentence"),
    [
        ("SLUICE_REDIS_URL", "redis://:ses/ame@127.0.0.1", "is no URL: .* write / .* as %2F"),
        ("SLUICE_REDIS_URL", "redis://:1/ame@127.0.0.1", "is no URL: .* write / .* as %2F"),
        ("SLUICE_CLICKHOUSE_URL", "clickhouse://u:ses#ame@127.0.0.1", "is no URL"),
        ("SLUICE_POSTGRES_URL", "postgresql://u:[sesame@h/db", "is no URL"),
        ("SLUICE_POSTGRES_URL", "sesame", "is no URL of clickhouse, clickhouses, postgresql, "),
    ],
)
def test_a_url_that_nobody_can_read_is_refused_by_name_and_not_shown(variable: str, text: str, sentence: str) -> None:
    with pytest.raises(BadSetting, match=f"{variable} {sentence}") as raised:
        load({variable: text})
    assert "ame" not in str(raised.value).replace(variable, "")


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://u:p@one:5432,[::1]:5433/db?sslmode=verify-full&application_name=a@b",
        "clickhouses://u:p%40@host/db?ca_certs=/a/b.pem&alt_hosts=c:9440",
        "postgresql:///db?host=/run/postgresql",
        "rediss://host",
        "unix:///run/redis.sock",
    ],
)
def test_urls_of_all_kinds_are_taken(text: str) -> None:
    assert Url(text).reveal() == text


def test_a_file_that_can_not_be_used_refuses_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"SLUICE_POSTGRES_URL_FILE=/nowhere can't be read: .*No such file"):
        load({"SLUICE_POSTGRES_URL_FILE": "/nowhere"})
    with pytest.raises(BadSetting, match="SLUICE_POSTGRES_URL and SLUICE_POSTGRES_URL_FILE are both set"):
        load({"SLUICE_POSTGRES_URL_FILE": "/nowhere", "SLUICE_POSTGRES_URL": "postgresql:///a"})
    (tmp_path / "empty").touch()
    with pytest.raises(Unusable, match="is empty"):
        Url(file=tmp_path / "empty")
    assert not Settings().services.clickhouse_read_url


def test_a_file_takes_the_place_of_what_a_stack_on_the_folder_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "env").write_text("SLUICE_REDIS_URL=redis://a\nSLUICE_URL=http://b\n")
    monkeypatch.setenv("SLUICE_REDIS_URL_FILE", "/run/redis")
    found = environment_beside(tmp_path)
    assert (found.get("SLUICE_REDIS_URL"), found["SLUICE_URL"]) == (None, "http://b")


def test_a_local_stack_refuses_addresses_in_files(tmp_path: Path) -> None:
    stack = Stack(DataFolder(tmp_path), Wanted(), {"SLUICE_REDIS_URL_FILE": "/run/redis"}, print)
    with pytest.raises(Unavailable, match="set SLUICE_REDIS_URL instead of SLUICE_REDIS_URL_FILE"):
        stack.start()

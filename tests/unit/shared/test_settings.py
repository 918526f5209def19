"""Settings: each spelled once, documented, and refused with a sentence when it can't be used."""

import msgspec
import pytest

from gateway.main import listen
from shared import settings


def test_every_setting_says_what_it_means() -> None:
    undocumented = [name for name, (meaning, _) in settings.variables().items() if len(meaning) < 8]
    assert undocumented == []


def test_a_setting_is_read_from_its_variable() -> None:
    config = settings.load({"SLUICE_WRITER_BATCH_ROWS": "10", "SLUICE_WRITER_FSYNC": "true", "SLUICE_QUEUE_URL": "x"})
    assert (config.writer.batch_rows, config.writer.fsync, config.services.queue_url.reveal()) == (10, True, "x")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLUICE_WRITER_BATCH_ROWS", "0"),
        ("SLUICE_GATEWAY_PORT", "70000"),
        ("SLUICE_WRITER_BATCH_AGE_S", "soon"),
        ("SLUICE_VERCEL_VERIFY", "two\nlines"),
        ("SLUICE_VERCEL_VERIFY", "ends\n"),
        ("SLUICE_VERCEL_VERIFY", "é"),
        ("SLUICE_VERCEL_VERIFY", " space"),
        ("SLUICE_CLICKHOUSE_PATH", "/clickhouse/one_for_all_tables"),
        ("SLUICE_CLICKHOUSE_PATH", "/{table}', 'x"),
        ("SLUICE_CLICKHOUSE_QUORUM", "most"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(settings.BadSetting, match=name):
        settings.load({name: value})


def test_an_empty_number_is_the_default() -> None:
    assert settings.load({"SLUICE_GATEWAY_PORT": ""}).gateway.port == settings.Gateway().port


def test_the_read_url_falls_back_to_the_writers() -> None:
    writers, readers = "clickhouse://writer@host/logs", "clickhouse://reader@host/logs"
    given = {"SLUICE_CLICKHOUSE_URL": writers}
    assert settings.load(given).clickhouse_read_url.reveal() == writers
    assert settings.load(given | {"SLUICE_CLICKHOUSE_READ_URL": readers}).clickhouse_read_url.reveal() == readers


def test_every_group_is_a_frozen_struct() -> None:
    for group in msgspec.structs.fields(settings.Settings):
        assert group.type.__struct_config__.frozen


def test_a_taken_port_is_refused_in_a_sentence_unless_the_gateways_share_it() -> None:
    first = listen("127.0.0.1", 0, share=False)
    with first, pytest.raises(settings.BadSetting, match="SLUICE_GATEWAY_SHARE_PORT=1"):
        listen("127.0.0.1", first.getsockname()[1], share=False)
    shared = listen("127.0.0.1", 0, share=True)
    with shared, listen("127.0.0.1", shared.getsockname()[1], share=True) as beside:
        assert beside.getsockname() == shared.getsockname()

"""Who may import whom (architecture.md, "Who may import whom"), read from the source with `ast`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DRIVERS = {"clickhouse_driver", "psycopg", "redis", "aiokafka", "sqlite3", "obstore"}
DOING_IO = DRIVERS | {"asyncio", "socket", "subprocess", "threading", "requests", "httpx", "urllib", "os", "time"}


def files(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found, f"{folder} holds no Python file: the test looks in the wrong place"
    return found


def imports(file: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in the file it stands."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def texts(file: Path) -> list[ast.Constant]:
    """The texts of a file's code, docstrings left out."""
    tree = ast.parse(file.read_text())
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said
    ]


def offenders(folder: str, *forbidden: str, apart_from: tuple[str, ...] = ()) -> list[str]:
    """`file imports module` for every forbidden import below a folder."""
    return [
        f"{file.relative_to(ROOT)} imports {module}"
        for file in files(folder)
        if not str(file.relative_to(ROOT)).startswith(apart_from)
        for module in imports(file)
        if any(module == name or module.startswith(f"{name}.") for name in forbidden)
    ]


def test_shared_imports_neither_side() -> None:
    assert offenders("shared", "gateway", "writer", "deploy") == []


def test_the_sides_never_import_each_other() -> None:
    assert offenders("gateway", "writer", "deploy") == []
    assert offenders("writer", "gateway", "deploy") == []


def test_ingest_never_imports_query() -> None:
    # gateway/assembly is where a process gets its roles: of its files these know the other one, too.
    knowing = [f"gateway/assembly/{name}.py" for name in ("common", "process", "reading")]
    readers = ("gateway/query/", "gateway/mapping/", *knowing)
    assert offenders("gateway", "gateway.query", "gateway.mapping", apart_from=readers) == []
    assert offenders("gateway/mapping", "gateway.query") == []


def test_reading_is_by_signal() -> None:
    # Each folder of gateway/query that has fields reads one signal, `events` one error; nothing else knows a signal,
    # but for what shows them to people, or tells people of them.
    query = ROOT / "gateway/query"
    signals = ["events", *(file.parent.name for file in query.glob("*/fields.py"))]
    assert "logs" in signals
    for name in signals:
        knowing = (f"gateway/query/{name}/", "gateway/query/commands/", "gateway/query/pages/", "gateway/query/alerts/")
        assert offenders("gateway", f"gateway.query.{name}", apart_from=knowing) == []
    folders = tuple(f"gateway/query/{name}/" for name in signals)
    assert offenders("gateway/query", "shared.signals", apart_from=folders) == []
    common = [*query.glob("*.py"), *(query / "language").glob("*.py")]
    assert [file.name for file in common if "logs" in file.read_text().lower()] == []


def test_reading_groups_errors_by_one_module_alone() -> None:
    # A query that named the column itself would forget the groups that people have merged. Descriptions hold no query.
    query = ROOT / "gateway/query"
    naming = {
        file.relative_to(query).as_posix()
        for file in query.rglob("*.py")
        if file.name != "openapi.py" and any(re.search(r"\bfingerprint\b", text.value) for text in texts(file))
    }
    assert naming == {"groups.py"}, (
        "use Grouping.key to select and group by, Grouping.only to filter, COLUMN for one row"
    )


def test_only_clients_and_queue_import_drivers() -> None:
    allowed = ("shared/clients/", "shared/queue/", "shared/sourcemaps/s3.py")
    for folder in ("gateway", "writer", "shared"):
        assert offenders(folder, *DRIVERS, apart_from=allowed) == []


@pytest.mark.parametrize("place", ["shared/signals", "shared/formats"])
def test_signals_and_formats_do_no_io(place: str) -> None:
    assert offenders(place, *DOING_IO) == []


def test_the_envelope_does_no_io() -> None:
    found = set(imports(ROOT / "shared/envelope.py"))
    assert found & DOING_IO == set()


def test_the_check_sees_an_import_inside_a_function(tmp_path: Path) -> None:
    file = tmp_path / "f.py"
    file.write_text("def f():\n    from gateway.query import logs\n")
    assert "gateway.query.logs" in set(imports(file))

"""Every reference to a page of `deploy/docs` resolves: in the code, in the tests, between the pages, from the README.

A reference is `(page.md, "Heading")`, several headings with commas, several pages with semicolons, or a page alone.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from shared.settings import variables

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "deploy" / "docs"
README = ROOT / "README.md"

FOLDERS = ("gateway", "writer", "shared", "deploy", "tests")
FILES = ("README.md", "CHANGELOG.md", "Makefile", "docker-compose.yml", "pyproject.toml", ".ci/run")
SUFFIXES = {"", ".py", ".md", ".toml", ".yml", ".sql", ".xml", ".sh", ".cjs", ".json"}

Headings = Mapping[str, Sequence[str]]
"""Name of a page -> its headings as they stand there, in order."""

_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINE_END = re.compile(r"[ \t]*\n[ \t]*(?:#|//|--)?[ \t]*")
_REFERENCE = re.compile(r"(?<![\w./-])([a-z][a-z0-9_-]*\.md)((?:, \"[^\"]+\")*)")
_BEFORE = re.compile(r"(?:\(|[;:,] )$")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")

OLD_FORMS = {
    "a number in parentheses": r"\((?:design )?0[1-9](?:-[a-z-]+)?(?:[),:;']| \")",
    "a number and a heading": r"(?<![\d.])\b0[1-9],? \"[A-Z`]",
    "the name of a design file": r"\b[01]\d-(?:architecture|delivery|contracts|storage|local-stack|error-grouping|style"
    r"|performance|reading|otlp|sentry|scale|house|findings|writer-second-pass)\b",
    "a design file by its number": r"\bdesign [01]\d\b",
    "an issue": r"\(issue \d",
    "a document by the hash of its file": r"\b0\d\d_[0-9a-f]{16}\b",
    "a document as a seed": r"\b[Tt]he seed(?:'s|s'|s\b)|\bboth seeds\b|\bseed (?:`?0\d\d)",
    "a folder beside the project": r"\.\./(?:shared|seeds|data|design)/",
}
"""How references were written before the pages were part of the project. None may come back."""


def headings_of(text: str) -> list[str]:
    """The headings of a page, without those in code blocks."""
    return _HEADING.findall(_FENCE.sub("", text))


def anchor(heading: str) -> str:
    """What follows `#` in a link to a heading, as GitHub writes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def running(text: str) -> str:
    """The text on one line: a reference may be broken over two lines of a docstring or a comment."""
    return _LINE_END.sub(" ", text)


def references(text: str) -> Iterator[tuple[str, list[str], bool]]:
    """(page, headings, whether it is written as it must be) of each mention of a page."""
    line = running(text)
    for found in _REFERENCE.finditer(line):
        yield found[1], re.findall(r"\"([^\"]+)\"", found[2]), bool(_BEFORE.search(line[: found.start()]))


def wrong_references(text: str, pages: Headings) -> list[str]:
    """A sentence for each reference that leads nowhere."""
    wrong = []
    for page, headings, in_form in references(text):
        if page not in pages:
            wrong.append(f"there is no page {page}")
            continue
        wrong += [f'{page} has no heading "{heading}"' for heading in headings if heading not in pages[page]]
        if not in_form:
            wrong.append(f'write ({page}, "Heading"), in parentheses')
    return wrong


def old_references(text: str) -> list[str]:
    line = running(text)
    return [
        f"{name}: ...{line[max(0, found.start() - 30) : found.end() + 30]}..."
        for name, form in OLD_FORMS.items()
        for found in re.finditer(form, line)
    ]


def broken_links(file: Path, text: str, pages: Headings) -> list[str]:
    """A sentence for each link of a Markdown file whose file or heading isn't there."""
    wrong = []
    for target in _LINK.findall(text):
        if "://" in target:
            continue
        path, _, fragment = target.partition("#")
        found = (file.parent / path).resolve() if path else file
        if not found.exists():
            wrong.append(f"{target}: there is no such file")
        elif fragment and fragment not in map(anchor, headings_of(found.read_text())):
            wrong.append(f"{target}: {found.name} has no such heading")
    return wrong


def pages() -> dict[str, list[str]]:
    return {file.name: headings_of(file.read_text()) for file in sorted(DOCS.glob("*.md"))}


def sources() -> list[Path]:
    """Every text file of the project that may hold references, but the pages themselves and this file."""
    found = [ROOT / name for name in FILES]
    for folder in FOLDERS:
        found += (file for file in (ROOT / folder).rglob("*") if file.is_file() and file.suffix in SUFFIXES)
    return [
        file
        for file in found
        if DOCS not in file.parents and file != Path(__file__) and "__pycache__" not in file.parts
    ]


def markdown() -> list[Path]:
    return [README, *sorted(DOCS.glob("*.md"))]


def test_every_reference_names_a_page_and_a_heading_that_exist() -> None:
    known = pages()
    wrong = [
        f"{file.relative_to(ROOT)}: {each}" for file in sources() for each in wrong_references(file.read_text(), known)
    ]
    assert wrong == []


def test_no_reference_of_the_old_form_is_left() -> None:
    files = [*sources(), *DOCS.glob("*.md")]
    assert [f"{file.relative_to(ROOT)}: {each}" for file in files for each in old_references(file.read_text())] == []


def test_code_and_tests_refer_to_every_page() -> None:
    named = {page for file in sources() if file.suffix == ".py" for page, _, _ in references(file.read_text())}
    assert sorted(named) == sorted(pages())


def test_a_page_has_no_heading_twice() -> None:
    twice = [f"{name}: {each}" for name, found in pages().items() for each in set(found) if found.count(each) > 1]
    assert twice == []


@pytest.mark.parametrize("file", markdown(), ids=lambda file: file.name)
def test_every_link_resolves(file: Path) -> None:
    assert broken_links(file, file.read_text(), pages()) == []


def test_the_readme_links_every_page() -> None:
    linked = {target.partition("#")[0] for target in _LINK.findall(README.read_text())}
    assert {f"deploy/docs/{name}" for name in pages()} - linked == set()


@pytest.mark.parametrize("file", markdown(), ids=lambda file: file.name)
def test_every_path_that_a_page_names_exists(file: Path) -> None:
    named = re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]*)`", file.read_text())
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("file", markdown(), ids=lambda file: file.name)
def test_every_setting_and_metric_that_a_page_names_exists(file: Path) -> None:
    code = "".join(each.read_text() for each in sources() if each.suffix == ".py")
    known = set(variables()) | set(re.findall(r"SLUICE_[A-Z_]*[A-Z]", code))
    assert set(re.findall(r"SLUICE_[A-Z_]*[A-Z](?![A-Z_]*[*<])", file.read_text())) - known == set()
    metrics = {name.removesuffix("_total") for name in re.findall(r"\bsluice_[a-z_]+", file.read_text())}
    assert [name for name in metrics if f'"{name}"' not in code] == []


# The checks themselves.

KNOWN: Headings = {"one.md": ["First", "The second `thing`"], "two.md": ["First"]}


@pytest.mark.parametrize(
    "text",
    [
        "what holds (one.md)",
        'what holds (one.md, "First")',
        'what holds (one.md, "First", "The second `thing`")',
        'what holds (one.md, "First"; two.md, "First")',
        'what holds (as it was measured: one.md,\n    "First")',
        '# a comment (one.md,\n    # "The second `thing`")',
        "a path: other/docs/three.md, and README.md",
    ],
)
def test_a_right_reference_is_taken(text: str) -> None:
    assert wrong_references(text, KNOWN) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(three.md)", "there is no page three.md"),
        ('(one.md, "Third")', 'one.md has no heading "Third"'),
        ('(one.md, "First", "Third")', 'one.md has no heading "Third"'),
        ('(one.md, "First"; two.md, "Third")', 'two.md has no heading "Third"'),
        ('(one.md,\n"Third")', 'one.md has no heading "Third"'),
        ("see one.md", 'write (one.md, "Heading"), in parentheses'),
    ],
)
def test_a_wrong_reference_is_found(text: str, said: str) -> None:
    assert wrong_references(text, KNOWN) == [said]


@pytest.mark.parametrize(
    "text",
    [
        "it cost 19 % (08).",
        "(02-delivery)",
        '(03, "Bodies")',
        "(03,\n    # the rest)",
        '(02, "The gateway\'s side")',
        "(08: a call for each value)",
        "(01, promise 3)",
        "(design 05)",
        'with numbers (issue 5; 02, "Replay")',
        'real ClickHouse (seed 000, 03 "Proliferate API")',
        "the rule is 02-delivery's",
        "a line of 08-performance.md",
        "(seed `003_bc9c13213d460ebf`)",
        "in the seed's order",
        "read ../seeds/ first",
    ],
)
def test_an_old_reference_is_found(text: str) -> None:
    assert old_references(text) != []


@pytest.mark.parametrize(
    "text",
    [
        "the seed of a round makes its requests again",
        "self._seed, self._rate",
        "2026-01-15",
        "f(0, 1, 10)",
        '0.05, "AGE_S"',
    ],
)
def test_what_only_looks_like_an_old_reference_is_left_alone(text: str) -> None:
    assert old_references(text) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "one.md"
    page.write_text("# One\n## The `second` thing, again\n```\n# no heading\n```\n")
    text = "[a](#the-second-thing-again) [b](one.md#one) [c](https://x.example/#y) [d](#no-heading) [e](three.md)"
    assert broken_links(page, text, {}) == [
        "#no-heading: one.md has no such heading",
        "three.md: there is no such file",
    ]


def test_there_is_something_to_check() -> None:
    assert len(sources()) > 200
    assert len(pages()) >= 7

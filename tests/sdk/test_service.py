"""Services are found, put in order, and refused when their papers are not."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from kitamae.sdk import check
from kitamae.sdk.manifest import BadManifestError, Manifest
from kitamae.sdk.service import Service, discover

PAPERS = """
id = "{id}"
name = {{ ja = "名前", ja_Hira = "なまえ", en = "Name", zh = "名称", ko = "이름" }}
summary = {{ ja = "説明", ja_Hira = "せつめい", en = "Summary", zh = "说明", ko = "설명" }}
reads = ["PublicToilet"]
pia = "pia/{id}.md"
requires = {requires}
"""
EVERYWHERE = '{ ja = "窓口", ja_Hira = "まどぐち", en = "Counter", zh = "窗口", ko = "창구" }'
RESPONSIBLE = "\n".join(
    f'[[boundaries]]\nof = "{party}"\n'
    + "\n".join(f"{name} = {EVERYWHERE}" for name in ("part", "who", "call"))
    for party in ("city", "user")
)


class Street:
    """A package of services in a temporary folder."""

    def __init__(self, root: Path, name: str) -> None:
        self.root, self.name = root / name, name
        self.root.mkdir()
        (self.root / "__init__.py").write_text("")

    def add(self, id: str, *, requires: tuple[str, ...] = (), **files: str) -> Path:
        folder = self.root / id
        (folder / "pia").mkdir(parents=True)
        (folder / "__init__.py").write_text("")
        (folder / "README.md").write_text("For people.")
        (folder / "pia" / f"{id}.md").write_text("個人情報を扱わない。" * 30)
        (folder / "manifest.toml").write_text(PAPERS.format(id=id, requires=list(requires)) + RESPONSIBLE)
        for name, text in files.items():
            (folder / f"{name}.py").write_text(dedent(text))
        return folder


@pytest.fixture
def street(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Street:
    monkeypatch.syspath_prepend(tmp_path)
    name = f"street_{abs(hash(request.node.name))}"
    yield Street(tmp_path, name)
    for module in [module for module in sys.modules if module.startswith(name)]:
        del sys.modules[module]


def findings(street: Street, id: str) -> list[str]:
    [one] = [service for service in discover(street.name) if service.id == id]
    return [str(finding) for finding in check.service(one, {"PublicToilet"}.__contains__)]


def test_what_a_service_requires_comes_before_it(street: Street) -> None:
    street.add("apples", requires=("pears",))
    street.add("pears")
    assert [service.id for service in discover(street.name)] == ["pears", "apples"]


def test_a_required_service_that_is_missing_is_named(street: Street) -> None:
    street.add("apples", requires=("plums",))
    with pytest.raises(BadManifestError, match="plums"):
        discover(street.name)


def test_a_circle_of_requirements_is_refused(street: Street) -> None:
    street.add("apples", requires=("pears",))
    street.add("pears", requires=("apples",))
    with pytest.raises(BadManifestError, match="circle"):
        discover(street.name)


def test_a_folder_named_otherwise_than_its_id_is_refused(street: Street) -> None:
    folder = street.add("apples")
    folder.rename(folder.parent / "oranges")
    with pytest.raises(BadManifestError, match="oranges"):
        discover(street.name)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('id = "Apples"', "id"),
        ('id = "apples"\nsurprise = 1', "surprise"),
        ('id = "apples"\nname = { de = "Name" }', "name"),
        ("id = ", "TOML|value|Invalid"),
    ],
)
def test_papers_that_are_not_in_order_name_the_place(tmp_path: Path, line: str, says: str) -> None:
    papers = tmp_path / "manifest.toml"
    papers.write_text(line)
    with pytest.raises(BadManifestError, match=says):
        Manifest.read(papers)


def test_modules_are_found_by_name_and_a_missing_one_is_none(street: Street) -> None:
    street.add("apples", logic="ANSWER = 42\n")
    [one] = discover(street.name)
    assert one.module("logic").ANSWER == 42
    assert one.module("jobs") is None


def test_an_error_inside_a_module_is_not_hidden(street: Street) -> None:
    street.add("apples", logic="import a_module_that_nobody_has\n")
    [one] = discover(street.name)
    with pytest.raises(ModuleNotFoundError, match="a_module_that_nobody_has"):
        one.module("logic")


def test_a_service_in_order_has_no_finding(street: Street) -> None:
    street.add("apples", logic="from kitamae.sdk.manifest import Manifest\n")
    assert findings(street, "apples") == []


@pytest.mark.parametrize(
    ("module", "code", "says"),
    [
        ("pages", "from kitamae.kernel.context import store\n", "kitamae.kernel"),
        ("pages", "import apsw\n", "driver"),
        ("logic", "from starlette.requests import Request\n", "no HTTP"),
        ("extras", "", "found by name"),
    ],
)
def test_what_a_service_may_not_import_is_found(street: Street, module: str, code: str, says: str) -> None:
    street.add("apples", **{module: code})
    assert any(says in finding for finding in findings(street, "apples"))


def test_a_service_that_imports_its_neighbour_is_found(street: Street) -> None:
    street.add("pears")
    street.add("apples", pages=f"from {street.name} import pears\n")
    assert any("meet in the broker" in finding for finding in findings(street, "apples"))


def test_a_type_that_no_data_model_has_is_found(street: Street) -> None:
    folder = street.add("apples")
    papers = folder / "manifest.toml"
    papers.write_text(papers.read_text().replace("PublicToilet", "Dragon"))
    assert any("Dragon" in finding for finding in findings(street, "apples"))


def test_a_privacy_assessment_that_is_missing_or_empty_or_outside_is_found(street: Street) -> None:
    folder = street.add("apples")
    (folder / "pia" / "apples.md").write_text("ok")
    assert any("without its papers" in finding for finding in findings(street, "apples"))
    papers = folder / "manifest.toml"
    papers.write_text(papers.read_text().replace("pia/apples.md", "../../secret.md"))
    assert any("outside" in finding for finding in findings(street, "apples"))


def test_a_word_missing_in_one_language_is_found_with_its_place(street: Street) -> None:
    folder = street.add("apples")
    (folder / "templates").mkdir()
    (folder / "templates" / "apples.html").write_text(
        "<p>\n{{ _('りんご') }} {{ ngettext('一つ', '多く', n) }}</p>"
    )
    (folder / "locales").mkdir()
    one = 'msgid "一つ"\nmsgid_plural "多く"\nmsgstr[0] "one"\nmsgstr[1] "many"\n'
    (folder / "locales" / "en.po").write_text(f'msgid ""\nmsgstr ""\n\n{one}')
    for language in ("ja_Hira", "zh", "ko"):
        (folder / "locales" / f"{language}.po").write_text(
            f'msgid ""\nmsgstr ""\n\nmsgid "りんご"\nmsgstr "りんご"\n\n{one}'
        )
    assert findings(street, "apples") == ["apples/locales/en.po: not translated: りんご (apples.html:2)"]


def test_a_language_without_a_catalog_is_found(street: Street) -> None:
    folder = street.add("apples")
    (folder / "templates").mkdir()
    (folder / "templates" / "apples.html").write_text("{{ _('りんご') }}")
    assert [finding.split(":")[0] for finding in findings(street, "apples")] == [
        "apples/locales/ja_Hira.po",
        "apples/locales/en.po",
        "apples/locales/zh.po",
        "apples/locales/ko.po",
    ]


def test_a_summary_missing_in_one_language_is_found(tmp_path: Path) -> None:
    papers = tmp_path / "pia" / ".." / "manifest.toml"
    (tmp_path / "pia").mkdir()
    papers.write_text(
        'id = "apples"\nname = { ja = "名" }\nsummary = { ja = "文" }\npia = "pia/x.md"\n', encoding="utf-8"
    )
    one = Service(Manifest.read(papers), tmp_path, "apples")
    assert "name has no en" in " ".join(str(f) for f in check.service(one, bool))


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ('of = "user"', "nothing says for what the user answers"),
        ('of = "city"', "nothing says for what the city answers"),
    ],
)
def test_a_service_that_leaves_somebody_out_of_who_answers_for_what_is_found(
    street: Street, written: str, found: str
) -> None:
    papers = street.add("apples") / "manifest.toml"
    papers.write_text(papers.read_text("utf-8").replace(written, 'of = "provider"'), "utf-8")
    assert [one for one in findings(street, "apples") if found in one]


def test_suppliers_answer_for_something_where_there_are_any_and_only_then(street: Street) -> None:
    papers = street.add("apples") / "manifest.toml"
    papers.write_text(
        papers.read_text("utf-8") + f'\n[[suppliers]]\nname = "白山システム"\ndoes = {EVERYWHERE}\n',
        "utf-8",
    )
    assert any("nothing says for what the supplier answers" in one for one in findings(street, "apples"))
    papers = street.add("pears") / "manifest.toml"
    papers.write_text(papers.read_text("utf-8").replace('of = "city"', 'of = "supplier"'), "utf-8")
    assert any("suppliers names none" in one for one in findings(street, "pears"))


def test_whom_to_call_is_said_in_every_language(street: Street) -> None:
    papers = street.add("apples") / "manifest.toml"
    whole = papers.read_text("utf-8")
    papers.write_text(whole.replace(f"call = {EVERYWHERE}", 'call = { ja = "窓口" }', 1), "utf-8")
    assert any("boundaries 1: call" in one for one in findings(street, "apples"))


def test_an_assessment_that_the_register_would_refuse_is_found_without_saying_the_number(
    tmp_path: Path,
) -> None:
    (tmp_path / "pia").mkdir()
    papers = tmp_path / "manifest.toml"
    papers.write_text(
        'id = "apples"\nname = { ja = "名" }\nsummary = { ja = "文" }\npia = "pia/x.md"\n', "utf-8"
    )
    one = Service(Manifest.read(papers), tmp_path, "apples")
    for text, why in (
        ("長い。" * 20_001, "longer than 60,000"),
        ("水。" * 200 + "1234 5678 9018", "may be a My Number"),
        ("水。" * 200, ""),
    ):
        (tmp_path / "pia" / "x.md").write_text(text, "utf-8")
        found = [said for said in map(str, check.service(one, bool)) if "pia/x.md" in said]
        assert [why in said for said in found] == ([True] if why else [])
        assert not any("9018" in said for said in found)

"""A page that takes a file of a person looks through it for a 個人番号 before anything is kept: `/reports` does."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "kitamae"
PASSES_ON = {"web/duties/forms.py"}  # whoever calls its `sent` says how many files
LOOKS_ITSELF = {
    "web/duties/transfers.py": "a table of staff that staff send: sheet.py refuses a number in any cell, and says in which line",
    "web/assisted/bringing.py": "a list that staff send: said.py refuses a number in any cell, and the page says in which line and column",
}


def takes_files(module: ast.Module) -> list[int]:
    """Lines of a module at which a form may bring files. Without `max_files` Starlette takes a thousand."""
    found = []
    for node in ast.walk(module):
        if isinstance(node, ast.Name) and node.id == "UploadFile":
            found.append(node.lineno)
        if not isinstance(node, ast.Call):
            continue
        given = {one.arg: one.value for one in node.keywords}
        called = ast.unparse(node.func)
        if "max_files" in given or called == "request.form":
            most = given.get("max_files")
        elif called == "sent" and node.args and ast.unparse(node.args[0]) == "request":
            most = given.get("files", node.args[1] if len(node.args) > 1 else ast.Constant(0))
        else:
            continue
        if not (isinstance(most, ast.Constant) and most.value == 0):
            found.append(node.lineno)
    return found


def looks_through(module: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func) in ("sent_files.demand_none", "sent_files.look_through")
        for node in ast.walk(module)
    )


def test_whatever_takes_a_file_looks_through_it_for_a_my_number() -> None:
    modules = {
        str(path.relative_to(SOURCE)): ast.parse(path.read_text("utf-8")) for path in SOURCE.rglob("*.py")
    }
    taking = {name for name, module in modules.items() if takes_files(module)}
    assert taking >= PASSES_ON | set(LOOKS_ITSELF)  # none is excused that takes no file any more
    careless = {name for name in taking if not looks_through(modules[name])}
    assert careless == PASSES_ON | set(LOOKS_ITSELF)


@pytest.mark.parametrize(
    "code",
    [
        "request.form()",
        "request.form(max_files=1)",
        "request.form(max_files=most)",
        "sent(request, files=1)",
        "sent(request, 1)",
        "isinstance(x, UploadFile)",
    ],
)
def test_every_way_to_take_a_file_is_seen(code: str) -> None:
    assert takes_files(ast.parse(code)) == [1]
    assert not looks_through(ast.parse(code))


@pytest.mark.parametrize("code", ["request.form(max_files=0)", "sent(request)", "desk.form(request)"])
def test_a_form_without_files_is_none_of_them(code: str) -> None:
    assert takes_files(ast.parse(code)) == []

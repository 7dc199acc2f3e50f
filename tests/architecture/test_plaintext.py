"""There is one way to a plaintext: no other module can decrypt what is held about persons."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "src" / "kitamae"
VAULT = "kitamae.kernel.people.vault"
SEALED = ("seal", "keyring", "receipt", "reading", "writing", "erasing", "resealing", "inner")
"""Parts of the vault that nothing outside it imports."""


def imported(path: Path) -> set[str]:
    """Everything a module imports, also inside functions, as `module` and `module.name`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{one.name}" for one in node.names}
    return found


MODULES = {path.relative_to(ROOT).as_posix(): imported(path) for path in ROOT.rglob("*.py")}


def using(name: str) -> set[str]:
    return {path for path, names in MODULES.items() if name in names}


def test_nothing_outside_the_vault_imports_its_inner_parts() -> None:
    outside = {path: names for path, names in MODULES.items() if not path.startswith("kernel/people/vault/")}
    assert len(outside) > 100
    for path, names in outside.items():
        for part in SEALED:
            assert not any(one == f"{VAULT}.{part}" or one.startswith(f"{VAULT}.{part}.") for one in names), (
                path
            )


def test_only_reading_resealing_and_what_keeps_a_corrected_value_open_what_is_sealed() -> None:
    assert using(f"{VAULT}.seal.unseal") == {
        "kernel/people/vault/former.py",
        "kernel/people/vault/reading.py",
        "kernel/people/vault/resealing.py",
    }
    assert not any(f"{VAULT}.seal.gcm_decrypt" in names for names in MODULES.values())


def test_resealing_hands_nothing_out() -> None:
    """Its functions answer with numbers of rows, or with rows that are sealed again."""
    tree = ast.parse((ROOT / "kernel/people/vault/resealing.py").read_text())
    answers = {
        ast.unparse(node.returns)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns
    }
    assert answers <= {"int", "None", "Sealed"}


def test_whatever_is_opened_for_a_reader_has_its_receipt_committed_before() -> None:
    """`unseal` is called in `_opened` and `_receipt` alone, and these where `_receipted`, `_note` or one's own receipts come first."""
    tree = ast.parse((ROOT / "kernel/people/vault/reading.py").read_text())
    callers: dict[str, list[str]] = {}
    for function in ast.walk(tree):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for node in ast.walk(function):
                if isinstance(node, ast.Call):
                    name = ast.unparse(node.func).rpartition(".")[2]
                    callers.setdefault(name, []).append(function.name)
    assert set(callers["unseal"]) == {"_opened", "_receipt"}
    assert set(callers["_opened"]) == {"read"}
    assert set(callers["_receipt"]) == {"receipts"}
    assert "read" in callers["_receipted"]
    assert "receipts" in callers["_note"]


def test_the_tables_of_the_vault_are_read_by_its_own_queries_alone() -> None:
    allowed = {"vault.sql", "moving.sql", "keys.sql"}
    for path in ROOT.rglob("*.sql"):
        if "migrations" not in path.parts and path.name not in allowed:
            assert "vault_" not in path.read_text(), path
    for path in ROOT.rglob("*.py"):
        for word in ("FROM vault_", "INTO vault_", "UPDATE vault_"):
            assert word not in path.read_text(), path
    assert {path for path, names in MODULES.items() if any("AESGCM" in one for one in names)} <= {
        "kernel/people/vault/seal.py",
        "kit/notices/area/push.py",  # encrypts for a browser (RFC 8291), and can open nothing
    }

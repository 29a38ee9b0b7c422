"""The documentation strings of Python's standard library: real text that is on every machine."""

from __future__ import annotations

import ast
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

SKIPPED = {"test", "tests", "idlelib", "lib2to3", "distutils", "turtledemo", "site-packages"}
SHORTEST = 8  # words; below that a docstring says little more than the name does

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
KINDS = {ast.Module: "module", ast.ClassDef: "class"}


@dataclass(frozen=True)
class Docstring:
    """What `help(name)` says about a module, class or function."""

    name: str
    kind: str
    text: str


def standard_library() -> Path:
    return Path(sysconfig.get_path("stdlib"))


def docstrings(root: Path, *, limit: int) -> Iterator[Docstring]:
    """The public ones, each text once, in a fixed order; the code is parsed, never run."""
    return islice(_distinct(root), limit)


def _distinct(root: Path) -> Iterator[Docstring]:
    seen: set[str] = set()
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if not SKIPPED.isdisjoint(parts):
            continue
        module = ".".join(part for part in parts if part != "__init__")
        for found in _of_file(path, module):
            if found.text not in seen:
                seen.add(found.text)
                yield found


def _of_file(path: Path, module: str) -> Iterator[Docstring]:
    if _is_public(module):
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):  # the library ships broken files to test tools with
            return
        yield from _of_node(tree, module)


def _of_node(node: Documented, name: str) -> Iterator[Docstring]:
    text = ast.get_docstring(node)
    if text and len(text.split()) >= SHORTEST:
        yield Docstring(name, KINDS.get(type(node), "function"), text)
    if isinstance(node, (ast.Module, ast.ClassDef)):
        for child in node.body:
            if isinstance(child, Documented) and _is_public(child.name):
                yield from _of_node(child, f"{name}.{child.name}")


def _is_public(name: str) -> bool:
    return not any(part.startswith("_") for part in name.split("."))

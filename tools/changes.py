"""What may be changed in a module to see whether its tests notice.

Changed are comparisons, arithmetic, `and`, `or`, `not`, conditions, numbers, words, truth values, what is assigned and
returned, statements that are calls or `raise` or `del`, keyword arguments, and handlers of errors. Sentences,
annotations, decorators and f-strings stay as they are: their tests would repeat them.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Mutant", "changes"]

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}


@dataclass(frozen=True)
class Mutant:
    """One change: the bytes from start to stop become others."""

    start: int
    stop: int
    line: int
    last: int
    before: str
    after: str

    def apply(self, source: bytes) -> bytes:
        """The changed module."""
        return source[: self.start] + self.after.encode() + source[self.stop :]

    def __str__(self) -> str:
        before, after = (re.sub(r"\s+", " ", text) for text in (self.before, self.after))
        return f"{self.line}: {before[:90]}  ->  {after[:90]}"


def variants(node: ast.AST) -> Iterator[ast.AST]:
    """What an expression is changed into."""
    if isinstance(node, ast.Compare):
        for place, each in enumerate(node.ops):
            yield _with(node, ops=[*node.ops[:place], SWAPS[type(each)](), *node.ops[place + 1 :]])
    elif isinstance(node, ast.BoolOp | ast.BinOp) and type(node.op) in SWAPS:
        yield _with(node, op=SWAPS[type(node.op)]())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.Constant):
        yield from _other_constants(node.value)
    elif isinstance(node, ast.Call):
        named = [each for each in node.keywords if each.arg is not None]
        yield from (_with(node, keywords=[each for each in node.keywords if each is not left]) for left in named)


def _other_constants(value: object) -> Iterator[ast.AST]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield ast.Constant(value + 1)
    elif isinstance(value, str) and " " not in value:
        yield ast.Constant(f"XX{value}")


def _with(node: ast.AST, **fields: Any) -> ast.AST:
    changed = copy.copy(node)
    vars(changed).update(fields)
    return changed


def statements(node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Parts of a statement, and what they are changed into."""
    match node:
        case ast.Expr(value=ast.Call()) | ast.Raise() | ast.Delete():
            yield node, ast.Pass()
        case ast.Break():
            yield node, ast.Continue()
        case ast.Continue():
            yield node, ast.Break()
        case ast.AugAssign() if type(node.op) in SWAPS:
            yield node, _with(node, op=SWAPS[type(node.op)]())
        case ast.Return() | ast.Assign() | ast.AnnAssign() if not isinstance(node.value, ast.Constant | None):
            yield node.value, ast.Constant(None)
        case ast.If() | ast.While() | ast.IfExp() if not isinstance(node.test, ast.Compare | ast.UnaryOp):
            yield node.test, ast.UnaryOp(ast.Not(), node.test)
        case ast.ExceptHandler(body=[first, *_]) if not isinstance(first, ast.Raise):
            yield first, ast.Raise()


class _Finder(ast.NodeVisitor):
    """All changes of a module."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.lines = [0]
        for line in source.splitlines(keepends=True):
            self.lines.append(self.lines[-1] + len(line))
        self.found: list[Mutant] = []
        self.depth = 0
        self.visit(ast.parse(source))

    def note(self, node: Any, into: ast.AST) -> None:
        """Remember a change, in brackets where it is an expression."""
        start = self.lines[node.lineno - 1] + node.col_offset
        stop = self.lines[node.end_lineno - 1] + node.end_col_offset
        text = ast.unparse(ast.fix_missing_locations(into))
        after = f"({text})" if isinstance(into, ast.expr) else text
        before = self.source[start:stop].decode()
        self.found.append(Mutant(start, stop, node.lineno, node.end_lineno, before, after))

    def generic_visit(self, node: ast.AST) -> None:
        """Note the changes of a node, and look below it."""
        for into in variants(node):
            self.note(node, into)
        if self.depth:
            for part, into in statements(node):
                self.note(part, into)
        for name, value in ast.iter_fields(node):
            if name in {"annotation", "returns", "decorator_list", "bases", "type"}:
                continue
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, ast.AST):
                    self.visit(each)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Look into a function."""
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Leave f-strings alone: before Python 3.12 nobody knows where their parts stand."""

    def visit_Expr(self, node: ast.Expr) -> None:
        """Leave docstrings alone."""
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        """Leave alone what names are for readers and for the type checker."""
        if ast.unparse(node.targets[0]) != "__all__" and not ast.unparse(node.value).startswith("TypeVar("):
            self.generic_visit(node)


def changes(source: bytes) -> list[Mutant]:
    """All changes of a module, in its order."""
    return _Finder(source).found

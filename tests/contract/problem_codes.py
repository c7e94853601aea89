"""Reads from source, without running it, which problem codes a package can raise."""

import ast
from collections.abc import Iterator
from pathlib import Path


class UnreadableCodeError(AssertionError):
    """A problem is made with a code that cannot be told from the source."""


def codes_raised(folder: Path, *but: str) -> set[str]:
    """Give the codes of every `Problem(...)`, of its subclasses, and of functions that take a code and make one."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in folder.rglob("*.py") if path.name not in but}
    makers = {"Problem": 1}
    while True:
        known = dict(makers)
        found = set()
        for path, tree in trees.items():
            for node, scopes in _with_scopes(tree):
                if isinstance(node, ast.ClassDef):
                    found |= _own_code(node, makers)
                    makers |= _subclass(node, makers)
                elif isinstance(node, ast.Call) and _name(node.func) in makers:
                    found |= _codes(node, scopes, makers, path)
        if makers == known:
            return found


def _with_scopes(tree: ast.AST, scopes: tuple[ast.AST, ...] = ()) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...]]]:
    """Every node with the module and functions around it, the innermost first."""
    if isinstance(tree, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef):
        scopes = (tree, *scopes)
    for node in ast.iter_child_nodes(tree):
        yield node, scopes
        yield from _with_scopes(node, scopes)


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _subclass(node: ast.ClassDef, makers: dict[str, int]) -> dict[str, int]:
    """Where the constructor of a problem's subclass takes its code; nowhere, if it has one of its own."""
    place = _inherited(node, makers)
    if place is None or _own_code(node, makers):
        return {}
    for init, call in _made_by_the_base(node):
        return {node.name: [argument.arg for argument in init.args.args[1:]].index(_name(call.args[place]))}
    return {node.name: place}


def _own_code(node: ast.ClassDef, makers: dict[str, int]) -> set[str]:
    """The code that a problem's subclass gives to all of its problems."""
    place = _inherited(node, makers)
    codes = [] if place is None else [call.args[place] for _init, call in _made_by_the_base(node)]
    return {code.value for code in codes if isinstance(code, ast.Constant) and isinstance(code.value, str)}


def _inherited(node: ast.ClassDef, makers: dict[str, int]) -> int | None:
    """Where the constructor of a class's base takes the code, if the base is a problem."""
    return next((makers[_name(base)] for base in node.bases if _name(base) in makers), None)


def _made_by_the_base(node: ast.ClassDef) -> Iterator[tuple[ast.FunctionDef, ast.Call]]:
    for init in node.body:
        if isinstance(init, ast.FunctionDef) and init.name == "__init__":
            for call in ast.walk(init):
                if isinstance(call, ast.Call) and _name(call.func) == "__init__":
                    yield init, call


def _codes(call: ast.Call, scopes: tuple[ast.AST, ...], makers: dict[str, int], path: Path) -> set[str]:
    place = makers[_name(call.func)]
    given = (
        [call.args[place]] if len(call.args) > place else [word.value for word in call.keywords if word.arg == "code"]
    )
    for code in given:
        if isinstance(code, ast.Constant) and isinstance(code.value, str):
            return {code.value}
        if isinstance(code, ast.Name):
            for scope in scopes:
                if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
                    names = [argument.arg for argument in scope.args.args]
                    if code.id in names:
                        makers[scope.name] = names.index(code.id)
                        return set()
                assigned = _assigned(scope, code.id)
                if assigned:
                    return assigned
    message = f"{path}:{call.lineno}: say the code where the problem is made"
    raise UnreadableCodeError(message)


def _assigned(scope: ast.AST, name: str) -> set[str]:
    """Texts that a name is given, a table of them included."""
    values = [
        node.value
        for node in ast.walk(scope)
        if isinstance(node, ast.Assign) and any(_name(target) == name for target in node.targets)
    ]
    return {
        one.value
        for value in values
        for one in ast.walk(value)
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }

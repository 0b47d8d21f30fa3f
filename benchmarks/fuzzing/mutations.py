"""Changes to inputs by their grammar, so that they get beyond the first character.

Each takes bytes and a source of randomness, and gives bytes.  What has not the form
that a mutation works on is changed byte by byte.
"""

from __future__ import annotations

import copy
import io
import json
import random
import re
import zipfile
from collections.abc import Callable
from typing import Any, Final

__all__ = [
    "Mutation",
    "changed_bytes",
    "changed_json",
    "changed_text",
    "changed_zip",
    "drawn_expression",
    "drawn_text",
]

Random = random.Random
Mutation = Callable[[bytes, Random], bytes]

_TOKEN: Final = re.compile(r"\s+|[0-9.]+(?:[eE][+-]?[0-9]+)?|\w+|\*\*|.", re.DOTALL)

#: What circuit text, formulas, pipelines and tables are made of.
WORDS: Final = (
    "input", "output", "circuit", "pi", "x", "y", "f", "g1", "c", "=", ",", "(", ")",
    "((", "))", "+", "-", "*", "/", "^", "**", "\n", " ", "#", "0", "1", "2", "-1",
    "0.5", "1e3", "1e-4000", "1e4001", "1e999999999", "9" * 60, "1/3", "1/2", "nan",
    "inf", "sin(", "exp(", "log(", "sqrt(", "max(", "min(", "abs(", "relu(", "step(",
    "leaky_relu(", "sum(", "prod(", "inv(", "square(", "acos(", "erf(", "sigmoid(",
    "output f\n", "input x, y\n", "x^2", "y^(1/2)", "sin = ", "θ", "é", "x²", "٣", "\r",
    "\t", "\ufeff", "\u202e", "\u0301", "\0", "df_dx", "__import__('os')", "lambda",
)  # fmt: skip
#: Characters up to which a token is repeated: inputs are cut to this, or so.
MAX_REPEATED: Final = 20_000

#: Values of JSON that are seldom what is asked for.
VALUES: Final = (
    None, True, False, 0, 1, -1, 2, 10**30, -0.0, 1e308, "", "x", "pi", "-1/3", "1/0",
    "1e4001", "0x10", "a b", "<b>", "θ", [], {}, [0], [["f", 0]], "sum", "power", "exp",
    "constant", "input", "\ud800", 2**31, 2**63,
)  # fmt: skip


def changed_bytes(data: bytes, draw: Random) -> bytes:
    """Change, drop, repeat or insert bytes."""
    made = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 4))):
        at = draw.randrange(len(made) + 1)
        end = min(len(made), at + draw.choice((1, 1, 2, 4, 16)))
        kind = draw.randrange(4)
        if kind == 0 and at < len(made):
            made[at] = draw.randrange(256)
        elif kind == 1:
            del made[at:end]
        elif kind == 2:
            made[at:at] = made[at:end] * draw.choice((1, 2, 8))
        else:
            made[at:at] = bytes(draw.randrange(256) for _ in range(draw.randrange(4)))
    return bytes(made)


def changed_text(data: bytes, draw: Random) -> bytes:
    """Change tokens and lines of a text."""
    text = data.decode("utf-8", "surrogateescape")
    for _ in range(draw.choice((1, 1, 2, 3, 6))):
        tokens = _TOKEN.findall(text)
        kind = draw.randrange(8)
        at = draw.randrange(len(tokens) + 1)
        other = draw.randrange(len(tokens) + 1)
        if kind == 0:
            tokens[at : at + 1] = [draw.choice(WORDS)]
        elif kind == 1:
            tokens.insert(at, draw.choice(WORDS))
        elif kind == 2:
            del tokens[at : at + draw.choice((1, 1, 2, 5))]
        elif kind == 3:  # a part of it stands elsewhere, too
            tokens[other:other] = tokens[at : at + draw.choice((1, 3, 9))]
        elif kind == 4 and at < len(tokens) and other < len(tokens):
            tokens[at], tokens[other] = tokens[other], tokens[at]
        elif kind == 5:
            lines = text.split("\n")
            lines.insert(draw.randrange(len(lines) + 1), draw.choice(lines))
            tokens = ["\n".join(lines)]
        elif kind == 6:
            lines = text.split("\n")
            draw.shuffle(lines) if draw.random() < 0.3 else lines.pop(
                draw.randrange(len(lines))
            )
            tokens = ["\n".join(lines)]
        elif at < len(tokens):  # deep or long
            room = MAX_REPEATED // max(1, len(tokens[at]))
            tokens[at] *= max(1, min(room, draw.choice((2, 10, 100, 1000))))
        text = "".join(tokens)
    return text.encode("utf-8", "surrogateescape")


def changed_json(data: bytes, draw: Random) -> bytes:
    """Change values of JSON."""
    try:
        root = [json.loads(data)]
    except (ValueError, RecursionError):
        return changed_text(data, draw)
    for _ in range(draw.choice((1, 1, 2, 4))):
        places: list[tuple[Any, Any]] = []
        waiting: list[Any] = [root]
        while waiting:
            each = waiting.pop()
            keys = each if isinstance(each, dict) else range(len(each))
            places += ((each, key) for key in keys)
            inside = each.values() if isinstance(each, dict) else each
            waiting += (value for value in inside if isinstance(value, (dict, list)))
        if not places:
            break
        holder, key = draw.choice(places)
        _change_value(holder, key, draw.choice(places), draw)
    if not root:
        return b""
    return json.dumps(root[0]).encode("utf-8", "surrogatepass")


def _change_value(holder: Any, key: Any, other: tuple[Any, Any], draw: Random) -> None:
    kind = draw.randrange(6)
    value = holder[key]
    elsewhere = json.loads(json.dumps(other[0][other[1]]))
    if kind == 0:
        del holder[key]
    elif kind == 1:
        holder[key] = elsewhere
    elif kind == 2 and isinstance(value, str):
        holder[key] = changed_text(value.encode("utf-8", "replace"), draw).decode(
            "utf-8", "replace"
        )
    elif kind == 3 and isinstance(value, int):
        holder[key] = value + draw.choice((-1, 1, 100))
    elif kind == 4 and isinstance(value, list):
        value.insert(draw.randrange(len(value) + 1), elsewhere)
    else:
        holder[key] = copy.deepcopy(draw.choice(VALUES))


def changed_zip(data: bytes, draw: Random) -> bytes:
    """Change a part of a zip archive, whose checksum is then right."""
    if draw.random() < 0.2:
        return changed_bytes(data, draw)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {info.filename: archive.read(info) for info in archive.infolist()}
    except Exception:  # a damaged one has many ways to say so
        return changed_bytes(data, draw)
    if not parts:
        return changed_bytes(data, draw)
    name = draw.choice(sorted(parts))
    if name.endswith(".json"):
        parts[name] = changed_json(parts[name], draw)
    elif draw.random() < 0.05:
        del parts[name]
    else:
        head, line, items = parts[name].partition(b"\n")
        if draw.random() < 0.1:
            head = changed_bytes(head, draw)
        elif name.startswith(("numbers", "gates", "names", "output_names")):
            items = changed_text(items, draw)
            size = b"'shape': (%d,)" % len(items)
            fixed = re.sub(rb"'shape': \([0-9]+,\)", size, head)
            head = fixed[: len(head)].ljust(len(head))
        elif items:
            made = bytearray(items)
            at = draw.randrange(len(made))
            made[at] = draw.choice((0, 1, 2, 3, 127, 128, 255, made[at] ^ 1))
            items = bytes(made)
        parts[name] = head + line + items
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for each, content in parts.items():
            archive.writestr(zipfile.ZipInfo(each), content)
    return buffer.getvalue()


# ------------------------------------------------------------------ grown from nothing

_ATOMS: Final = ("2", "0", "1/3", "0.5", "pi", "1e3", "-1", "5")
_CALLS: Final = (
    "sin", "exp", "log", "sqrt", "abs", "relu", "step", "erf", "tanh", "acos", "inv",
    "max", "min", "sum", "prod", "sigmoid", "square", "leaky_relu",
)  # fmt: skip
_MANY: Final = ("max", "min", "sum", "prod")


def drawn_expression(draw: Random, names: list[str], depth: int = 3) -> str:
    """Draw an expression over some names."""
    if depth == 0 or draw.random() < 0.2:
        return draw.choice((*_ATOMS, *names, *names, *names))
    a, b = (drawn_expression(draw, names, depth - 1) for _ in range(2))
    kind = draw.randrange(6)
    if kind == 0:
        call = draw.choice(_CALLS)
        if call in _MANY:
            return f"{call}({a}, {b})"
        return f"leaky_relu({a}, 0.01)" if call == "leaky_relu" else f"{call}({a})"
    if kind == 1:
        return f"({a})^{draw.choice(('2', '3', '-1', '(1/2)', f'({b})'))}"
    operator = draw.choice((" + ", " - ", "*", "*", "/"))
    bracket = draw.random() < 0.5
    return f"({a}{operator}{b})" if bracket else f"{a}{operator}{b}"


def drawn_text(draw: Random) -> str:
    """Draw a circuit text; it may divide by zero, and is right otherwise."""
    names = ["x", "y", "exp", "é1"][: draw.randrange(1, 5)]
    lines = [f"input {', '.join(names)}"]
    for count in range(draw.randrange(1, 6)):
        name = draw.choice((f"u{count}", f"g{count}", f"df_dx{count}"))
        lines.append(f"{name} = {drawn_expression(draw, names)}")
        names.append(name)
    outputs = draw.sample(names, min(len(names), draw.randrange(1, 4)))
    named = [f"f{i} = {each}" if i else each for i, each in enumerate(outputs)]
    return "\n".join([*lines, f"output {', '.join(named)}", ""])

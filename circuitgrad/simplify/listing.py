"""The documentation's page of the rules, made from the table."""

from __future__ import annotations

from collections.abc import Iterable

from circuitgrad.simplify.rules import (
    MATRIX_RULES,
    NORMAL_RULES,
    RULES,
    SHARING_RULES,
    Rule,
)

__all__ = ["rules_page"]

_HEAD = """\
# Rewrite rules

Made by `circuitgrad rules --markdown` from `circuitgrad/simplify/rules.py`.

*Class*: an `exact` rule is equal wherever the left side has a value, and undefined
where it is not; one that `extends` may have a value at more points; one that
`reassociates` rounds differently in floating point. *Caveats*: `distributes` uses the
distributive law; `infinity` means that an overflow or underflow on the way may come or
go. No rule shrinks the domain: `f/u` for a partial of `f = u*v` would. `--ieee` leaves
out rules that extend or have a caveat; the sign of a zero is not kept by any.
"""

_PARTS = (
    (
        "The normal form",
        "What `rewrite` does to sums and products of any length, and by the traits of "
        "the gate table. The identities are instances.",
        NORMAL_RULES,
    ),
    (
        "Matched rules",
        "Letters match any vertex, up to the normal form; the right side has fewer "
        "operations, or as many and fewer gates; that is checked when it is read.",
        RULES,
    ),
    (
        "Sharing",
        "What `factor`, `share_products` and `share_sums` do where it saves.",
        SHARING_RULES,
    ),
    (
        "Arrays",
        "What `matrices` does to gates of arrays; those with diagonal matrices where "
        "it is asked to. Capitals are matrices. The identities are instances.",
        MATRIX_RULES,
    ),
)


def rules_page() -> str:
    """Give the page as Markdown."""
    parts = [
        f"\n## {title}\n\n{words}\n\n{_table(rules)}" for title, words, rules in _PARTS
    ]
    return _HEAD + "".join(parts)


def _table(rules: Iterable[Rule]) -> str:
    lines = [
        "| rule | identity | class | caveats | `--ieee` |",
        "|---|---|---|---|---|",
    ]
    for rule in rules:
        caveats = ", ".join(sorted(rule.caveats))
        kept = "kept" if rule.ieee else "left out"
        row = [rule.name, f"`{rule.identity}`", rule.soundness, caveats, kept]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"

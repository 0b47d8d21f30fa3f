"""Commands that list what there is: rules, passes."""

from __future__ import annotations

import json
import sys

import click

__all__ = ["passes", "rules"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
@click.option("--markdown", is_flag=True, help="Print the page of the documentation.")
def rules(as_json: bool, markdown: bool) -> None:
    """List the rewrite rules: name, identity, soundness."""
    from circuitgrad.simplify.listing import rules_page
    from circuitgrad.simplify.rules import all_rules
    from circuitgrad.tables import show

    if markdown:
        click.echo(rules_page(), nl=False)
    elif as_json:
        for rule in all_rules():
            row = {
                "rule": rule.name,
                "identity": rule.identity,
                "class": rule.soundness,
                "caveats": sorted(rule.caveats),
                "ieee": rule.ieee,
            }
            click.echo(json.dumps(row))
    else:
        table = [
            [
                rule.name,
                rule.identity,
                ", ".join([rule.soundness, *sorted(rule.caveats)]),
                "kept" if rule.ieee else "left out",
            ]
            for rule in all_rules()
        ]
        show(["rule", "identity", "class", "--ieee"], table, sys.stdout, words=True)


@click.command()
def passes() -> None:
    """List the passes with their options, and the levels of -O."""
    from circuitgrad.passes import LEVELS, PASSES
    from circuitgrad.tables import show

    table = []
    for name, found in PASSES.items():
        if name == (found.short or found.name):
            options = " ".join(found.options())
            table.append([name, options, found.summary])
    show(["pass", "options", ""], table, sys.stdout, words=True)
    for name, level in LEVELS.items():
        click.echo(f"\n-O {name}: least {level.goal}")
        if level.before:
            click.echo(f"  before differentiation  {level.before}")
        click.echo(f"  after                   {level.after}")

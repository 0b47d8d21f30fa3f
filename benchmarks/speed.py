"""How fast each stage is, beside other tools in the same run, as ratios.

``python benchmarks/speed.py`` measures everything; ``--only 3,7`` some rows.  The exit
status is 1 where a program gives other numbers than its peer.
"""

from __future__ import annotations

import argparse
import gc
import sys
from pathlib import Path

from speeds import report
from speeds.curves import Curves, curves
from speeds.figure import DisagreementError, Figure
from speeds.machine import describe, load
from speeds.rows import ROWS, measured
from speeds.timing import Settings

DOCS = Path(__file__).resolve().parents[1] / "docs"


def rows_of(text: str) -> set[int]:
    """Read a list of rows."""
    try:
        rows = {int(word) for word in text.split(",")}
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of rows") from None
    if not rows <= set(ROWS):
        raise argparse.ArgumentTypeError(f"the rows are {ROWS[0]} to {ROWS[-1]}")
    return rows


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", type=rows_of, default=set(ROWS), metavar="ROW,...")
    parser.add_argument("--quick", action="store_true", help="small circuits, to try")
    parser.add_argument("--runs", type=int, default=5, help="runs counted, at least")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write JSON too")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the plot")
    parser.add_argument(
        "--markdown", action="store_true", help="print the section of the docs"
    )
    parser.add_argument(
        "--docs",
        action="store_true",
        help="write the section into docs/performance.md, and its plot",
    )
    return parser.parse_args()


def main() -> int:
    """Measure, print and write; give the exit status."""
    arguments = read_arguments()
    settings = Settings(arguments.quick, arguments.runs)
    machine = {**describe(), "runs": settings.runs}
    start, right = load(), True
    figures: list[Figure] = []
    for figure, agreed in measured(settings, arguments.only):
        found = "" if figure.found is None else f"{figure.found:.3g} {figure.unit}"
        said = f"{figure.row:2}  {figure.what}  {found}  {figure.note}".rstrip()
        print(said, file=sys.stderr, flush=True)
        figures.append(figure)
        right = right and agreed
        gc.collect()
    plot = arguments.plot or (DOCS / "figures/speed.svg" if arguments.docs else None)
    drawn: Curves = {}
    if plot:
        try:
            drawn = curves(settings)
        except DisagreementError as error:
            print(error, file=sys.stderr)
            right = False
    machine["load"] = [start, load()]
    section = report.markdown(figures, machine)
    if arguments.markdown:
        print(section)
    else:
        report.print_table(figures, sys.stdout)
        print(report.sentence(machine))
    if arguments.json:
        arguments.json.write_text(report.as_json(figures, machine, drawn))
    if not right:
        return 1  # and the docs stay as they are
    if plot:
        from speeds.plot import draw

        draw(drawn, plot)
    if arguments.docs:
        report.rewrite_section(DOCS / "performance.md", section)
    return 0


if __name__ == "__main__":
    sys.exit(main())

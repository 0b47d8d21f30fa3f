"""The README and the docs: their code runs, their figures are current."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from conftest import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.M | re.S)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_python_code_runs(page, tmp_path):
    """In a process of its own, since a page may register a gate."""
    code = "\n".join(blocks(page, "python"))
    if code:
        subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


SESSIONS = [
    pytest.param(page, block, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, block in enumerate(blocks(page, "console"))
]


@pytest.mark.parametrize(("page", "session"), SESSIONS)
def test_console_sessions_print_what_they_show(page, session, tmp_path, request):
    """Each command prints exactly the lines below it, words included."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    printed = ""
    for step in re.split(r"^\$ ", session, flags=re.M)[1:]:
        command = step.partition("\n")[0]
        program = f"{sys.executable} -m circuitgrad "
        found = subprocess.run(
            ["bash", "-c", re.sub(r"\bcircuitgrad (?=[a-z])", program, command)],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        printed += f"$ {command}\n{found.stdout}"
    if request.config.getoption("--rewrite-golden"):
        page.write_text(page.read_text().replace(session, printed))
        return
    assert printed == session


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def structure(svg):
    """Give what a figure is made of; where it stands is up to the Graphviz there is."""
    return sorted(re.findall(r'<g id="[^"]*" class="[^"]*"|<title>.*|href="\S*', svg))


def test_figures_are_current():
    """`python docs/make_figures.py` draws them."""
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        from make_figures import FIGURES, figures
    finally:
        sys.path.pop(0)
    drawn = figures()
    assert {path.stem for path in FIGURES.glob("*.svg")} == {*drawn, "speed"}
    for name, svg in drawn.items():
        kept = (FIGURES / f"{name}.svg").read_text()
        assert structure(kept) == structure(svg), name


@pytest.mark.parametrize("page", sorted((ROOT / "notebooks").glob("*.py")), ids=str)
def test_notebooks_are_the_same_as_their_text(page):
    """`jupytext --to ipynb` makes the one from the other; nbmake runs it."""
    import jupytext

    text, notebook = jupytext.read(page), jupytext.read(page.with_suffix(".ipynb"))
    cells = [[(c.cell_type, c.source) for c in n.cells] for n in (text, notebook)]
    assert cells[0] == cells[1]
    assert not any(cell.get("outputs") for cell in notebook.cells)


def test_the_stub_lists_what_there_is():
    import circuitgrad as cg

    for name in cg.__all__:
        assert getattr(cg, name) is not None


def test_imports_run_one_way():
    """A room imports only rooms below it, as docs/architecture.md lists them."""
    table = re.findall(
        r"^\| (`[^|]+) \|", (ROOT / "docs/architecture.md").read_text(), re.M
    )
    rank = {}
    for level, cell in enumerate(table):
        for room in re.findall(r"`([\w./]+)`", cell):
            rank[room.rstrip("/").removesuffix(".py")] = level
    package = ROOT / "circuitgrad"
    for path in sorted(package.rglob("*.py")):
        relative = path.relative_to(package)
        own = relative.parts[0].removesuffix(".py")
        if own in ("__init__", "__main__"):
            continue
        text = re.sub(
            r"^if TYPE_CHECKING:\n(    .*\n|\n)+", "", path.read_text(), flags=re.M
        )
        # Imports inside functions are made on use and may look up.
        for room in re.findall(r"^from circuitgrad\.(\w+)", text, re.M):
            assert rank[own] <= rank[room], f"{relative} imports {room}"

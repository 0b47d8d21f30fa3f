"""What a check found: a verdict for each output, at a stated level."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["LEVELS", "Report", "Verdict"]

#: From the strongest to the weakest, then what is no answer, then no.
LEVELS: Final = (
    "proved", "certified", "sampled", "undecided", "unchecked", "failed"
)  # fmt: skip
#: The levels at which an output is taken for right.
PASSED: Final = ("proved", "certified", "sampled")


#: Outputs that a report names one by one.
MAX_LINES: Final = 20


@dataclass(frozen=True)
class Verdict:
    """What was found of one output.

    Attributes
    ----------
    output : str
        The output of the gradient circuit.
    claim : str
        What it should compute: ``∂f/∂x``.
    level : {"proved", "certified", "sampled", "undecided", "unchecked", "failed"}
        Proved: polynomials or sympy show it.  Certified: both sides agree at random
        points of a prime field, and at real ones where there are functions.  Sampled:
        they agree at random real points.  Undecided: no point of the domain was found,
        an output has no value where the source has one, or its name says nothing.
        Unchecked: the circuits are too large.  Failed: a point where the values differ
        is given.
    detail : str
        Why, where the level is not proved.
    point : mapping, optional
        For a failure, the inputs where the values differ.
    expected, found : str, optional
        For a failure, both values.
    """

    output: str
    claim: str
    level: str
    detail: str = ""
    point: Mapping[str, str] | None = None
    expected: str | None = None
    found: str | None = None

    def __str__(self) -> str:
        text = f"{self.output}: {self.level}"
        if self.level == "failed":
            at = ", ".join(
                f"{name} = {value}" for name, value in (self.point or {}).items()
            )
            text += (
                f": {self.claim}\n  at {at}\n  expected {self.expected}"
                f"\n  found    {self.found}"
            )
        elif self.detail:
            text += f" ({self.detail})"
        return text


@dataclass(frozen=True)
class Report:
    """What a check found of every output."""

    verdicts: tuple[Verdict, ...] = field(default=())
    #: How it was checked: what a certificate says besides the verdicts.
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """Number of verdicts of each level that occurs, strongest first."""
        counts = Counter(verdict.level for verdict in self.verdicts)
        return {level: counts[level] for level in LEVELS if counts[level]}

    @property
    def passed(self) -> bool:
        """Whether every output was proved, certified or sampled."""
        return all(verdict.level in PASSED for verdict in self.verdicts)

    @property
    def failed(self) -> bool:
        """Whether some output is wrong."""
        return any(verdict.level == "failed" for verdict in self.verdicts)

    @property
    def exit_status(self) -> int:
        """Give 0 where all is well, 1 for a wrong output, 5 where something is open."""
        return 1 if self.failed else 0 if self.passed else 5

    def __bool__(self) -> bool:
        return self.passed

    def as_dict(self) -> dict[str, Any]:
        """Give the report as JSON data."""
        return {
            "passed": self.passed,
            "counts": self.counts,
            "outputs": [
                {
                    key: value
                    for key, value in vars(v).items()
                    if value not in (None, "")
                }
                for v in self.verdicts
            ],
        }

    def summary(self) -> str:
        """Say in one line how many outputs are at which level."""
        total = len(self.verdicts)
        parts = [f"{count} {level}" for level, count in self.counts.items()]
        return (
            f"{total} output{'s' * (total != 1)}: "
            f"{', '.join(parts) or 'nothing to check'}"
        )

    def __str__(self) -> str:
        wanting = [v for v in self.verdicts if v.level not in PASSED]
        wanting.sort(key=lambda v: v.level != "failed")  # what is wrong comes first
        lines = [self.summary(), *map(str, wanting[:MAX_LINES])]
        if len(wanting) > MAX_LINES:
            lines.append(f"... and {len(wanting) - MAX_LINES:,} more")
        return "\n".join(lines)

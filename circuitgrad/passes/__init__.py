"""Passes: functions from circuits to circuits, registered once under their names."""

from __future__ import annotations

from circuitgrad.passes.levels import LEVELS, Level
from circuitgrad.passes.pipeline import (
    Choice,
    Pipeline,
    Step,
    parse_pipeline,
    with_ieee,
)
from circuitgrad.passes.registry import PASSES, Pass, register_pass
from circuitgrad.passes.running import GOALS, Ran, run

__all__ = [
    "GOALS",
    "LEVELS",
    "PASSES",
    "Choice",
    "Level",
    "Pass",
    "Pipeline",
    "Ran",
    "Step",
    "parse_pipeline",
    "register_pass",
    "run",
    "with_ieee",
]

"""Passes: functions from circuits to circuits, registered once under their names."""

from __future__ import annotations

from circuitgrad.passes.pipeline import (
    PASSES,
    PIPELINES,
    Pass,
    Step,
    parse_pipeline,
    register_pass,
    run,
)

__all__ = [
    "PASSES",
    "PIPELINES",
    "Pass",
    "Step",
    "parse_pipeline",
    "register_pass",
    "run",
]

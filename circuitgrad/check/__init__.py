"""Checking that a circuit computes the derivatives of another."""

from __future__ import annotations

from circuitgrad.check.gradient import check_gradient
from circuitgrad.check.report import Report, Verdict

__all__ = ["Report", "Verdict", "check_gradient"]

"""Checking that a circuit computes the derivatives of another."""

from __future__ import annotations

from circuitgrad.check.certificate import (
    certificate,
    read_certificate,
    replay,
    structural_hash,
    write_certificate,
)
from circuitgrad.check.claims import absent
from circuitgrad.check.gradient import check_gradient, check_same
from circuitgrad.check.report import Report, Verdict

__all__ = [
    "Report",
    "Verdict",
    "absent",
    "certificate",
    "check_gradient",
    "check_same",
    "read_certificate",
    "replay",
    "structural_hash",
    "write_certificate",
]

"""What `fuzz.py` tries: targets, their seeds and mutations, and what must hold."""

from __future__ import annotations

from fuzzing.rules import BrokenRuleError, Room, tried
from fuzzing.targets import TARGETS, Target

__all__ = ["TARGETS", "BrokenRuleError", "Room", "Target", "tried"]

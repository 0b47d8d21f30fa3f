"""Progress bars: on a terminal, for work that takes over a second."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.progress import Progress

    from circuitgrad.progress import Stage

__all__ = ["Bars"]

#: Seconds before a bar is shown.
DELAY: Final = 1.0


class Bars:
    """Shows the stages of a command on standard error, and leaves no trace of them.

    A timer shows the first bar: one stage alone may take long.
    """

    def __init__(self, delay: float = DELAY, **console: Any) -> None:
        self._console = {"stderr": True, **console}
        self._lock = threading.RLock()
        self._stages: list[Stage] = []
        self._tasks: dict[Stage, Any] = {}
        self._shown: Progress | None = None
        self._due = False
        self._timer = threading.Timer(delay, self._fall_due)
        self._timer.daemon = True
        self._timer.start()

    def begin(self, stage: Stage) -> None:
        """Take up a stage."""
        with self._lock:
            self._stages.append(stage)
            if self._due:
                self._show()

    def update(self, stage: Stage) -> None:
        """Move the bar of a stage."""
        with self._lock:
            if self._shown is not None and stage in self._tasks:
                self._shown.update(self._tasks[stage], completed=stage.done)

    def end(self, stage: Stage) -> None:
        """Take a stage's bar away; with the last one, words may be printed again."""
        with self._lock:
            self._stages.remove(stage)
            task = self._tasks.pop(stage, None)
            if self._shown is not None and task is not None:
                self._shown.remove_task(task)
            if not self._stages:
                self._stop()

    def close(self) -> None:
        """Show nothing any more."""
        self._timer.cancel()
        with self._lock:
            self._due = False
            self._stop()

    def _stop(self) -> None:
        shown, self._shown = self._shown, None
        self._tasks.clear()
        if shown is not None:
            shown.stop()

    def _fall_due(self) -> None:
        with self._lock:
            self._due = True
            if self._stages:
                self._show()

    def _show(self) -> None:
        if self._shown is None:
            # imported now: most commands are done before
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            shown = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TimeElapsedColumn(),
                console=Console(**self._console),
                transient=True,
            )
            shown.start()
            self._shown = shown
        for stage in self._stages:
            if stage not in self._tasks:
                self._tasks[stage] = self._shown.add_task(
                    stage.text, total=stage.total, completed=stage.done
                )

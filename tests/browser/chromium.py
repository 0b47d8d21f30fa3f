"""A headless Chromium, driven over two pipes in its own protocol: nothing to install.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import base64
import fcntl
import json
import math
import os
import select
import shutil
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

#: Seconds that an answer may take, and that a browser may live.
PATIENCE, LIFE = 30.0, 600

KEYS = {
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
    "End": 35,
    "Home": 36,
    "Tab": 9,
    "Enter": 13,
}


def browser() -> str | None:
    """Find a browser: Debian's, or what CHROMIUM says."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser")
    return next(filter(None, map(shutil.which, filter(None, names))), None)


def _above(number: int) -> int:
    """Move a descriptor above those that the browser knows by number."""
    moved = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(number)
    return moved


class Chromium:
    """A browser with one page; use as a context, which ends it whatever happens."""

    def __init__(self, program: str) -> None:
        self.folder = tempfile.mkdtemp(prefix="chromium-")
        command = [
            *("timeout", "--kill-after=5", str(LIFE), program),
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-dev-shm-usage", "--disable-extensions", "--hide-scrollbars"),
            *("--disable-background-networking", "--disable-component-update"),
            *("--remote-debugging-pipe", f"--user-data-dir={self.folder}"),
        ]
        to_browser, self.writing = map(_above, os.pipe())
        self.reading, from_browser = map(_above, os.pipe())
        nowhere = ("/dev/null", os.O_RDWR, 0)
        self.process = os.posix_spawnp(
            command[0],
            command,
            os.environ,
            file_actions=[
                *((os.POSIX_SPAWN_OPEN, number, *nowhere) for number in (0, 1, 2)),
                (os.POSIX_SPAWN_DUP2, to_browser, 3),  # where it reads,
                (os.POSIX_SPAWN_DUP2, from_browser, 4),  # and where it writes
            ],
            setsid=True,
        )
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.number, self.session = b"", 0, ""
        self.until = math.inf  # when to give up
        self.events: list[dict[str, Any]] = []
        try:
            self._attach()
        except BaseException:
            self.close()
            raise

    def _attach(self) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        """End the browser, with all of its processes: asked to first, then by force."""
        self.session, self.until = "", time.monotonic() + 5
        with suppress(OSError, RuntimeError, TimeoutError):
            self.call("Browser.close")
            while True:  # until it has closed its end of the pipe
                self._receive()
        with suppress(ProcessLookupError):
            os.killpg(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self.writing)
        os.close(self.reading)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Chromium:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # ------------------------------------------------------------------ protocol

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command, and wait for its answer."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.writing, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") != self.number:
                self.events.append(answer)
            elif "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']}")
            else:
                return answer["result"]

    def _receive(self) -> dict[str, Any]:
        until = min(time.monotonic() + PATIENCE, self.until)
        while b"\0" not in self.buffer:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.reading], [], [], left)[0]:
                raise TimeoutError("the browser does not answer")
            data = os.read(self.reading, 1 << 20)
            if not data:
                raise RuntimeError("the browser has ended")
            self.buffer += data
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    # ------------------------------------------------------------------ the page

    def size(self, width: int, height: int) -> None:
        """Make the window so large."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1}
        self.call("Emulation.setDeviceMetricsOverride", mobile=False, **metrics)

    def media(self, **features: str) -> None:
        """Prefer ``prefers_color_scheme="dark"`` and the like."""
        given = [
            {"name": name.replace("_", "-"), "value": value}
            for name, value in features.items()
        ]
        self.call("Emulation.setEmulatedMedia", features=given)

    def open(self, path: Path) -> None:
        """Open a file, and wait until it has run."""
        self.events.clear()
        self.call("Page.navigate", url=path.as_uri())
        until = time.monotonic() + PATIENCE
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            if time.monotonic() > until:
                raise TimeoutError(f"{path} does not load")
            self.events.append(self._receive())

    def run(self, script: str) -> Any:
        """Give the value of an expression of the page."""
        found = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise RuntimeError(json.dumps(found["exceptionDetails"])[:2000])
        return found["result"].get("value")

    def text(self, selector: str) -> str:
        """Give the text of an element as it is shown; mathematics by its label."""
        return self.run(
            f"""(() => {{
              const walk = (e) => e.nodeType === 3 ? e.data
                : e.matches("svg.line") ? e.getAttribute("aria-label")
                : [...e.childNodes].map(walk).join("");
              return walk(document.querySelector({json.dumps(selector)}));
            }})()"""
        )

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press a key and let it go."""
        given = {"key": key, "modifiers": 8 if shift else 0}
        if key in KEYS:
            given |= {"code": key, "windowsVirtualKeyCode": KEYS[key]}
            kind = "rawKeyDown"
        else:
            given |= {"text": key}
            kind = "keyDown"
        self.call("Input.dispatchKeyEvent", type=kind, **given)
        self.call("Input.dispatchKeyEvent", type="keyUp", **given)

    def write(self, selector: str, text: str) -> None:
        """Replace what stands in a field by what is typed."""
        found = json.dumps(selector)
        self.run(
            f"{{const e = document.querySelector({found}); e.focus(); e.select()}}"
        )
        if text:
            self.call("Input.insertText", text=text)
        else:
            self.call(
                "Input.dispatchKeyEvent", type="keyDown", key="Backspace",
                windowsVirtualKeyCode=8,
            )  # fmt: skip

    def point(self, selector: str) -> tuple[float, float]:
        """Move the pointer onto the middle of an element, and say where that is."""
        x, y = self.run(
            f"""(() => {{
              const b = document.querySelector({json.dumps(selector)})
                .getBoundingClientRect();
              return [b.x + b.width / 2, b.y + b.height / 2];
            }})()"""
        )
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        return x, y

    def click(self, selector: str) -> None:
        """Click the middle of an element."""
        x, y = self.point(selector)
        at = {"x": x, "y": y, "button": "left", "clickCount": 1}
        self.call("Input.dispatchMouseEvent", type="mousePressed", **at)
        self.call("Input.dispatchMouseEvent", type="mouseReleased", **at)

    def complaints(self) -> list[str]:
        """Give what the page did wrong: errors, refusals, and what it asked for."""
        self.run("0")  # events come before the answer
        found = []
        for event in self.events:
            method, given = event.get("method", ""), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                found.append(json.dumps(given["exceptionDetails"])[:1000])
            elif method == "Log.entryAdded":
                found.append(given["entry"]["text"])
            elif method == "Network.requestWillBeSent":
                url = given["request"]["url"]
                if not url.startswith("file:"):
                    found.append(f"asked for {url}")
        return found

    def picture(self, path: Path) -> None:
        """Write what is seen as PNG."""
        data = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

"""A headless Chromium, driven through chromedriver with nothing but the standard library.

Tests and benchmarks look through it at the pages that we write: what they load, what they log, how they look.
"""

import base64
import contextlib
import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def why_not() -> str:
    """Why there is no browser here, else empty."""
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"{' and '.join(missing)} not installed (Debian: chromium, chromium-driver)" if missing else ""


class Chromium:
    """A browser with a profile of its own, closed at the end of the block."""

    def __init__(self) -> None:
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._address = f"http://127.0.0.1:{port}"
        self._driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            self._session = self._start()
            self._ask("/url", {"url": "about:blank"})  # the page of a new tab loads hundreds of its own
            self.console(), self.requests()
        except BaseException:
            self._stop()
            raise

    def _start(self) -> str:
        options = {"args": [*FLAGS, f"--user-data-dir={self._profile.name}"]}
        logs = {"browser": "ALL", "performance": "ALL"}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": logs}
        for _ in range(100):
            try:
                urllib.request.urlopen(f"{self._address}/status", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        return str(self._ask("", {"capabilities": {"alwaysMatch": wanted}})["sessionId"])

    def _ask(self, path: str, content: dict[str, Any] | None) -> Any:
        session = f"/{self._session}" if hasattr(self, "_session") else ""
        request = urllib.request.Request(
            f"{self._address}/session{session}{path}",
            data=None if content is None else json.dumps(content).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode()) from error

    def command(self, name: str, **parameters: Any) -> Any:
        """A command of the DevTools protocol."""
        return self._ask("/goog/cdp/execute", {"cmd": name, "params": parameters})

    def evaluate(self, script: str) -> Any:
        """What a script returns."""
        return self._ask("/execute/sync", {"script": script, "args": []})

    def await_script(self, script: str) -> Any:
        """What a script hands to the function that is its last argument."""
        return self._ask("/execute/async", {"script": script, "args": []})

    def show(self, page: Path, *, width: int = 1280, height: int = 900, dark: bool = False, media: str = "") -> float:
        """Open a file in a window of this size; gives the seconds until it was loaded and drawn."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.command("Emulation.setEmulatedMedia", media=media, features=scheme)
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        start = time.perf_counter()
        self._ask("/url", {"url": page.resolve().as_uri()})
        self.await_script("requestAnimationFrame(() => setTimeout(arguments[0]))")
        return time.perf_counter() - start

    def picture(self, path: Path, *, most: int = 30_000, top: int = 0, height: int | None = None) -> None:
        """The whole page, or a part of it, as PNG."""
        size = self.evaluate("return [document.documentElement.clientWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": top, "width": size[0], "height": height or min(size[1] - top, most), "scale": 1}
        found = self.command("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(found["data"]))

    def console(self) -> list[str]:
        """What pages logged since this was asked last."""
        return [entry["message"] for entry in self._ask("/se/log", {"type": "browser"})]

    def requests(self) -> list[str]:
        """Addresses that pages asked for since this was asked last."""
        found = [json.loads(entry["message"])["message"] for entry in self._ask("/se/log", {"type": "performance"})]
        return [one["params"]["request"]["url"] for one in found if one["method"] == "Network.requestWillBeSent"]

    def _stop(self) -> None:
        self._driver.terminate()
        self._driver.wait(timeout=20)
        self._profile.cleanup()

    def __enter__(self) -> "Chromium":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        end = urllib.request.Request(f"{self._address}/session/{self._session}", method="DELETE")
        with contextlib.suppress(OSError):
            urllib.request.urlopen(end, timeout=30).close()
        self._stop()

"""A headless Chromium, driven over the WebDriver protocol (W3C) by nothing but the standard library."""

import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from base64 import b64decode

CHROMIUM, DRIVER = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    """One window.

    Args:
        profile: a directory for its files.
        port: of the driver.
    """

    def __init__(self, profile, port):
        self._root = f"http://127.0.0.1:{port}"
        arguments = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", f"--user-data-dir={profile}",
        ]  # fmt: skip
        wanted = {
            "goog:chromeOptions": {"binary": CHROMIUM, "args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        session = self._send("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._root += f"/session/{session['sessionId']}"

    def _send(self, method, path, content=None):
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(  # noqa: S310
            self._root + path, data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from None

    def open(self, path):
        """Load a file, and wait for it."""
        self._send("POST", "/url", {"url": path.resolve().as_uri()})

    def run(self, script):
        """What a script returns."""
        return self._send("POST", "/execute/sync", {"script": script, "args": []})

    def devtools(self, command, **parameters):
        """A command of the DevTools protocol."""
        return self._send("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def look(self, *, width, height=900, dark=False):
        """Set the size of the window in pixels, and the colours its owner prefers."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.devtools("Emulation.setEmulatedMedia", features=[scheme])

    def point_at(self, selector, *, x, y):
        """Move the pointer to a place of an element, as shares of its width and height."""
        box = self.run(
            f"const e=document.querySelector({json.dumps(selector)});e.scrollIntoView({{block:'center'}});"
            "const b=e.getBoundingClientRect();return [b.left,b.top,b.width,b.height]"
        )
        place = {"x": round(box[0] + x * box[2]), "y": round(box[1] + y * box[3])}
        move = {"type": "pointerMove", "duration": 0, "origin": "viewport", **place}
        pointer = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": [move]}
        self._send("POST", "/actions", {"actions": [pointer]})

    def click(self, selector):
        """Click an element."""
        found = self._send("POST", "/element", {"using": "css selector", "value": selector})
        self._send("POST", f"/element/{found[ELEMENT]}/click", {})

    def press(self, selector, *keys):
        """Press keys with an element in focus; names as in the protocol."""
        codes = {"left": "\ue012", "right": "\ue014", "home": "\ue011", "end": "\ue010", "tab": "\ue004"}
        self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        actions = [{"type": kind, "value": codes[key]} for key in keys for kind in ("keyDown", "keyUp")]
        self._send("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def complaints(self):
        """Lines of the console since the last call."""
        return [entry["message"] for entry in self._send("POST", "/se/log", {"type": "browser"})]

    def requests(self):
        """Addresses that pages of files have asked for since the last call."""
        entries = [json.loads(e["message"])["message"] for e in self._send("POST", "/se/log", {"type": "performance"})]
        sent = [entry["params"] for entry in entries if entry["method"] == "Network.requestWillBeSent"]
        return [request["request"]["url"] for request in sent if request["documentURL"].startswith("file:")]

    def screenshot(self):
        """The window, as a PNG file."""
        return b64decode(self._send("GET", "/screenshot"))

    def close(self):
        """End the browser."""
        self._send("DELETE", "")


@contextlib.contextmanager
def browser(place):
    """A browser whose files lie in that directory."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    driver = subprocess.Popen([DRIVER, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        window = Browser(place, port)
        try:
            yield window
        finally:
            window.close()
    finally:
        driver.terminate()
        driver.wait()


def _wait_for(port):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError("the driver of the browser does not start")

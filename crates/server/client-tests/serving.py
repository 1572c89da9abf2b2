"""A server for as long as it takes, and requests to it without any package."""

import contextlib
import json
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

# Seconds: longer than anything takes, even on a machine with other things to do.
PATIENCE = 120

# The objects of a layout, and a caption for them.
OBJECTS = [{"phrase": "a cat", "box": [0.1, 0.2, 0.9, 0.9]}]
PROMPT = "a cat on a light blue background"


@contextlib.contextmanager
def serving(gligen: str) -> Iterator[str]:
    """Runs the program at a free port and gives its address once it is ready."""
    server = subprocess.Popen([gligen, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True)
    # Nothing waits for ever for a server that says nothing.
    watchdog = threading.Timer(PATIENCE, server.kill)
    watchdog.start()
    try:
        address = server.stdout.readline().strip()
        assert address.startswith("http://"), f"the server printed {address!r}"
        wait_until(lambda: ask(address, "/readyz")[0] == 200)
        watchdog.cancel()
        yield address
        server.terminate()
        assert server.wait(PATIENCE) == 0, f"the server ended with {server.returncode}"
    finally:
        watchdog.cancel()
        server.kill()
        server.wait()


def ask(address: str, path: str, body: object = None) -> tuple[int, object]:
    """Status and answer: JSON if it is, otherwise text. With a body it posts."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text.decode()


def wait_until(holds) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)

"""A stand-in for `python -m services`, as small as can be: it answers /readyz, or goes wrong in the way it is told to.

`python fake_agencies.py HOW NAME… --data DIR --run DIR`, where HOW is `well`, `crash` (ends while starting, with some
last words), `never` (listens but is never ready) or `stubborn` (ignores the polite request to end).
"""

import argparse
import os
import signal
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    ready = True

    def do_GET(self):
        self.send_response(200 if self.ready and self.path == "/readyz" else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """The log is for last words only."""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("how")
    parser.add_argument("names", nargs="+")
    parser.add_argument("--data")
    parser.add_argument("--run", type=Path)
    given = parser.parse_args()
    if given.how == "crash":
        sys.exit("RuntimeError: the disk is made of cheese")
    assert (given.run / "token").read_text()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, signal.SIG_IGN if given.how == "stubborn" else lambda *_: ended.set())
    Handler.ready = given.how != "never"
    base = int(os.environ["LAB_PORT_BASE"])  # noqa: TID251 - the root of a program of its own
    for name in given.names:
        facts = tomllib.loads(Path("services", name, "service.toml").read_text(encoding="utf-8"))
        address = ("127.0.0.1", base + facts["port_offset"])
        threading.Thread(target=ThreadingHTTPServer(address, Handler).serve_forever, daemon=True).start()
    ended.wait()


if __name__ == "__main__":
    main()

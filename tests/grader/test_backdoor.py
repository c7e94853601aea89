"""The grader's connections to a back door."""

import socket
import threading

from grader.backdoor import Backdoor


def test_a_connection_that_is_in_use_when_all_are_closed_is_closed_after_its_answer() -> None:
    """As that of a question whose answer nobody waits for any more."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        door = Backdoor(f"http://127.0.0.1:{server.getsockname()[1]}", "token")
        asking = threading.Thread(target=door.call, args=("GET", "/_lab"))
        asking.start()
        line, _address = server.accept()
        with line:
            line.settimeout(30)
            while b"\r\n\r\n" not in line.recv(65_536):
                pass
            door.close()
            line.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            assert line.recv(1) == b""
        asking.join()

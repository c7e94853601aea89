"""Attacks over the network: reaching what is not an agency, or letting others in."""

import socket
import threading

import pytest

from grader.isolation import Door


def test_only_the_agencies_ports_answer(bench, shut, listen):
    """Of two open ports the program reaches the one that it was given."""
    shut(Door.PORTS)
    agency, back_door = listen(), listen()
    finished = bench.run(
        """
        import os, socket
        def reach(port):
            try:
                with socket.create_connection(("127.0.0.1", port), 3) as line:
                    line.sendall(b"GET / HTTP/1.1\\r\\n\\r\\n")
                    return line.recv(12)
            except OSError:
                return None
        print(reach(int(os.environ["AGENCY"])), reach(int(os.environ["BACK_DOOR"])))
        """,
        ports=[agency.port],
        AGENCY=str(agency.port),
        BACK_DOOR=str(back_door.port),
    )
    assert (finished.stdout, finished.stderr) == ("b'HTTP/1.1 200' None\n", "")
    assert (agency.visits, back_door.visits) == (1, 0)


def test_roundabout_ways_to_a_port(bench, shut, listen):
    """Connecting without the call to connect, or over another protocol, family or address, does not help."""
    shut(Door.PORTS)
    back_door = listen()
    finished = bench.run(
        """
        import os, socket
        port = int(os.environ["BACK_DOOR"])
        def attempt(name, action):
            try:
                action()
            except OSError:
                return
            print(name)
        def fast_open():
            line = socket.socket()
            line.sendto(b"GET / HTTP/1.1\\r\\n\\r\\n", 0x20000000, ("127.0.0.1", port))
        def fast_open_message():
            line = socket.socket()
            line.sendmsg([b"GET / HTTP/1.1\\r\\n\\r\\n"], [], 0x20000000, ("127.0.0.1", port))
        attempt("fast open", fast_open)
        attempt("fast open message", fast_open_message)
        stream = socket.SOCK_STREAM
        attempt("multipath", lambda: socket.socket(socket.AF_INET, stream, 262).connect(("127.0.0.1", port)))
        attempt("mapped", lambda: socket.socket(socket.AF_INET6).connect(("::ffff:127.0.0.1", port)))
        attempt("any", lambda: socket.socket().connect(("0.0.0.0", port)))
        attempt("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 6))
        attempt("packet", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
        attempt("machine", lambda: socket.socket(socket.AF_VSOCK).connect((2, port)))
        """,
        BACK_DOOR=str(back_door.port),
    )
    assert (finished.stdout, finished.stderr, back_door.visits) == ("", "", 0)


def test_nobody_is_let_in(bench, shut, eventually):
    """A port that the program opens cannot be reached from outside its isolation."""
    shut(Door.PORTS)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    results: list[str] = []

    def run() -> None:
        finished = bench.run(
            f"""
            import socket, time
            try:
                server = socket.socket()
                server.bind(("127.0.0.1", {port}))
                server.listen()
                time.sleep(0.5)
            except OSError:
                pass
            try:
                socket.socket().listen()
            except OSError:
                pass
            """
        )
        results.append(finished.stderr)

    thread = threading.Thread(target=run)
    thread.start()
    while thread.is_alive():
        with socket.socket() as visitor:
            assert visitor.connect_ex(("127.0.0.1", port)) != 0
        thread.join(0.02)
    assert results == [""]


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_socket_files_and_abstract_sockets(bench, shut, outside, kind):
    """The back door's socket file cannot be opened even if its mode allowed it; neither can a socket without a file."""
    shut(Door.SOCKETS)
    with socket.socket(socket.AF_UNIX, kind) as file, socket.socket(socket.AF_UNIX, kind) as abstract:
        file.bind(str(outside / "back.sock"))
        (outside / "back.sock").chmod(0o777)
        abstract.bind("\0lab-test-" + outside.name)
        for server in (file, abstract):
            server.settimeout(0.01)
            if kind == socket.SOCK_STREAM:
                server.listen()
        finished = bench.run(
            """
            import os, socket
            kind = int(os.environ["KIND"])
            names = (os.environ["OUTSIDE"] + "/back.sock", "\\0lab-test-" + os.path.basename(os.environ["OUTSIDE"]))
            for name in names:
                for make in (lambda: socket.socket(socket.AF_UNIX, kind), lambda: socket.socketpair(type=kind)[0]):
                    try:
                        line = make()
                        line.connect(name)
                        line.send(b"halo")
                        print("reached", repr(name))
                    except OSError:
                        pass
            """,
            OUTSIDE=str(outside),
            KIND=str(int(kind)),
        )
        assert (finished.stdout, finished.stderr) == ("", "")
        for server in (file, abstract):
            with pytest.raises(TimeoutError):
                server.accept() if kind == socket.SOCK_STREAM else server.recv(1)


def test_datagrams(bench, shut):
    """Nothing leaves by datagram."""
    shut(Door.SOCKETS)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.01)
        finished = bench.run(
            f"""
            import socket
            there = ("127.0.0.1", {server.getsockname()[1]})
            try:
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"halo", there)
            except OSError:
                pass
            """
        )
        assert finished.stderr == ""
        with pytest.raises(TimeoutError):
            server.recv(1)


def test_flood_of_connections(bench, listen):
    """A program that opens connections without end uses up its own means, not the grader's."""
    agency = listen()
    finished = bench.run(
        """
        import os, socket
        lines = []
        try:
            while True:
                lines.append(socket.create_connection(("127.0.0.1", int(os.environ["AGENCY"])), 1))
        except OSError as error:
            print(len(lines) < 600)
        """,
        ports=[agency.port],
        AGENCY=str(agency.port),
    )
    assert (finished.stdout, finished.stderr) == ("True\n", "")
    assert bench.run("print('masih jalan')").stdout == "masih jalan\n"

"""Local ports, with real listeners."""

import os
import socket

import psutil

from lab.ports import free_base, holder, is_free, is_ready


def test_a_port_with_a_listener_is_not_free_and_its_holder_is_known():
    """The holder is this very process."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
        assert holder(port).pid == os.getpid()
        assert holder(port).name == psutil.Process().name()
    assert is_free(port)
    assert holder(port).pid is None


def test_the_next_free_base_is_above_the_wanted_one_and_wholly_free(port_base):
    """One taken port of a base rules the whole base out."""
    with socket.create_server(("127.0.0.1", port_base + 100 + 2)):
        found = free_base(port_base, [1, 2])
    assert found is not None
    assert found >= port_base + 200
    assert (found - port_base) % 100 == 0
    assert free_base(64_990, [1]) is None


def test_a_port_that_does_not_answer_is_not_ready(port_base):
    """Nobody there, or a listener that says nothing, both count as not ready."""
    assert not is_ready(f"http://127.0.0.1:{port_base}")
    with socket.create_server(("127.0.0.1", port_base)):
        assert not is_ready(f"http://127.0.0.1:{port_base}", timeout_seconds=0.1)

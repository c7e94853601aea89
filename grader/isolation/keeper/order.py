"""What the grader tells the keeper, and what the keeper tells the stage. Only plain values: they travel by `marshal`.

For type checkers alone; nothing imports this module when it runs.
"""

from typing import TypedDict


class Bounds(TypedDict):
    """The limits of a run; the names and units of `grader.isolation.Limits`."""

    wall_seconds: float
    cpu_seconds: int
    memory_bytes: int
    processes: int
    open_files: int
    file_bytes: int
    work_bytes: int
    output_bytes: int


class Paths(TypedDict):
    """What Landlock allows beside the run's own place: what to read, devices to use, a folder of shared memory."""

    read: list[str]
    devices: list[str]
    shared_memory: str


class Sandbox(TypedDict):
    """How to build a bubblewrap sandbox.

    Attributes:
        command: bwrap and its options up to where the keeper's own come.
        after: the options that follow these.
        files: texts to be put into the sandbox, by path; `{user}` in one is the program's user.
        stage: the command to start inside.
        source: where the submission is seen inside, to be copied to the order's `folder`.
        measured: folders inside, each a file system of its own, whose use counts as disk.
    """

    command: list[str]
    after: list[str]
    files: dict[str, str]
    stage: list[str]
    source: str
    measured: list[str]


class Contained(TypedDict):
    """How to begin inside a container, whose first process the keeper is.

    Attributes:
        files: the submission, as `copying.pack` gives it.
        measured: folders, each a file system of the program's own, whose use counts as disk.
        gates: the socket files behind the order's `ports`, in their order.
    """

    files: "list[tuple[str, int, bytes | None]]"
    measured: list[str]
    gates: list[str]


class Order(TypedDict):
    """One run.

    Attributes:
        argv: the program, its first word an absolute path.
        environment: all of it.
        source: the submission, to be copied.
        folder: where the copy goes and the program starts, as the program sees it.
        temporary: for temporary files, as the program sees it.
        place: an empty folder, in which the two are and which is removed afterwards; empty with a sandbox, which has
            its own.
        read: what the program reads elsewhere.
        ports: of 127.0.0.1, to which it may connect.
        bounds: the limits.
        landlock: None where another rung is meant.
        sandbox: None where another rung is meant.
        contained: None where another rung is meant.
        spare: process ids that the program must not signal.
    """

    argv: list[str]
    environment: dict[str, str]
    source: str
    folder: str
    temporary: str
    place: str
    read: list[str]
    ports: list[int]
    bounds: Bounds
    landlock: Paths | None
    sandbox: Sandbox | None
    contained: Contained | None
    spare: list[int]


class Staging(TypedDict):
    """What the stage has to do before it becomes the program."""

    argv: list[str]
    environment: dict[str, str]
    folder: str
    source: str
    measured: list[str]
    ports: list[int]
    bounds: Bounds
    processes: int
    user: int | None

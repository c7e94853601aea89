"""Running a participant's program so that it can neither look at the lab, nor hurt it, nor outlive its run.

Learner code never runs in the grader's interpreter. It runs in a process of its own, on the best *rung* of a ladder
that really works on the machine at hand: `best()`. Each rung shuts some *doors* (`Door`) and leaves others open:

===============  =========  ==========  ========  =======
door             container  bubblewrap  landlock  process
===============  =========  ==========  ========  =======
runaway          shut       shut        shut      shut
daemons          shut       shut        shut      shut (1)
memory           shut       shut        shut      shut (1)
signals          shut       shut        shut (2)  open (3)
files            shut       shut        shut (4)  open
ports            shut       shut        shut (5)  open
sockets          shut       shut        shut      open
===============  =========  ==========  ========  =======

The rung `container` (`container.py`) is not on the ladder of `best`: a lab of containers has it, alone, because it
needs a `Place`, and because a room's server must not fall down the ladder unseen.

1. On Linux. Elsewhere a process that leaves its family and clears its environment is lost sight of, and there is no way
   to shut one's memory.
2. From Linux 6.12 on, or where the grader is root. Before that, the grader and the keeper are spared, others are not.
3. Shut where the grader is root and the program therefore has a user of its own.
4. Contents. That a path exists, and its size, can be asked of any path on the machine; and files in /dev/shm can be
   made by whoever knows their name, and stay if the grader is not root.
5. From Linux 6.7 on. A port is a port: the agencies' ports are open on other machines, too, if there is a network.

`Rung.closes` gives the doors for the machine at hand, and the tests hold each rung to it by attack.

How a run goes: the rung writes an order for a *keeper*, a small program of its own (`keeper/`), started fresh. The
keeper forks and confines the program, reads what it prints, looks every 20 ms at what it uses, and at its end kills
whatever descends from it, which nothing can leave because the keeper is a subreaper. If the grader dies, the keeper
notices and does the same.
"""

from grader.isolation.contract import Door, Finished, IsolationFailed, Limit, Limits, Program
from grader.isolation.ladder import best, rungs
from grader.isolation.programs import ProgramUnknown, command
from grader.isolation.protection import protect_this_process
from grader.isolation.rung import Rung
from grader.isolation.visibility import prefixes
from grader.isolation.workplace import remove, workplace

__all__ = [
    "Door",
    "Finished",
    "IsolationFailed",
    "Limit",
    "Limits",
    "Program",
    "ProgramUnknown",
    "Rung",
    "best",
    "command",
    "prefixes",
    "protect_this_process",
    "remove",
    "rungs",
    "workplace",
]

"""What a process of the lab does for its own sake, before programs of strangers run beside it."""

from grader.isolation.keeper import kernel


def protect_this_process() -> bool:
    """Shut this process' memory, environment and open files to other processes of the same user, root excepted.

    What it starts afterwards is not covered: the protection ends where another program begins.

    Returns:
        Whether the machine could do it: only Linux can.
    """
    if not kernel.LINUX:
        return False
    kernel.be_dumpable(yes=False)
    return True

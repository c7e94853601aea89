"""What a Swarm says when something fails, in words for people."""

import re
from collections.abc import Iterable

from grader.language import Text, catalogue
from lab.outcomes import LabFailedError

_ = catalogue(__file__)

_NO_IMAGE = re.compile(r"no such image|image (?:not found|is missing)", re.IGNORECASE)
_NO_NODE = re.compile(r"no suitable node", re.IGNORECASE)
_TAKEN = re.compile(r"host-mode port already in use|port is already allocated|address already in use", re.IGNORECASE)
_SEVERAL = re.compile(r"multiple addresses|could not choose an IP address", re.IGNORECASE)


def not_a_manager(managers: Iterable[str]) -> LabFailedError:
    """Returns what to say where this machine only works in a Swarm that others lead."""
    return LabFailedError(
        _("This machine is a worker of a Swarm; only a manager can start the lab."),
        _("Repeat your command on a manager ({managers}), or: docker swarm leave", managers=", ".join(managers) or "?"),
    )


def locked() -> LabFailedError:
    """Returns what to say where the Swarm's keys are locked, or the machine has not found its Swarm again."""
    return LabFailedError(
        _("This machine belongs to a Swarm that it cannot reach now."),
        _("Look with: docker info. If it is gone for good: docker swarm leave --force. Then repeat your command."),
    )


def no_address(said: str) -> LabFailedError:
    """Returns what to say where no Swarm could be begun."""
    if _SEVERAL.search(said):
        return LabFailedError(
            _("This machine has several network addresses; other machines of the Swarm must know which one is meant."),
            _("Name it (ip address shows them), such as: LAB_ADDRESS=192.168.1.10 LAB_MODE=swarm make up"),
            said,
        )
    return LabFailedError(_("Docker could not begin a Swarm on this machine."), _("Run: make doctor"), said)


def deploy_failed(said: str) -> LabFailedError:
    """Returns what to say where the stack was refused."""
    return LabFailedError(_("Docker did not take the lab's stack."), _("Run: make doctor"), said)


def remove_failed(said: str) -> LabFailedError:
    """Returns what to say where something of the stack could not be removed."""
    return LabFailedError(
        _("Something of the lab is still running on the Swarm."),
        _("Repeat your command. If that does not help, see which machines are down with: docker node ls"),
        said,
    )


def task_failed(service: str, node: str, said: str) -> LabFailedError:
    """Returns what to say where a task of the lab cannot run.

    Args:
        service: whose task it is.
        node: where it was to run; empty where there was no place for it.
        said: by Swarm.
    """
    if _NO_IMAGE.search(said):
        return LabFailedError(
            _("The machine {node} does not have the lab's present image for {service}.", node=node, service=service),
            _("Load it there: docker save … | ssh {node} docker load. The whole line is in docs/scale.md.", node=node),
            said,
        )
    if _TAKEN.search(said):
        return LabFailedError(
            _("On the machine {node} another program has a port of the lab.", node=node),
            _("Close that program, or use other ports, such as: LAB_PORT_BASE=8300 make up"),
            said,
        )
    if _NO_NODE.search(said):
        return LabFailedError(
            _("No machine of the Swarm has room for {service}.", service=service),
            _("See which machines are there with: docker node ls. Start one that is down, or add one."),
            said,
        )
    return LabFailedError(
        _("{service} does not start on the machine {node}.", service=service, node=node or "-"),
        _("Look at the log with: lab logs {service}", service=service),
        said,
    )


def refuse_without_image(said: str, service: str, node: str) -> None:
    """Looks at what Swarm says of a task.

    Raises:
        LabFailedError: its machine does not have the image, so that no other try fares better there.
    """
    if _NO_IMAGE.search(said):
        raise task_failed(service, node, said)


def stack_left_behind(stack: str) -> Text:
    """Returns what to say where a stack is given up, because this machine is in no Swarm any more."""
    return _(
        "This machine is in no Swarm any more, so the lab forgets its stack; it may be there still. "
        "Remove it on a machine that leads that Swarm, with: docker stack rm {stack}",
        stack=stack,
    )


def agencies_gone() -> LabFailedError:
    """Returns what to say where agencies stay away in the middle of a grading."""
    return LabFailedError(
        _("The agencies did not come back; what was graded until now is kept."),
        _("See what is missing with: lab status. Then give the same command again."),
    )


def not_ready(seconds: int, node_names: Iterable[str]) -> LabFailedError:
    """Returns what to say where agencies are not ready in time.

    Args:
        seconds: that were waited.
        node_names: of the machines that are down.
    """
    down = ", ".join(node_names)
    return LabFailedError(
        _("The agencies were not ready after {seconds} seconds.", seconds=seconds),
        _("These machines are down: {names}. Start them, or take them out: docker node rm --force NAME", names=down)
        if down
        else _("See what is missing with: lab status, and look at: lab logs"),
    )

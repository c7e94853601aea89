"""The clients that a sandbox begins with."""

from services.identity.rules import secret_hash
from services.identity.tables import clients
from services.kit.specs import SandboxSpec
from services.kit.store import Seed
from services.world import World


def rows(_world: World, spec: SandboxSpec) -> Seed:
    """Give the sandbox's clients; the city itself is not looked at, so it is not generated for this service."""
    yield (
        clients,
        [
            {
                "client_id": client.client_id,
                "secret_sha256": secret_hash(client.client_secret),
                "scopes": " ".join(dict.fromkeys(client.scopes)),
            }
            for client in spec.clients
        ],
    )

"""Facts about clients and tokens, for the grader only."""

from sqlalchemy import select

from services.identity.tables import clients, tokens
from services.kit.store import Record, Session
from services.world import World


async def show_clients(_world: World, session: Session) -> list[Record]:
    """Give each client's id and scopes; nothing of its secret."""
    found = await session.all(select(clients.c.client_id, clients.c.scopes).order_by(clients.c.client_id))
    return [{"client_id": client["client_id"], "scopes": client["scopes"].split()} for client in found]


async def show_tokens(_world: World, session: Session) -> list[Record]:
    """Give every token that was given out, in that order: `{token_id, client_id, scope, issued, expires}`."""
    return await session.all(select(tokens).order_by(tokens.c.issued, tokens.c.token_id))

"""What the identity service stores in each sandbox."""

from sqlalchemy import Column, Integer, MetaData, String, Table, Text

TABLES = MetaData()

clients = Table(
    "clients",
    TABLES,
    Column("client_id", String, primary_key=True),
    Column("secret_sha256", String, nullable=False),
    Column("scopes", Text, nullable=False),
)
"""OAuth2 clients; `scopes` are separated by blanks."""

tokens = Table(
    "tokens",
    TABLES,
    Column("token_id", String, primary_key=True),
    Column("client_id", String, nullable=False),
    Column("scope", Text, nullable=False),
    Column("issued", Integer, nullable=False),
    Column("expires", Integer, nullable=False),
)
"""Tokens that were given out: their ids (`jti`) and terms, never the tokens themselves. Times are epoch seconds."""

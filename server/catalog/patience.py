"""For what takes longer than a visitor would wait."""

from sqlalchemy import Connection, text


def be_patient(connection: Connection) -> None:
    """In its transaction: a server may end what takes long, or says nothing for a while, such as
    while large files are copied."""
    if connection.dialect.name == "postgresql":
        for setting in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(text(f"SET LOCAL {setting} = 0"))

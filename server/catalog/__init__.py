"""The database: photos, guests, accounts, uploads, and all SQL."""

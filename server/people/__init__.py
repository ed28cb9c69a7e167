"""Who comes in: accounts, the passcode, rate limits, the address to share."""

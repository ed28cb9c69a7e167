"""This package knows who may come in, by account or passcode, and which address leads there."""

"""Dropwall, with an address that tells what it takes its visitor for."""

from flask import Flask, request

from dropwall import create_app


def create_probe() -> Flask:
    app = create_app()
    app.add_url_rule("/whoami", "whoami", lambda: [request.remote_addr, request.base_url])
    return app

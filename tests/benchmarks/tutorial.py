"""The tutorial's server, our reference: `request.files` and `save()`."""

import os
import secrets
from pathlib import Path

from flask import Flask, redirect, request
from werkzeug.wrappers import Response

app = Flask(__name__)
uploads = Path(os.environ["UPLOAD_PATH"])


@app.post("/")
def upload_files() -> Response:
    uploaded_file = request.files["file"]
    uploaded_file.save(uploads / f"{secrets.token_hex(8)}.jpg")
    return redirect("/")

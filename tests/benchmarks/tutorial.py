"""The tutorial's server, our reference: `request.files`, `save()`, every original on the page."""

import os
import secrets
from pathlib import Path

from flask import Flask, redirect, render_template_string, request, send_from_directory
from werkzeug.wrappers import Response

PAGE = """<!doctype html><title>File Upload</title>
{% for file in files %}<img src="/uploads/{{ file }}" style="width: 64px">{% endfor %}"""

app = Flask(__name__)
uploads = Path(os.environ["UPLOAD_PATH"])


@app.get("/")
def index() -> str:
    return render_template_string(PAGE, files=sorted(path.name for path in uploads.iterdir()))


@app.post("/")
def upload_files() -> Response:
    uploaded_file = request.files["file"]
    uploaded_file.save(uploads / f"{secrets.token_hex(8)}.jpg")
    return redirect("/")


@app.get("/uploads/<filename>")
def upload(filename: str) -> Response:
    return send_from_directory(uploads, filename)

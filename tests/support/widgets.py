"""One small page for each upload client, set up as its manual shows it."""

from playwright.sync_api import Page, Route

from tests.support.gallery_server import ROOT

CHUNK_BYTES = 1000

PAGE = """<!doctype html>
<html lang="en">
<title>Client</title>
<link rel="icon" href="data:,">
{scripts}
<body>
{body}
<script>
const outcomes = [];
const succeeded = (name) => outcomes.push([name, "success", ""]);
const refused = (name, message) => outcomes.push([name, "error", String(message)]);
{script}
</script>
"""


def open_client(page: Page, server_url: str, html: str, replaces_page: bool = False) -> None:
    """Shows the page as if the server had it, so that the client uploads to its own origin. What
    the client says of each file stands in the script's `outcomes`: name, "success" or "error",
    and the message.

    Under a name that is not this computer's, Chromium lets only a page that has really come from
    here send anything here: there it `replaces_page`, in a context without the server's CSP."""

    def play(route: Route) -> None:
        path = route.request.url.removeprefix(f"{server_url}/clients/")
        if path == "page.html":
            route.fulfill(body=html, content_type="text/html; charset=utf-8")
        elif path == "[object%20Event]":  # Dropzone 5's preview of what it cannot draw
            route.fulfill(status=204)
        else:
            route.fulfill(path=ROOT / "node_modules" / path, content_type="text/javascript")

    page.route(f"{server_url}/clients/**", play)
    if replaces_page:
        page.goto(f"{server_url}/plain")
        page.set_content(html)
    else:
        page.goto(f"{server_url}/clients/page.html")


def dropzone_5(options: str = "") -> str:
    return _dropzone("dropzone5/dist/min/dropzone.min.js", options)


def dropzone_6(options: str = "") -> str:
    return _dropzone("dropzone/dist/dropzone-min.js", options)


def _dropzone(package: str, options: str) -> str:
    """Dropzone 6.1 and later also report a picture that they cannot draw as an error, before or
    after the upload's own outcome, which alone counts here."""
    script = f"""
    const dropzone = new Dropzone("#dropzone", {{ {options} }});
    dropzone.on("success", (file) => succeeded(file.name));
    dropzone.on("error", (file, message) => {{
      if (message !== dropzone.options.dictThumbnailError) refused(file.name, message);
    }});
    """
    return _page([package], '<form action="/" id="dropzone"></form>', script)


FILEPOND_THAT_SHOWS_THE_ANSWER = """
    server: { process: { url: "/", onerror: (body) => body } },
    labelFileProcessingError: (error) => error.body
"""
FILEPOND_IN_CHUNKS = f"""
    server: "/", chunkUploads: true, chunkSize: {CHUNK_BYTES}, chunkRetryDelays: []
"""


def filepond(options: str = 'server: "/"') -> str:
    script = f"""
    const pond = FilePond.create(document.querySelector("input"), {{
      allowMinimumUploadDuration: false, // else a progress bar of about a second each
      {options}
    }});
    pond.on("processfile", (error, file) => {{
      if (error) refused(file.filename, error.body);
      else succeeded(file.filename);
    }});
    """
    return _page(["filepond/dist/filepond.min.js"], '<input type="file" multiple>', script)


def jquery_file_upload(options: str = "") -> str:
    packages = [
        "jquery/dist/jquery.min.js",
        "blueimp-file-upload/js/vendor/jquery.ui.widget.js",
        "blueimp-file-upload/js/jquery.fileupload.js",
    ]
    script = f"""
    $("input").fileupload({{
      url: "/",
      done: (event, {{ files }}) => files.forEach(({{ name }}) => succeeded(name)),
      fail: (event, {{ files, jqXHR }}) =>
        files.forEach(({{ name }}) => refused(name, jqXHR.responseText)),
      {options}
    }});
    """
    return _page(packages, '<input type="file" name="files[]" multiple>', script)


def plain_form() -> str:
    """Sends when it is submitted, and leaves the page."""
    return _page(
        [],
        """<form action="/" method="post" enctype="multipart/form-data">
        <input type="file" name="file" multiple><button>Send</button></form>""",
        "",
    )


UPPY_THAT_SHOWS_THE_ANSWER = """
    shouldRetry: (xhr) => xhr.status >= 500,
    onAfterResponse: (xhr) => { if (xhr.status >= 400) throw new Error(xhr.responseText) }
"""


def uppy(options: str = "") -> str:
    """Its hooks, one of which has to take an empty answer:
    https://uppy.io/docs/xhr-upload/#getresponsedata"""
    script = f"""
    const uppy = new Uppy.Uppy({{ logger: {{ debug() {{}}, warn() {{}}, error() {{}} }} }});
    uppy.use(Uppy.XHRUpload, {{ endpoint: "/", getResponseData: () => ({{}}), {options} }});
    uppy.on("upload-success", (file) => succeeded(file.name));
    uppy.on("upload-error", (file, error) => refused(file.name, error.message));
    document.querySelector("input").addEventListener("change", (event) => {{
      const files = [...event.target.files];
      uppy.addFiles(files.map((file) => ({{ name: file.name, type: file.type, data: file }})));
      uppy.upload().catch(() => {{}}); // a refused bundle also rejects
    }});
    """
    return _page(["uppy/dist/uppy.min.js"], '<input type="file" multiple>', script)


def _page(packages: list[str], body: str, script: str) -> str:
    scripts = "\n".join(f'<script src="/clients/{path}"></script>' for path in packages)
    return PAGE.format(scripts=scripts, body=body, script=script)

"""The network as a page in Chromium has it."""

from playwright.sync_api import Page


class Network:
    """What the browser's own developer tools make of the network, for one page."""

    def __init__(self, page: Page) -> None:
        self._devtools = page.context.new_cdp_session(page)
        self._devtools.send("Network.enable")

    def set(self, bytes_per_second: int = -1, offline: bool = False) -> None:
        conditions = {"offline": offline, "latency": 5, "downloadThroughput": -1}
        self._devtools.send(
            "Network.emulateNetworkConditions", conditions | {"uploadThroughput": bytes_per_second}
        )

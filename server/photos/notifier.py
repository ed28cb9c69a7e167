"""The notifier tells the host that photos have come: one short line, posted to DROPWALL_NOTIFY_URL,
as services that bring it to a phone expect it (https://docs.ntfy.sh/publish/)."""

import logging
import math
import time
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import NoReturn

from ..catalog import notifications
from ..catalog.database import Database
from ..catalog.notifications import News
from ..operations.logs import OutageLog, reason
from ..refusals import CatalogUnavailable

LOOK_SECONDS = 5
EVERY_SECONDS = 15 * 60
RETRY_SECONDS = 60
TIMEOUT_SECONDS = 10

log = logging.getLogger(__name__)
outages = OutageLog(log, reminder_seconds=math.inf)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect is an error: urllib would follow it by GET, and the line would be lost."""

    def redirect_request(self, *_: object) -> None:
        return None


@dataclass(frozen=True)
class Notifier:
    """Notifies whoever listens at `url`, every EVERY_SECONDS at most, from one of all processes and
    machines. What could not be sent is sent later, with what is new by then."""

    database: Database
    url: str
    title: str = ""

    def notify_forever(self) -> NoReturn:
        has_begun = False
        while True:
            try:
                if not has_begun:
                    notifications.begin(self.database)
                    has_begun = True
                self.notify()
            except (CatalogUnavailable, OSError) as error:
                log.warning("Nobody could be notified of photos: %s", reason(error))
            time.sleep(LOOK_SECONDS)

    def notify(self) -> None:
        """Notify of what is new, if it is time. An error of whoever listens is logged once until it
        is over. Raises CatalogUnavailable."""
        news = notifications.take_turn(self.database, EVERY_SECONDS)
        if not news:
            return
        try:
            self._post(describe(news, self.title))
        except (OSError, HTTPException) as error:  # URLError and timeouts are OSErrors
            notifications.try_again(self.database, RETRY_SECONDS)
            outages.failed("DROPWALL_NOTIFY_URL can't be reached: %s", reason(error))
        else:
            notifications.note_notified(self.database, news.version)
            outages.recovered("DROPWALL_NOTIFY_URL can be reached again.")

    def _post(self, line: str) -> None:
        headers = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": "Dropwall"}
        request = urllib.request.Request(self.url, line.encode(), headers)  # noqa: S310 - `Config` checks it
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=TIMEOUT_SECONDS):
            pass


def describe(news: News, title: str = "") -> str:
    """Describe news in one line, such as `12 new photos, 3 wait for you.`"""
    line = "1 new photo" if news.new == 1 else f"{news.new} new photos"
    if news.pending:
        line += f", {news.pending} {'waits' if news.pending == 1 else 'wait'} for you"
    return f"{title}: {line}." if title else f"{line}."

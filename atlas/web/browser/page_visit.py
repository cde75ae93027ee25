"""One visit of a browser to one page: what the page may do meanwhile, and when it is done.

Scripts may ask for more, as long as the limits last. They may not lead the browser to another
page, open windows, download, or ask a person anything; pictures, fonts and films are not loaded,
and style sheets are answered empty, since some scripts wait for them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from atlas.domain.addresses.urls import InvalidUrl, canonicalize
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.rendering import RenderLimits
from atlas.web.browser.devtools import BrowserLost, DevTools, DevToolsError, Parameters

_UNWANTED = frozenset(
    "Image Media Font TextTrack Prefetch Manifest SignedExchange Ping CSPViolationReport".split()
)
_EVERYTHING: Parameters = {"patterns": [{"urlPattern": "*"}]}
# A worker waits until its requests are watched, too.
_ATTACH: Parameters = {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}
_VISITS = 3
"""Times that a page may load itself again: some set a cookie first."""
_SNAPSHOT = 10.0
"""Seconds to write the page down; longer only where its scripts do not let the browser."""
_STOPS = 5
"""Attempts to stop scripts that do not."""
_NODES = 150_000
"""Elements from which a page is not written down: that alone would take the memory."""

# A dialog holds its script up until it is answered, and with it every attempt to stop it.
_NO_DIALOGS = "alert = print = () => {}; confirm = () => false; prompt = () => null"
# In a world of its own: the page cannot have replaced what is called here.
_HTML = """((most, nodes) => {
  const root = document.documentElement;
  const count = document.getElementsByTagName('*').length;
  if (!root || count > nodes) return {html: '', size: -count};
  // Text of web components is in their roots, which outerHTML leaves out.
  const shadowRoots = [];
  const look = within => within.querySelectorAll('*').forEach(each => {
    if (each.shadowRoot) { shadowRoots.push(each.shadowRoot); look(each.shadowRoot) }
  });
  look(document);
  const shell = root.cloneNode(false).outerHTML.replace(/<[/]html>$/i, '');
  const html = shadowRoots.length ? `${shell}${root.getHTML({shadowRoots})}</html>`
                                  : root.outerHTML;
  return html.length > most ? {html: '', size: html.length} : {html, size: html.length};
})(%d, %d)"""


class PageVisit:
    """A tab with nothing else in it. Use it for one page."""

    def __init__(
        self,
        tools: DevTools,
        url: str,
        limits: RenderLimits,
        headers: dict[str, str],
        announce: Callable[[str], None],
    ) -> None:
        self.requests = 0
        self.status = 0
        self.led_to: str | None = None
        """Where the page would have led, which is another page."""
        self._tools = tools
        self._url = url
        self._limits = limits
        self._headers = headers
        self._announce = announce
        self._visits = 0
        self._target = self._session = self._frame = self._blank = ""
        self._idle = asyncio.Event()
        self._stopped: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def open(self) -> None:
        """Make the tab ready. Raises BrowserLost."""
        ask = self._tools.ask
        self._listen()
        context = (await ask("Target.createBrowserContext", {"disposeOnDetach": True}))[
            "browserContextId"
        ]
        deny = {"behavior": "deny", "browserContextId": context}
        await ask("Browser.setDownloadBehavior", deny)
        target = await ask(
            "Target.createTarget", {"url": "about:blank", "browserContextId": context}
        )
        self._target = target["targetId"]
        # Before anything of the page runs: windows that it opens would be seen too late.
        await ask("Target.setDiscoverTargets", {"discover": True})
        attached = await ask("Target.attachToTarget", {"targetId": self._target, "flatten": True})
        self._session = attached["sessionId"]
        for method, parameters in (
            ("Page.enable", {}),
            ("Page.setLifecycleEventsEnabled", {"enabled": True}),
            ("Network.enable", {"maxTotalBufferSize": 0, "maxResourceBufferSize": 0}),
            ("Network.setBypassServiceWorker", {"bypass": True}),
            ("Page.addScriptToEvaluateOnNewDocument", {"source": _NO_DIALOGS}),
            ("Fetch.enable", _EVERYTHING),
            ("Target.setAutoAttach", _ATTACH),
        ):
            await self._ask(method, parameters)
        tree = await self._ask("Page.getFrameTree")
        self._frame = tree["frameTree"]["frame"]["id"]
        self._blank = tree["frameTree"]["frame"]["loaderId"]

    async def load(self) -> None:
        """Go to the page and let its scripts work until the network is quiet, or the time is over.
        Raises PageError and BrowserLost."""
        try:
            async with asyncio.timeout(self._limits.seconds):
                await self._until(self._go())
        except TimeoutError:
            return  # what there is by now is what there is

    async def html(self) -> str:
        """The page as it is now. Raises PageError and BrowserLost."""
        written: Parameters | None = None
        if self._idle.is_set():
            written = await self._written()
        if written is None:
            # Scripts that never rest have had their time.
            self._tools.tell("Emulation.setScriptExecutionDisabled", {"value": True}, self._session)
        for _ in range(_STOPS if written is None else 0):
            # Again and again: one that runs already goes on until it is told, and then the next.
            self._tools.tell("Runtime.terminateExecution", {}, self._session)
            written = await self._written()
            if written is not None:
                break
        if written is None:
            raise PageError(
                ErrorClass.QUOTA,
                "render_timeout",
                f"the browser could not write it down after {self._limits.seconds:g} s: its "
                "scripts keep it busy",
            )
        size = int(written.get("size", 0))
        if size < 0:
            words = f"rendered it has {-size} elements, over the {_NODES} that are written down"
            raise PageError(ErrorClass.QUOTA, "render_too_large", words)
        if size > self._limits.html:
            words = f"rendered it has {size} characters: more than ATLAS_RENDER_MAX_HTML allows"
            raise PageError(ErrorClass.QUOTA, "render_too_large", words)
        return str(written.get("html", ""))

    async def _go(self) -> None:
        answer = await self._ask("Page.navigate", {"url": self._url})
        failed = answer.get("errorText")
        if self.led_to is not None and failed:
            words = f"it leads a browser to {self.led_to[:300]}"
            raise PageError(ErrorClass.INVALID, "render_redirected", words)
        if failed == "net::ERR_ABORTED":
            words = "for a browser it is a download, and no page"
            raise PageError(ErrorClass.INVALID, "render_download", words)
        if failed:
            words = f"the browser did not get it ({failed})"
            raise PageError(ErrorClass.TRANSIENT, "render_unreachable", words)
        await self._idle.wait()

    async def _until(self, work: Any) -> None:
        """`work`, unless the visit is stopped before: then raise why."""
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait((task, self._stopped), return_when=asyncio.FIRST_COMPLETED)
            if self._stopped.done():
                self._stopped.result()
            await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _written(self) -> Parameters | None:
        """None: the scripts of the page keep the browser from it."""
        found: list[Parameters] = []
        try:
            async with asyncio.timeout(_SNAPSHOT):
                await self._until(self._write(found))
        except (TimeoutError, DevToolsError):
            return None
        return found[0] if found else None

    async def _write(self, found: list[Parameters]) -> None:
        world = await self._ask("Page.createIsolatedWorld", {"frameId": self._frame})
        answer = await self._ask(
            "Runtime.evaluate",
            {
                "expression": _HTML % (self._limits.html, _NODES),
                "contextId": world["executionContextId"],
                "returnByValue": True,
            },
        )
        value = answer.get("result", {}).get("value")
        if isinstance(value, dict):
            found.append(value)

    async def _ask(self, method: str, parameters: Parameters | None = None) -> Parameters:
        return await self._tools.ask(method, parameters, self._session)

    def stop(self, error: Exception) -> None:
        """End the visit: whoever waits for it gets the error."""
        if not self._stopped.done():
            self._stopped.set_exception(error)
            self._stopped.exception()  # looked at: perhaps nobody waits any more

    # What the browser reports

    def _listen(self) -> None:
        on = self._tools.on
        on("Fetch.requestPaused", self._judge)
        on("Network.webSocketCreated", lambda event, _: self._announce(str(event.get("url"))))
        on("Target.attachedToTarget", lambda event, _: self._watch(event))
        on("Network.responseReceived", lambda event, _: self._answered(event))
        on("Page.lifecycleEvent", lambda event, _: self._look(event))
        on("Page.javascriptDialogOpening", lambda *_: self._dismiss())
        on("Target.targetCreated", lambda event, _: self._close_other(event))
        self._tools.on_end(lambda: self.stop(BrowserLost("the browser has ended")))
        on("Inspector.targetCrashed", lambda *_: self.stop(BrowserLost("its page crashed")))

    def _look(self, event: Parameters) -> None:
        # The empty page that the tab began with comes to rest, too, and perhaps late.
        if event.get("frameId") != self._frame or event.get("loaderId") == self._blank:
            return
        if event.get("name") == "networkIdle":
            self._idle.set()
        elif event.get("name") == "init":
            self._idle.clear()

    def _dismiss(self) -> None:
        self._tools.tell("Page.handleJavaScriptDialog", {"accept": False}, self._session)

    def _close_other(self, event: Parameters) -> None:
        info = event.get("targetInfo", {})
        if info.get("type") == "page" and info.get("targetId") != self._target and self._visits:
            self._tools.tell("Target.closeTarget", {"targetId": info["targetId"]})

    def _answered(self, event: Parameters) -> None:
        if event.get("type") != "Document" or event.get("frameId") != self._frame:
            return
        self.status = int(event.get("response", {}).get("status", 0))
        if self.status >= 400:
            later = self.status >= 500 or self.status in (408, 429)
            self.stop(
                PageError(
                    ErrorClass.TRANSIENT if later else ErrorClass.BLOCKED,
                    "render_refused",
                    f"it answered {self.status} to the browser, although it answers Atlas",
                )
            )

    def _watch(self, event: Parameters) -> None:
        """Let a worker of the page begin, its requests under the same rules. One that would outlive
        the page, or serve others, never begins."""
        session, info = str(event.get("sessionId")), event.get("targetInfo", {})
        if info.get("type") != "worker":
            if info.get("targetId") != self._target:
                self._tools.tell("Target.closeTarget", {"targetId": info.get("targetId")})
            return
        self._tools.tell("Network.enable", {"maxTotalBufferSize": 0}, session)
        self._tools.tell("Fetch.enable", _EVERYTHING, session)
        self._tools.tell("Target.setAutoAttach", _ATTACH, session)
        self._tools.tell("Runtime.runIfWaitingForDebugger", {}, session)

    def _judge(self, event: Parameters, session: str | None) -> None:
        """Let one request of the page go, or not."""
        number, kind = event["requestId"], event.get("resourceType", "")
        url = str(event.get("request", {}).get("url", ""))
        if kind == "Document" and event.get("frameId") == self._frame and not self._returns(url):
            # Aborted, and the page stays as it is: with any other reason an error takes its place.
            self._fail(number, "Aborted", session)
        elif kind in _UNWANTED or url.endswith("/favicon.ico"):
            self._fail(number, "BlockedByClient", session)
        elif kind == "Stylesheet":
            empty = [{"name": "content-type", "value": "text/css"}]
            answer = {"responseCode": 200, "responseHeaders": empty, "body": ""}
            self._tools.tell("Fetch.fulfillRequest", {"requestId": number, **answer}, session)
        elif self._counted():
            self._announce(url)
            self._tools.tell("Fetch.continueRequest", self._continued(number, url, event), session)

    def _fail(self, number: str, reason: str, session: str | None) -> None:
        answer = {"requestId": number, "errorReason": reason}
        self._tools.tell("Fetch.failRequest", answer, session)

    def _counted(self) -> bool:
        self.requests += 1
        if self.requests <= self._limits.requests:
            return True
        words = f"it makes over {self._limits.requests} requests: ATLAS_RENDER_MAX_REQUESTS"
        self.stop(PageError(ErrorClass.QUOTA, "render_requests", words))
        return False

    def _returns(self, url: str) -> bool:
        """Whether the page loads itself, for the first time or again."""
        with contextlib.suppress(InvalidUrl):
            if canonicalize(url) == self._url and self._visits < _VISITS:
                self._visits += 1
                return True
        self.led_to = self.led_to or url
        return False

    def _continued(self, number: str, url: str, event: Parameters) -> Parameters:
        """What the owner's credentials are for gets them, and no other request does."""
        origin = "/".join(self._url.split("/", 3)[:3])
        if not self._headers or not url.startswith(f"{origin}/"):
            return {"requestId": number}
        sent = event.get("request", {}).get("headers", {}) | self._headers
        headers = [{"name": name, "value": str(value)} for name, value in sent.items()]
        return {"requestId": number, "headers": headers}

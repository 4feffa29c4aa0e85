"""The HTTP client, with retries, time limits and passwords masked; the home of requests."""

from __future__ import annotations

import math
import platform
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import envgen
from envgen.errors import PypiError, PypiUnreachableError
from envgen.models.secrets import Secrets, mask, same_origin, without_user
from envgen.pypi.indexes import Indexes
from envgen.system.lifetime import Headway
from envgen.system.settings import LEAST_RATE, RATE_WINDOW, Ceiling

if TYPE_CHECKING:
    import requests
    from cachecontrol.controller import CacheController
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPResponse, HTTPSConnectionPool, ProxyManager
    from urllib3.util.retry import Retry

T = TypeVar("T")
_POOL = 16
_CHUNK = 1 << 16
_Certificate = str | tuple[str, str] | None
_FOR_EVER = 1 << 40  # seconds
_SLOW = "try again, or from a better network"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Time limits in seconds: to connect, between two bytes, for one whole answer, and for one run of uv.

    uv takes whole numbers only for the first two. In each `window` an answer must bring `rate` bytes a second.

    The defaults give up on an index that hangs in less than fifteen seconds, retries included.
    """

    connect: int = 3
    read: int = 5
    total: float = math.inf
    window: float = RATE_WINDOW
    rate: int = LEAST_RATE
    uv: float = 1800.0
    retries: int = 1

    @classmethod
    def configured(cls, environment: Mapping[str, str]) -> Timeouts:
        """Take `UV_HTTP_TIMEOUT` and `UV_HTTP_RETRIES` where they are set, for uv and for ourselves alike."""
        values = cls()
        read, retries = environment.get("UV_HTTP_TIMEOUT", ""), environment.get("UV_HTTP_RETRIES", "")
        if read.isdecimal():
            values = replace(values, read=int(read), window=max(values.window, int(read)))
        return replace(values, retries=int(retries)) if retries.isdecimal() else values


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer: `url` is where redirects ended, `kind` the content type without parameters, lower-case."""

    status: int
    url: str
    kind: str
    charset: str
    content: bytes


class Session:
    """The one HTTP client, for the indexes and the hosts that they point at; it keeps nothing on disk."""

    def __init__(
        self,
        indexes: Indexes,
        environment: Mapping[str, str],
        *,
        timeouts: Timeouts | None = None,
        offline: bool = False,
    ) -> None:
        self.timeouts = timeouts or Timeouts()
        self.offline = offline
        self._environment = environment
        self._passwords = [(without_user(index.url), index.login) for index in indexes if index.login]
        self._secrets = Secrets.configured(environment)
        self._session: requests.Session | None = None
        self._lock = threading.Lock()

    @property
    def http(self) -> requests.Session:
        """Return the underlying session, for libraries that read from one."""
        with self._lock:
            if self._session is None:
                self._session = self._open()
            return self._session

    @property
    def limits(self) -> tuple[int, int]:
        return self.timeouts.connect, self.timeouts.read

    def get(self, url: str, headers: Mapping[str, str] | None = None, *, limit: int = Ceiling.PROJECT_PAGE) -> Response:
        """Fetch a URL into memory, up to `limit` bytes, whatever the status; PypiUnreachableError: no whole answer."""
        with self.opened(url, headers) as response:
            kind, _, rest = response.headers.get("Content-Type", "").lower().partition(";")
            return Response(
                status=response.status_code,
                url=response.url,
                kind=kind.strip(),
                charset=rest.partition("charset=")[2].strip(' "'),
                content=b"".join(self.chunks(response, url, limit)),
            )

    def download(self, url: str, file: IO[bytes]) -> int:
        """Fetch a URL into a file and return the status; PypiUnreachableError: no whole answer."""
        with self.opened(url) as response:
            for chunk in self.chunks(response, url, limit=Ceiling.ARTIFACT):
                file.write(chunk)
            return response.status_code

    def password_for(self, url: str) -> tuple[str, str] | None:
        """Return the user and password for a URL's host: of its index, or of ENVGEN_TOKENS; or None.

        A host is one scheme and one port: whoever may have the other ports of a machine is somebody else.
        """
        clean = without_user(url)
        own = next((login for index, login in self._passwords if same_origin(index, clean)), None)
        return own or self._secrets.of(clean).login

    @contextmanager
    def guard(self, url: str) -> Iterator[None]:
        """Convert the failures of a transfer into PypiUnreachableError; refuse every transfer when off-line."""
        if self.offline:
            raise PypiUnreachableError(
                f"not in the cache, and off-line: {mask(url)}", hint="run it once with the network"
            )
        import requests
        import urllib3

        try:
            yield
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise PypiUnreachableError(
                f"the package index does not answer: {mask(url)} ({reason(error)})",
                hint="check the network, the proxy and UV_DEFAULT_INDEX, or use --offline",
            ) from error

    @contextmanager
    def opened(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[requests.Response]:
        auth = self.password_for(url)

        def ask() -> requests.Response:
            return self.http.get(
                without_user(url), headers=dict(headers or {}), timeout=self.limits, stream=True, auth=auth
            )

        with self.guard(url), self.within_window(url, ask) as response:
            yield response

    def within_window(self, url: str, ask: Callable[[], T]) -> T:
        """Return what a short question gives; PypiUnreachableError where its answer trickles for longer than a window.

        The time limits of requests are for one byte each, and a head may have many of them.
        """
        answer: Future[T] = Future()

        def work() -> None:
            try:
                found = ask()
            except BaseException as error:  # noqa: BLE001 - it is raised where the answer is waited for
                if answer.set_running_or_notify_cancel():
                    answer.set_exception(error)
                return
            if answer.set_running_or_notify_cancel():
                answer.set_result(found)
            elif close := getattr(found, "close", None):  # nobody waits any more
                close()

        threading.Thread(target=work, daemon=True).start()
        done, _ = wait([answer], timeout=self.timeouts.window)
        if not done and answer.cancel():
            raise self._too_slow(url)
        return answer.result()

    def chunks(self, response: requests.Response, url: str, limit: int) -> Iterator[bytes]:
        """Yield an answer in pieces as they come, unpacked; it may have `limit` bytes then."""
        size = 0
        limits = self.timeouts
        deadline = time.monotonic() + limits.total
        watch = Headway(lambda: size, limits.rate * limits.window, limits.window)
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            size += len(chunk)
            if size > limit:
                raise PypiError(f"the answer is too large: {mask(url)} (more than {limit:,} bytes)")
            if time.monotonic() > deadline:
                raise PypiUnreachableError(
                    f"the package index is too slow: {mask(url)} (no whole answer in {limits.total:g} s)", hint=_SLOW
                )
            if not watch.is_enough():
                raise self._too_slow(url)
            yield chunk

    def _too_slow(self, url: str) -> PypiUnreachableError:
        limits = self.timeouts
        reason = f"less than {limits.rate:,} bytes a second for {limits.window:g} s"
        return PypiUnreachableError(f"the package index is too slow: {mask(url)} ({reason})", hint=_SLOW)

    def _open(self) -> requests.Session:
        import requests
        from urllib3.util.retry import Retry

        class CarefulSession(requests.Session):
            """A server may send on to what is no URL, of which requests makes any ValueError."""

            def get_redirect_target(self, resp: requests.Response) -> str | None:
                try:
                    target = super().get_redirect_target(resp)
                    _ = urlsplit(target or "").port
                except ValueError as error:
                    resp.close()
                    raise requests.exceptions.InvalidURL(str(error), response=resp) from error
                return target

        session = CarefulSession()
        retry = Retry(
            total=self.timeouts.retries,
            backoff_factor=0.2,
            status_forcelist=(500, 502, 503, 504),
            raise_on_status=False,
            respect_retry_after_header=False,  # it may ask for an hour
        )
        adapter = _trusting_adapter(retry)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        bundle = self._environment.get("SSL_CERT_FILE")  # uv's variable; requests has others
        if bundle and not {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"} & self._environment.keys():
            session.verify = bundle
        return session


def _trusting_adapter(retry: Retry) -> HTTPAdapter:
    """Make an adapter that trusts the system's certificates, a company's own authority among them, beside certifi's."""
    import ssl

    from requests.adapters import HTTPAdapter
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    # Elsewhere the system's store is OpenSSL's own, which truststore would read anew for each connection (50 ms).
    context = ssl.create_default_context()
    if platform.system() == "Darwin":
        import truststore

        context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)

    class TrustingAdapter(HTTPAdapter):
        def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: object) -> None:
            super().init_poolmanager(connections, maxsize, block, ssl_context=context, **options)

        def proxy_manager_for(self, proxy: str, **options: object) -> ProxyManager:
            # requests asks for it with each request, so the context must not be made here.
            manager: ProxyManager = super().proxy_manager_for(proxy, ssl_context=context, **options)
            return manager

        def cert_verify(self, conn: HTTPSConnectionPool, url: str, verify: bool | str, cert: _Certificate) -> None:
            super().cert_verify(conn, url, verify, cert)
            if verify is True:
                conn.ca_certs = None  # the context has certifi's already, and so reads them once

    return TrustingAdapter(max_retries=retry, pool_maxsize=_POOL)


class AnswerCache:
    """Answers of a session, kept in a folder and revalidated (RFC 9111), for URLs that are no secret.

    One whose body `check` refuses with a ValueError never takes the place of what is kept.
    """

    def __init__(self, session: Session, folder: Path, check: Callable[[bytes], object]) -> None:
        """Prepare; the folder is made when there is something to keep."""
        self._session = session
        self._folder = folder
        self._check = check

    def get(self, url: str, *, max_age: int, limit: int) -> bytes:
        """Return a URL's body: the one that is kept if it is younger than `max_age` seconds, else what is there now.

        PypiUnreachableError: no whole answer. ValueError: an answer that is refused. OSError: the folder is of no use.
        """
        from email.utils import formatdate

        from urllib3 import HTTPHeaderDict

        controller, request = self._controller(), self._request(url, max_age)
        if (kept := controller.cached_request(request)) and _date(kept) <= time.time():  # not from a clock set wrong
            return kept.read()
        headers = {"User-Agent": f"envgen/{envgen.__version__}", **controller.conditional_headers(request)}
        with self._session.opened(url, headers) as response:
            answer = response.raw
            # No cookies, and no `Vary`, which would have values of the request kept. The date is by our own clock.
            known = {name: response.headers[name] for name in ("ETag", "Last-Modified") if name in response.headers}
            own = {"Date": formatdate(usegmt=True), "Cache-Control": f"max-age={_FOR_EVER}"}
            to_keep = HTTPHeaderDict({**known, **own})
            if response.status_code == HTTPStatus.NOT_MODIFIED:
                answer.headers = to_keep
                return controller.update_cached_response(request, answer).read()
            if response.status_code != HTTPStatus.OK:
                raise ValueError(f"HTTP Error {response.status_code}: {response.reason}")
            body = b"".join(self._session.chunks(response, url, limit))
            answer.headers = to_keep  # only now: the body was unpacked by what they said of its encoding
            self._check(body)
            controller.cache_response(request, answer, body)
            return body

    def kept(self, url: str) -> bytes | None:
        """Return the body that is kept of a URL, however old it is; OSError where it cannot be read."""
        found = self._controller().cached_request(self._request(url, _FOR_EVER))
        return found.read() if found else None

    def _controller(self) -> CacheController:
        from cachecontrol.caches import FileCache
        from cachecontrol.controller import CacheController
        from cachecontrol.serialize import Serializer

        class CarefulSerializer(Serializer):
            """CacheControl's own takes a file that starts like one of its own for whole."""

            def loads(
                self, request: requests.PreparedRequest, data: bytes, body_file: IO[bytes] | None = None
            ) -> HTTPResponse | None:
                try:
                    found = super().loads(request, data, body_file)
                    if found:
                        _date(found)
                except (AttributeError, LookupError, TypeError, ValueError):
                    return None
                return found

        cache = FileCache(self._folder, forever=True)  # an older copy serves without the network
        return CacheController(cache, serializer=CarefulSerializer())

    def _request(self, url: str, max_age: int) -> requests.PreparedRequest:
        import requests

        return requests.Request("GET", url, headers={"Cache-Control": f"max-age={max_age}"}).prepare()


def _date(kept: HTTPResponse) -> float:
    """Return when an answer that is kept was found to be good, in seconds since 1970; ValueError where it says none."""
    from email.utils import parsedate_to_datetime

    return parsedate_to_datetime(kept.headers["Date"]).timestamp()


def reason(error: Exception) -> str:
    """Return in a few words why a transfer failed: the texts of requests hold object addresses and nested reprs."""
    import requests

    kinds: tuple[tuple[type[Exception], str], ...] = (
        (requests.exceptions.SSLError, "its certificate is not trusted"),
        (requests.exceptions.ProxyError, "the proxy fails"),
        (requests.exceptions.Timeout, "timed out"),
        (requests.exceptions.MissingSchema, "neither http nor https"),
        (requests.exceptions.InvalidSchema, "neither http nor https"),
        (requests.exceptions.InvalidURL, "no valid URL"),
    )
    for kind, words in kinds:
        if isinstance(error, kind):
            return words
    text = str(error).lower()
    return next((words for sign, words in _SIGNS.items() if sign in text), "the connection broke")


_SIGNS: Mapping[str, str] = {
    "timed out": "timed out",
    "name or service not known": "its name is unknown",
    "nodename nor servname": "its name is unknown",
    "name resolution": "its name is unknown",
    "refused": "connection refused",
    "failed to parse": "no valid URL",
}

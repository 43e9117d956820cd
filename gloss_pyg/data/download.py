"""A file of the web, downloaded once and kept in the cache of `datasets`; imported only where one is needed."""

from collections.abc import Iterable
from pathlib import Path

import aiohttp
from datasets import DownloadConfig, DownloadManager

from gloss_pyg.data.report import text_key

_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=30)  # seconds


class NotDownloadedError(Exception):
    """No address gave the file; the message names the last one tried and why."""


def download(urls: Iterable[str], description: str) -> Path:
    """The file at the first of these addresses that is there; only where one is not (404), the next is tried.

    Raises:
        NotDownloadedError: if none gave it.
    """
    config = DownloadConfig(
        use_etag=False,  # whoever asks checks the content; so a cached file needs no network
        disable_tqdm=False,
        download_desc=description,
        storage_options={scheme: {"client_kwargs": {"timeout": _TIMEOUT}} for scheme in ("http", "https")},
    )
    reason = "no address"
    for url in urls:
        try:
            return Path(DownloadManager(download_config=config).download(url))
        except (OSError, aiohttp.ClientError) as error:
            cause = error.__cause__ or error
            reason = f"{url}: {text_key(str(cause)) or type(cause).__name__}"
            if not (isinstance(cause, aiohttp.ClientResponseError) and cause.status == 404):
                break
    raise NotDownloadedError(reason)

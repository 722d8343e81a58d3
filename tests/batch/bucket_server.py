"""An S3 server of this computer, moto's, that answers one request in `every` with an error.

python bucket_server.py EVERY        prints its port, and serves until it is killed
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

ERROR = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>InternalError</Code><Message>We encountered an internal error. Please try again.</Message></Error>"""


def main(every: int) -> None:
    server = DomainDispatcherApplication(create_backend_app)
    numbers = count(1)

    def failing(environment: dict[str, Any], answer: Callable[..., Any]) -> Iterable[bytes]:
        if every and next(numbers) % every == 0:
            environment["wsgi.input"].read(int(environment.get("CONTENT_LENGTH") or 0))
            answer("500 Internal Server Error", [("Content-Type", "application/xml")])
            return [ERROR]
        found: Iterable[bytes] = server(environment, answer)
        return found

    made = make_server("127.0.0.1", 0, failing, threaded=True)
    sys.stdout.write(f"{made.server_port}\n")
    sys.stdout.flush()
    made.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))

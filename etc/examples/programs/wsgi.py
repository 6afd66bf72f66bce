# SPDX-License-Identifier: MIT
"""The smallest WSGI application: prefork-srv -w 4 -l 8000 -- gunicorn --bind fd://3 --workers 1 wsgi:app"""


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
    return [b"ok\n"]

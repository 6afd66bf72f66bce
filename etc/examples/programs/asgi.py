# SPDX-License-Identifier: MIT
"""The smallest ASGI application: prefork-srv -w 4 -l 8000 -- uvicorn --fd 3 asgi:app"""


async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]})
        await send({"type": "http.response.body", "body": b"ok\n"})

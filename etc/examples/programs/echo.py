#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An echo server for many clients at once: prefork-srv -w 4 -l 7000 -- python3 echo.py"""
import asyncio
import socket


async def serve(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(serve, sock=socket.socket(fileno=3))
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(15, stopped.set)  # TERM: accept no more, finish what is begun
    await stopped.wait()
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)


asyncio.run(main())

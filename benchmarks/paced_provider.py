"""A provider that streams back what it was asked, at a pace, and tells afterwards when each chunk left.

A chat asks for it by the name of its model, ``paced:ID:COUNT:MILLISECONDS``: the last message in COUNT
chunks, so many milliseconds apart. ``GET /times/ID`` then answers with the times at which they were written,
in nanoseconds of the clock that all processes of a machine share, and forgets them.
"""

import asyncio
import contextlib
import json
import signal
import time

import uvloop

BACKLOG = 512
LONGEST_HEAD = 1 << 20  # bytes
TIMES: dict[str, list[int]] = {}


def main() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())


async def serve() -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=LONGEST_HEAD, backlog=BACKLOG)
    print(f"ready http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            first, *fields = head.lower().split(b"\r\n")
            length = next((int(each[15:]) for each in fields if each.startswith(b"content-length:")), 0)
            body = await reader.readexactly(length)
            if first.startswith(b"get "):
                writer.write(told(first.split(b" ")[1].rpartition(b"/")[2].decode()))
            else:
                await streamed(json.loads(body), writer)
    writer.close()


def told(name: str) -> bytes:
    body = json.dumps(TIMES.pop(name, [])).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def streamed(chat: dict[str, object], writer: asyncio.StreamWriter) -> None:
    _, name, count, milliseconds = str(chat["model"]).split(":")
    messages = chat["messages"]
    text = str(messages[-1]["content"]) if isinstance(messages, list) else ""
    size = max(1, -(-len(text) // int(count)))
    frames = [chunk(text[at : at + size]) for at in range(0, len(text), size)]
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    began, times = time.monotonic(), []
    for number, frame in enumerate(frames, 1):
        await asyncio.sleep(max(0.0, began + number * int(milliseconds) / 1000 - time.monotonic()))
        times.append(time.monotonic_ns())
        writer.write(frame)
    TIMES[name] = times
    writer.write(sized(b"data: [DONE]\n\n") + b"0\r\n\r\n")
    await writer.drain()


def chunk(text: str) -> bytes:
    event = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1764000000,
        "model": "paced",
        "choices": [{"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": None}],
    }
    return sized(b"data: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n")


def sized(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


if __name__ == "__main__":
    main()

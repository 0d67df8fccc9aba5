"""What the echo provider answers to uploads: the documented shapes of files and transcriptions.

Pure: a body in, an ``Answer`` out. A file object repeats the file's name and the purpose; a transcription
says what the prompt said, as JSON, as text, or streamed.

Source: OpenAI API reference, "The File object", "Create transcription", "Transcript text delta event".
"""

from __future__ import annotations

from email import message_from_bytes
from email.message import Message

from sidecar.gateway.echo_answers import Answer, Wishes, dump

CREATED = 1_700_000_000


def answer_upload(path: str, content_type: str, body: bytes, wishes: Wishes) -> Answer:
    """Answer a body of multipart/form-data that was sent to ``path`` (without a query)."""
    parts = _parts(content_type, body)
    texts = {name: content.decode("utf-8", "replace") for name, (_, content) in parts.items()}
    if path.endswith(("/audio/transcriptions", "/audio/translations")):
        return _transcript(texts, wishes)
    file_name, content = parts.get("file", ("", b""))
    return Answer(
        [
            dump(
                {
                    "id": "file-echo",
                    "object": "file",
                    "bytes": len(content),
                    "created_at": CREATED,
                    "filename": file_name,
                    "purpose": texts.get("purpose", ""),
                    "status": "processed",
                    "status_details": texts.get("prompt", ""),
                }
            )
        ]
    )


def _transcript(texts: dict[str, str], wishes: Wishes) -> Answer:
    said = texts.get("prompt", "")
    if texts.get("stream") == "true":
        size = wishes.delta
        deltas = [said[start : start + size] for start in range(0, len(said), size)]
        events = [{"type": "transcript.text.delta", "delta": delta} for delta in deltas]
        events.append({"type": "transcript.text.done", "text": said})
        frames = [b"data: " + dump(event) + b"\n\n" for event in events]
        return Answer(frames, content_type="text/event-stream", streamed=True, wishes=wishes)
    if texts.get("response_format") == "text":
        return Answer([said.encode()], content_type="text/plain; charset=utf-8")
    return Answer([dump({"text": said})])


def _parts(content_type: str, body: bytes) -> dict[str, tuple[str, bytes]]:
    """Return file name and content of each part, by its name."""
    message = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    payload = message.get_payload()
    found: dict[str, tuple[str, bytes]] = {}
    for part in payload if isinstance(payload, list) else ():
        if isinstance(part, Message):
            name = part.get_param("name", "", "content-disposition")
            content = part.get_payload(decode=True)
            found[str(name)] = part.get_filename() or "", content if isinstance(content, bytes) else b""
    return found

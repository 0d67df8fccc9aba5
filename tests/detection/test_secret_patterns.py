from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sidecar.detection.pattern_entry import Entry
from sidecar.detection.patterns import Pattern, PatternDetector
from sidecar.model import Passage

FOLDER = Path(__file__).parents[2] / "patterns"
FILES = [*sorted(path.name for path in FOLDER.glob("secrets_*.json")), "crypto.json"]


def entries(file: str) -> list[Entry]:
    raw = json.loads((FOLDER / file).read_text("utf-8"))["patterns"]
    return [Entry(index, entry) for index, entry in enumerate(raw)]


def patterns() -> list[Pattern]:
    return [pattern for file in FILES for entry in entries(file) if (pattern := entry.pattern())]


DETECTOR = PatternDetector(patterns())
HEX = "0123456789abcdef"


def spans(text: str, hint: str = "") -> list[str]:
    return [text[span.start : span.end] for span in DETECTOR.find(Passage(text, hint))]


@pytest.mark.parametrize("file", FILES)
def test_every_entry_brings_both_kinds_of_proof(file: str) -> None:
    assert [each.name for each in entries(file) if not (each.raw["match"] and each.raw["no_match"])] == []


@pytest.mark.parametrize(
    "marked",
    [
        "DATABASE_URL=postgresql://«app:Xk9$mP2q@192.0.2.3:5432»/orders",
        "connect with mongodb+srv://«svc:Zx81kd0@cluster0.example.net»/test?w=majority",
        "Server=tcp:sql.example.com,1433;User ID=sa;Password=«Str0ng!Pass»;Encrypt=True",
        "my wifi password is «sunflower22», don't tell anyone",
        "Username: jdoe\nPassword: «qwerty123»\nHost: example.com",
        "login as admin / «Welcome1!» please",
        "My PIN is «4821».",
        "Your verification code is «739201». Do not share it.",
        'the passphrase is "«purple monkey dishwasher lamp»"',
        "curl -u «alice:s3cr3tpw» https://api.example.com/v1",
        f'curl -H "Authorization: Bearer «{HEX * 2}»" https://api.example.com',
        "Authorization: Basic «YWxpY2U6czNjcjN0cHc=»",
        "Cookie: sessionid=«8fj3kd92hf8s7dh3k2»; theme=dark",
        "mysql -u root -p«S3cretP4ss» -h localhost",
        "sshpass -p '«hunter22»' ssh root@192.0.2.4",
        f'TWILIO_AUTH_TOKEN = "«{HEX * 2}»"',
        'api_key: "«3f7b9c1d5e8a2046»"',
        "JWT_SECRET=«a-long-secret-of-2026»",
        "GET /v1/items?access_token=«f3a9c7e1b5d24680» HTTP/1.1",
        "Heroku API key «12345678-90ab-cdef-1234-567890abcdef».",
        "Das Passwort lautet «Sommer2023»",
        "la contraseña es «Gato1234»",
        "mijn wachtwoord is «Fiets123»",
        "мой пароль «Qwerty777»",
        "我的密码是«abc123456»",
        "パスワードは«sakura2024»です",
        "seed phrase: «witch collapse practice feed shame open despair creek road again ice least»",
        "Send it to «1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa», please",
        "ALTER USER bob WITH PASSWORD '«n3wpass»';",
        "I changed my password to «monkey!99» yesterday",
        "sshpass -p '«n0t re!al»' ssh x",
        "api key for the weather thing: «0123456789abcdef0123456789abcdef»",
        "security answer: «rex the dog»",
        "deepgram key «0123456789abcdef0123456789abcdef01234567»",
        "sig=«EXAMPLEnotREAL0000EXAMPLEnotREAL0000EXAMPLE»&se=2026",
        "benim şifrem «deniz1984»",
        "dsn: «https://0123456789abcdef0123456789abcdef@o0.example.com/42»",
        "git clone https://«ghp_EXAMPLENOTREALEXAMPLENOTREAL00000000»@example.com/x.git",
    ],
    ids=lambda marked: re.sub(r"[^a-z]+", "-", marked.split("«")[0].lower())[-24:],
)
def test_a_secret_is_covered_whole_and_nothing_else(marked: str) -> None:
    before, secret, after = re.split("[«»]", marked)
    assert spans(before + secret + after) == [secret]


@pytest.mark.parametrize(
    "text",
    [
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "UUID 550e8400-e29b-41d4-a716-446655440000 for the order",
        f"sha256: {HEX * 4}",
        '"integrity": "sha512-abcDEF0123456789abcDEF0123456789abcDEF0123456789=="',
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
        ".css-1q2w3e4r5t { color: red }",
        "password reset link was sent; forgot password?",
        "please increase the token limit to 4096",
        "secret santa is on friday",
        "the security answer is required; security_answer = get_answer()",
        "#define UI_DEFAULT_PWD 0x02",
        "cache key 0123456789abcdef0123456789abcdef01234567",
        "s3://access_key_id:secret_access_key@bucket/key",
        "the password must be at least 8 characters",
        "api key is required",
        "def login(password: str, token: Token, pin: int) -> None:",
        "password = get_password()",
        "max_tokens=1000 and if token is None: raise",
        "model: gpt-4o-2026-08-06",
        "secretKeyRef: {name: db-credentials, key: password}",
        "password: ${{ secrets.DB_PASSWORD }}",
        'token = request.headers.get("Authorization")',
        "const apiKey = process.env.OPENAI_API_KEY;",
        "API_KEY=your_api_key_here",
        "Bearer token authentication is used",
        "The password field is case sensitive.",
        'ETag: "33a64df551425fcc55e4d42a148795d9f25f89d4"',
        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "https://example.com/docs?page=2&key=value&sort=asc",
        "https://example.com:8080/path@v2 and git@example.com:user/repo.git",
        "docker run -u 1000:1000 example",
        "GPIO pin 17 is high",
        "passed 12/14 tests, pass rate is 98.5%",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQEXAMPLE ann@example.com",
    ],
    ids=lambda text: re.sub(r"[^a-z]+", "-", text.lower())[:24],
)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert spans(text) == []


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("hunter2", "password"),
        ("ab12CD34ef56GH78", "apiKey"),
        ("4821", "pin"),
        ("sunny harbor kite", "passphrase"),
    ],
)
def test_a_key_that_says_secret_makes_all_under_it_one(text: str, hint: str) -> None:
    assert spans(text, hint) == [text]
    assert spans(text) == []


@pytest.mark.parametrize("lines", [3, 60, 200], ids=["short", "4 KB", "beyond a window"])
@pytest.mark.parametrize("newline", ["\n", "\\n", "\r\n"], ids=["lf", "escaped", "crlf"])
@pytest.mark.parametrize("end", ["\n-----END RSA PRIVATE KEY-----", ""], ids=["whole", "cut short"])
def test_a_private_key_is_covered_to_its_end(lines: int, newline: str, end: str) -> None:
    body = newline.join(["-----BEGIN RSA PRIVATE KEY-----", *["NOTAREALKEY+0000" * 4] * lines])
    key = body + end.replace("\n", newline)
    found = spans(f'key = "{key}", used by nginx')
    assert found[0].startswith(key)
    assert found[0].rstrip('"') == key

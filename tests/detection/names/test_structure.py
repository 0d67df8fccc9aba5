from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.detection.names.structure import Structure
from sidecar.model import Origin

STRUCTURE = Structure()


def found(text: str, hint: str = "") -> list[tuple[str, str]]:
    spans = sorted(STRUCTURE.find(text, hint), key=lambda span: span.start)
    return list(dict.fromkeys((text[span.start : span.end], span.entity_type) for span in spans))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"first_name": "ilse", "lastName": "Thorn"}', [("ilse", "PERSON"), ("Thorn", "PERSON")]),
        ('{"name": "ilse", "email": "i@example.org"}', [("ilse", "PERSON")]),
        ('{\\"name\\": \\"Ilse Thorn\\"}', [("Ilse Thorn", "PERSON")]),
        ("WHERE name = 'Padraig Dunne' AND x", [("Padraig Dunne", "PERSON")]),
        ('Customer(name="Fatou Al-Amin", zip="94107")', [("Fatou Al-Amin", "PERSON")]),
        ("INFO auth user=mgarcia ms=231", [("mgarcia", "USERNAME")]),
        ("username: jdoe\nlogin: chloe_d\n", [("jdoe", "USERNAME"), ("chloe_d", "USERNAME")]),
        ("Failed password for jdoe from host", [("jdoe", "USERNAME")]),
        ("user bkim logged in", [("bkim", "USERNAME")]),
        ("?city=New%20Haven&first_name=Ann&x=1", [("New%20Haven", "LOCATION"), ("Ann", "PERSON")]),
        ("- Name: Paloma Contri\n- IP: none", [("Paloma Contri", "PERSON")]),
        ("Full name: Jon Smit and I am a clerk", [("Jon Smit", "PERSON")]),
        ("patient: marisol vega, dob unknown", [("marisol vega", "PERSON")]),
        ("Vorname: Jürgen\nOrt: Bonn", [("Jürgen", "PERSON"), ("Bonn", "LOCATION")]),
        ("Straße: Lindenweg 5\n", [("Lindenweg 5", "ADDRESS")]),
        ("Apellidos: García López", [("García López", "PERSON")]),
        ("姓名\uff1a王小明\n이름: 김민수", [("王小明", "PERSON"), ("김민수", "PERSON")]),
        ("Company: Zenith Widgets Ltd\n", [("Zenith Widgets Ltd", "ORG")]),
        ("<firstName>ilse</firstName><city>Graz</city>", [("ilse", "PERSON"), ("Graz", "LOCATION")]),
        ('<b class="author">Sam Lind</b>', [("Sam Lind", "PERSON")]),
        ('p.setFirstName("ilse"); Person("Sam Lind", 3)', [("Sam Lind", "PERSON")]),
        ('"attendees": ["Sam Lind", "Bo Ek"]', [("Sam Lind", "PERSON"), ("Bo Ek", "PERSON")]),
        ("Patient: LIND, SAM   Ward 3", [("LIND, SAM", "PERSON")]),
        ("dn: cn=Sam Lind,ou=people", [("Sam Lind", "PERSON")]),
        ("FN:Sam Lind\nVERSION:4.0", [("Sam Lind", "PERSON")]),
        ("ls /home/slind/x; uid=1001(bek)", [("slind", "USERNAME"), ("bek", "USERNAME")]),
        ("slind:x:1000:1000::/home/slind:/bin/sh", [("slind", "USERNAME")]),
        ("Signed-off-by: Sam Lind <s@example.org>", [("Sam Lind", "PERSON")]),
        ("AUTHOR_NAME='Sam Lind'", [("Sam Lind", "PERSON")]),
        ("Nom : Desjoncs\nPr\u00e9nom : Lise", [("Desjoncs", "PERSON"), ("Lise", "PERSON")]),
        (
            "<given>Lorcan</given><family>Mac Giolla</family><gender>",
            [("Mac Giolla", "PERSON")],
        ),
        ("Guardian: Blythe Udo", [("Blythe Udo", "PERSON")]),
        ("- [ ] @tkowal closes it", [("tkowal", "USERNAME")]),
        ("ssh -v jkowal@host.example.org", [("jkowal", "USERNAME")]),
    ],
    ids=ascii,
)
def test_a_key_says_what_its_value_is(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "id,name,ssn,city\n1,Ravi Mehra,219-09-9999,Pune\n2,cleo dubois,078-05-1120,Nantes",
            [
                ("Ravi Mehra", "PERSON"),
                ("219-09-9999", "SSN"),
                ("Pune", "LOCATION"),
                ("cleo dubois", "PERSON"),
                ("078-05-1120", "SSN"),
                ("Nantes", "LOCATION"),
            ],
        ),
        ('full_name;note\n"Lind; Bo";"x"', []),
        ('name,city\n"Lind, Bo",Oslo', [("Lind, Bo", "PERSON"), ("Oslo", "LOCATION")]),
        ("id\tfull_name\n1\tmia wong", [("mia wong", "PERSON")]),
        ("| Name | Role |\n|---|---|\n| **Luca Perez** | Lead |", [("Luca Perez", "PERSON")]),
        (
            "<tr><th>Name</th><th>dob</th></tr><tr><td>Jane Roe</td><td>1990-07-21</td></tr>",
            [("Jane Roe", "PERSON"), ("1990-07-21", "DATE_OF_BIRTH")],
        ),
        (
            "INSERT INTO t (id, name, phone) VALUES (1, 'Bo O''Hara', '555-0142'), (2, 'Al Roe', NULL);",
            [("Bo O''Hara", "PERSON"), ("555-0142", "PHONE"), ("Al Roe", "PERSON")],
        ),
    ],
    ids=["csv", "no-name-shape", "quoted-cell", "tsv", "markdown", "html", "sql"],
)
def test_a_column_says_what_its_cells_are(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    ("text", "hint", "expected"),
    [
        ("amelia", "first_name", [("amelia", "PERSON")]),
        (" Jane Roe ", "customerName", [("Jane Roe", "PERSON")]),
        ("Jane Roe", "name", [("Jane Roe", "PERSON")]),
        ("get_weather", "name", []),
        ("search", "name", []),
        ("report final", "file_name", []),
        ("12 Elm Road, Leeds", "address", [("12 Elm Road, Leeds", "ADDRESS")]),
        ("10.0.0.1", "address", []),
        ("mgarcia", "username", [("mgarcia", "USERNAME")]),
        ("true", "first_name", []),
        ("{{ first }}", "first_name", []),
    ],
    ids=ascii,
)
def test_the_hint_is_the_key_of_the_whole_text(text: str, hint: str, expected: list[tuple[str, str]]) -> None:
    assert found(text, hint) == expected


@pytest.mark.parametrize(
    "text",
    [
        "name: my-service\nversion: 1.0",
        "name: Build and Test\non: push\njobs:\n  name: Run Tests",
        '{"type": "function", "function": {"name": "get_weather"}}',
        '{"name": "Get Weather", "parameters": {}}',
        '{"name": "Blue Widget", "sku": "4455", "price": 3}',
        '{"name": "lodash", "version": "4.17.21"}',
        '{"model": "m", "user": "user-1234", "role": "user"}',
        "user=root uid=0 user=postgres username=admin login=test",
        "def f(first_name: str, city: Optional[str] = None): user = request.user",
        "first_name = models.CharField(max_length=2)",
        "surname=surname\nlocation: 'us-east-one'\nregion = west",
        "User(name=name, user=user, city=city, login=login)",
        '<input name="email"><meta name="description"><name>web-server</name>',
        "first_name: {{ user.first }}\nlast_name: ${LAST}\nsurname: <surname>",
        "ls /home/ubuntu /home/user; root:x:0:0:root:/root:/bin/sh; uid=33(www-data)",
        'getLogger("Some Thing"); open("file.txt"); name("x"); set("A B")',
        "hostname: Foo Bar\nfile name: Report Final\nProduct Name: Blue Chair",
        "User: What is the time?\nuser: hello",
        "the ratio is a:b and std::string name; x = y == z; http://example.org",
        "I brought a name, address, and phone\nbut we left it, alone, at home",
        "function | description\nsearch | looks up",
        "first_name: null\ncity: unknown\ncompany: n/a",
    ],
    ids=ascii,
)
def test_things_have_names_too_and_keep_them(text: str) -> None:
    assert found(text) == []


def test_a_span_names_its_rule_and_is_no_pattern() -> None:
    (span,) = STRUCTURE.find("first_name: Ilse")
    assert (span.rule, span.origin, span.score) == ("structure:key", Origin.NER, 0.8)


PIECES = st.sampled_from(
    [
        "name",
        "user",
        "city",
        ":",
        "=",
        " ",
        "\n",
        ",",
        "|",
        "\t",
        ";",
        '"',
        "'",
        "<td>",
        "</td>",
        "<tr>",
        "Ann",
        "(",
        ")",
        "insert into t (",
        ") values ",
        "\ud800",
        "-",
        "0",
        "é",
        "王",
        "\\",
    ]
)


@given(st.lists(PIECES, max_size=60), st.sampled_from(["", "name", "city"]))
def test_spans_lie_in_the_text_whatever_it_is(pieces: list[str], hint: str) -> None:
    text = "".join(pieces)
    for span in STRUCTURE.find(text, hint):
        assert span.end <= len(text)
        assert any(char.isalnum() for char in text[span.start : span.end])

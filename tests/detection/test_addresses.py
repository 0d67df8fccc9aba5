from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.detection.addresses import _FORMS, _Form, find
from sidecar.detection.linear import LinearPattern
from sidecar.detection.overlap import resolve


def originals(text: str) -> list[str]:
    return [text[span.start : span.end] for span in resolve(text, find(text))]


WHOLE = {
    "us": "742 Evergreen Terrace, Springfield, OR 97477",
    "us unit": "1 Example Plaza, Suite 400, Boston, MA 02110-1234",
    "us lines": "500 Sample Ave\nApt 9C\nPortland, OR 97201",
    "us ordinal": "350 5th Ave, Floor 21, New York, NY 10118",
    "us highway": "4410 Highway 61 N, Vicksburg, MS 39180",
    "us quoted lines": "12 Oak St\n> Denver, CO 80202",
    "us post box": "P.O. Box 550, Fargo, ND 58103",
    "us military": "PSC 1234, Box 12\nAPO AE 09123",
    "us rural": "RR 2 Box 152, Salem, VA 24153",
    "us lower": "88 sample street, austin, tx 78701",
    "uk": "12 Example Road, Leeds LS1 4AP",
    "uk flat": "Flat 3, 12 High St, Oxford OX1 4BH",
    "uk lower": "12 high street, oxford, ox1 4bh",
    "canada": "250 Sample Street West, Toronto, ON M5V 2T6",
    "australia": "7/15 Sample Parade, Bondi, NSW 2026",
    "new zealand": "14 Kauri Road, Takapuna, Auckland 0622",
    "ireland": "5 Sample Quay, Dublin, D02 X285",
    "india": "12/A MG Road, Bengaluru 560001",
    "india house": "H.No. 12, Gandhi Nagar, Jaipur-302015",
    "germany": "Beispielstraße 12a, 80331 München",
    "germany short": "Mustergasse 3",
    "germany apart": "Lange Straße 5, 60311 Frankfurt am Main",
    "germany floor": "Hauptstr. 5, 3. OG, 50667 Köln",
    "denmark floor": "Eksempelgade 45, 2. tv, 2200 København N",
    "poland flat": "al. Przykładowa 65 m. 12, 00-697 Warszawa",
    "romania parts": "Bd. Exemplu nr. 10, bl. A1, sc. 2, ap. 15, București",
    "czechia": "Ukázkové náměstí 1, 110 00 Praha",
    "israel": "Example Blvd 22, Tel Aviv",
    "finland stair": "Esimerkintie 12 A 5, 00100 Helsinki",
    "germany lower": "musterweg 7",
    "austria": "Beispielgasse 4/12, 1010 Wien",
    "switzerland": "Musterplatz 8, CH-8001 Zürich",
    "france": "14 bis rue des Exemples, 69002 Lyon",
    "france comma": "48, avenue Victor Modèle, 33000 Bordeaux",
    "belgium": "Rue de l'Exemple 12, 1000 Bruxelles",
    "spain": "Calle de Muestra 50, 3º B, 28014 Madrid",
    "spain short": "Avda. Ejemplo 12, 46001 Valencia",
    "colombia": "Carrera 7 # 71-21, Bogotá",
    "portugal": "Rua do Exemplo 25, 1200-109 Lisboa",
    "norway allé": "Eksempel allé 2, 0257 Oslo",
    "india block": "B-204, Sample Apartments, Andheri West, Mumbai 400053",
    "bangladesh": "Plot 14, Road 7, Sample Town, Dhaka 1212",
    "uk flat behind": "15 Kings Road, Flat 7, Brighton BN1 2AB",
    "brazil unit": "Av. Exemplo, 1578, apto 42, São Paulo - SP, 01310-200",
    "czech district": "Ukázková 36, 110 00 Praha 1",
    "hungary floor": "1052 Budapest, Példa utca 19. 2. em. 4",
    "dublin district": "6 Sample Street, Dublin 2, D02 X285",
    "brazil": "Rua Amostra, 1500 - Consolação, São Paulo - SP, 01304-001",
    "italy": "Via Esempio 10, 00184 Roma RM",
    "netherlands": "Voorbeeldgracht 123, 1015 CJ Amsterdam",
    "poland": "ul. Przykładowa 10/5, 00-590 Warszawa",
    "sweden": "Exempelgatan 5, 111 22 Stockholm",
    "norway": "Eksempelveien 12, 0150 Oslo",
    "denmark": "Eksempelvej 7, 2100 København",
    "finland": "Esimerkkikatu 3 B, 00100 Helsinki",
    "hungary": "Példa utca 12, 1011 Budapest",
    "russia": "ул. Примерная, д. 5, кв. 12, Москва",
    "ukraine": "вул. Зразкова, 7, Київ",
    "turkey": "Örnek Cad. No: 12, Kadıköy",  # noqa: RUF001 - Turkish
    "romania": "Strada Exemplu 15, București",
}


@pytest.mark.parametrize("address", WHOLE.values(), ids=WHOLE)
@pytest.mark.parametrize("around", ["{}", "Please ship to {}", "address: {}\n", "I live at {}. Thanks!"])
def test_an_address_is_one_span_with_all_its_parts(address: str, around: str) -> None:
    assert originals(around.format(address)) in ([address], [address + "."])


@pytest.mark.parametrize(
    "text",
    [
        "I saw 2 men walking down the street",
        "10 minutes down the road from here",
        "In 2010 Wall Street recovered",
        "Section 12 High Court Rules 2004 and version 3 Square Sample 2021",
        "the 9 Supreme Court judges",
        "During 1996, this product was sold. Spring 2020 was cold.",
        "see et al. Smith 2010 and RFC 2616",
        "Version 2, 10115 Users and Windows 10",
        "chapter 10.3.2.1 of RFC 2616, section 192.3, page 555",
        "room 4.12, for 45 minutes, on May 5, 2000 in Paris",
        "it took place in April 2023",
        "order 1184 shipped, box 12 of 20",
        "const place = 12; route = '/users/42'; way: 3",
        "Unit tests: 12 passed, Suite A",
        "a 3 way call, 5 star court, 2nd place",
        "#define HAVE_CONFSTR 1",
        "USENIX'05 Annual Conference, Anaheim, California, USA 92802",
        "limit bytes via the RFC 1870 SIZE extension",
        "",
        "7",
    ],
)
def test_what_is_no_address_stays(text: str) -> None:
    assert originals(text) == []


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("12 High St, Leeds\nMobile: none", "12 High St, Leeds"),
        ("Musterweg 7\nTel 030", "Musterweg 7"),
        ("at 12 Oak Street, but not today", "12 Oak Street"),
    ],
)
def test_an_address_ends_where_other_matter_begins(text: str, address: str) -> None:
    assert originals(text) == [address]


PARTS = [
    "12",
    "High",
    "St",
    ",",
    " ",
    "\n",
    "rue",
    "de",
    "Musterweg",
    "Apt. 4",
    "80331",
    "Suite",
    "ul.",
    "the",
    "é",
]


@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PARTS), max_size=30).map(" ".join)))
def test_any_text_gives_spans_within_it(text: str) -> None:
    spans = find(text)
    assert spans == sorted(spans, key=lambda span: (span.start, span.end))
    assert all(span.end <= len(text) for span in spans)


@pytest.mark.parametrize(
    "part", ["A", "12 ", "A ", "High St ", "12 A ", "rue de ", "a12 ", "Apt. 4 ", "corner of a "]
)
def test_time_grows_no_faster_than_the_text(part: str) -> None:
    def seconds(size: int) -> float:
        text = part * (size // len(part))
        began = time.perf_counter()
        find(text)
        return time.perf_counter() - began

    seconds(1_000)
    assert seconds(80_000) < 24 * max(seconds(10_000), 0.002)


@pytest.mark.parametrize("form", _FORMS, ids=lambda form: form.rule)
def test_every_form_runs_in_linear_time_though_a_start_does_not_prove_it(form: _Form) -> None:
    LinearPattern(form.regex.regex, form.regex.flags)

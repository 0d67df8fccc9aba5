"""What street addresses are written with: street words, units, postcodes, regions, as pieces of regex.

Every piece is ASCII-anchored, needs no flags but those it sets itself, and holds no lookaround, so that any
of them may stand in a pattern for RE2. Post forms follow the Universal Postal Union's country sheets.
"""

from __future__ import annotations

_LATIN = r"A-Za-z\u00aa\u00ba\u00c0-\u024f\u0370-\u1fff"
_UPPER = r"A-Z\u00c0-\u00de\u0100-\u024f\u0370-\u03ab\u0400-\u042f\u1e00-\u1eff"

LETTER = f"[{_LATIN}]"
CAPITAL = f"[{_UPPER}](?:[{_LATIN}]{{0,3}}\\.|[{_LATIN}'-]*)"
ANY_WORD = f"[{_LATIN}][{_LATIN}'.-]*"
PARTICLE = (
    r"(?:de la|de los|de las|de l'|d'|de|del|della|delle|dei|degli|di|da|do|das|dos|du|des|la|le|les|el|los"
    r"|y|e|et|of|the|von|van|der|den|dem|an|am|im|in|zum|zur|sur|sous|en|nad|na|v|u|i|och|og)"
)
NAME = rf"(?:{CAPITAL}|\d{{1,3}}(?:st|nd|rd|th|ST|ND|RD|TH)|\d{{1,2}} de)"
NUMBER = r"\d{1,5}(?: ?[A-Za-z]\b)?(?:[-/]\d{1,4})?(?:[/-]?[A-Za-z]\b)?"
_COMPASS = r"(?:N|S|E|W|NE|NW|SE|SW|North|South|East|West|Upper|Lower)"

_STREETS = (
    r"street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|terrace|parkway|pkwy|highway|hwy|freeway"
    r"|crescent"
    r"|cres|mews|turnpike|tpke|expressway|esplanade|marg|nagar|chowk|salai"
)
_LOOSE_STREETS = (
    r"av|dr|court|ct|place|pl|ter|fwy|square|sq|close|gardens|gdns|alley|aly|circle|cir|trail|trl|quay"
    r"|way|row"
    r"|grove|walk|rise|loop|parade|pde|plaza|causeway|strand|rue|path|ganj|vihar|enclave|colony|layout|bazaar"
    r"|rasta|zila|str"
)
_PLAIN_STREETS = (
    r"street|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|terrace|parkway|pkwy|highway|hwy|crescent"
    r"|st|dr|way"
)

_COMPOUNDS = (
    r"straße|strasse|straße|str\.|str|gasse|gässli|weg|platz|allee|damm|gatan|gata|gaten|vägen|väg|vegen"
    r"|veien"
    r"|vej|vejen|vegur|stigen|gränd|torget|gade|stræde|allé|katu|kuja|polku|laan|straat|plein|gracht"
    r"|dijk|singel"
    r"|steeg|dreef|braut|stígur|boulevard|brücke|centret|krogen"
)
_LOOSE_COMPOUNDS = r"ring|ufer|graben|hof|kade|gate|tie|lia|park|vei|tee|markt|berg|feld|dal|haven|wal|pad"

_STREETS_BEFORE = (
    r"(?:(?:av\.|ave\.|bd\.|avda\.|ctra\.|c/|r\.|ul\.|al\.|pl\.|os\.|nám\.|șos\.|ул\.|просп\.|пр\.|пер\."
    r"|наб\.|пл\."
    r"|вул\.|λεωφ\.|jl\.) ?|(?:rue|avenue|av|boulevard|bd|chemin|allée|impasse|quai|faubourg|sentier"
    r"|calle|avenida|avda"
    r"|paseo|plaza|carretera|pasaje|ronda|camino|glorieta|urbanización|cañada|callejón|cuesta|rúa|rua"
    r"|travessa"
    r"|praça|praca|largo|estrada|rodovia|viela|beco|jardim|alameda|residencial|condomínio|via|viale"
    r"|piazza|piazzale"
    r"|corso|vicolo|contrada|incrocio|strada|lungomare|borgo|ulica|ulice|aleja|aleje|plac|osiedle"
    r"|náměstí|třída"
    r"|bulevardul|b-dul|calea|șoseaua|trg|улица|проспект|пр-т|переулок|шоссе|набережная|бульвар|площадь"
    r"|вулиця"
    r"|λεωφόρος|οδός|πλατεία|jalan|jl|quadra|distrito de|sitio) )"
)
_STREETS_AFTER = (
    r"náměstí|nábřeží|třída|utca|u\.|út|útja|tér|tere|körút|krt\.|rkp\.|rakpart|köz|sétány|fasor|tee"
    r"|tänav|põik|puiestee|pst"
    r"|maantee"
    r"|cad\.|caddesi|cd\.|sok\.|sokak|sokağı|sk\.|bulvarı|blv\.|mah\.|mahallesi|gate|gata|gatan|gade|vei"  # noqa: RUF001 - Turkish
    r"|veg|vej"
    r"|väg|tie|katu|iela|gatvė|g\.|straße|strasse|str\.|weg|platz|allee|allé|baan|wei|laan|plein|ring|damm"
)
_PLAIN_STREETS_AFTER = (
    r"utca|út|útja|körút|rakpart|tänav|puiestee|caddesi|cad\.|sokak|sok\.|strasse|straße|baan"
)

UNIT = (
    r"(?i:(?:apt|apartment|appt|suite|ste|unit|flat|floor|flr|room|rm|bldg|building|studio|lot|lok|byt"
    r"|apto|depto"
    r"|piso|planta|esc|scala|interno|int|étage|bât|bte|bus|top|tür|wohnung|whg|stock|кв|корп|к|оф|офис"
    r"|daire|kat"
    r"|blok|block|tower|wing|level|shop|bloco|sala|conj|casa|lote|no)\.? ?(?:no\.? ?)?#?:? ?"
    r"(?:\d[\w/-]{0,6}|(?<![A-Za-z])[A-Z]\d{0,4})\b|# ?\d[\w-]{0,5}|\d{1,3}(?:st|nd|rd|th) (?:floor|fl)\b"
    r"|\d{1,2}[º°ª](?: ?(?:[A-Z]\b|izq\b|dcha\b|esq\b|dto\b)\.?)?"
    r"|(?:m|sc|bl|ap|et|nr|d|sz|em) ?[.:] ?[A-Z]?\d{1,4}\b|(?:plot|door|house) ?\d{1,5}\b"
    r"|\d{1,2}\. ?em(?:elet)?\.?(?: ?/?\d{1,3}\b)?"
    r"|\d{1,2}\. ?(?:og|obergeschoss|stock|etage|tv|th|mf|sal|krs)\b|eg\b"
    r"|(?:д|дом)\. ?\d[\w/-]{0,5}|(?:ground|first|second|third|fourth|fifth|top) floor\b|s/n\b)"
)
STRONG_UNIT = r"(?i:apt|apartment|suite|ste|flat|unit)\.? ?#?\d{1,5}[A-Za-z]?\b"

POSTCODE = (
    r"(?:(?:[A-Z]{1,2}-|(?i:cep|plz):? )?(?:\d{5}-\d{4}|\d{5}-\d{3}|\d{4}-\d{3}|\d{3}-\d{4}|\d{2}-\d{3}"
    r"|\d{3} \d{3}"
    r"|\d{3} \d{2}"
    r"|\d{8}|\d{4} ?[A-Z]{2}|\d{4,7})|(?i:[A-Z]{1,2}\d{1,2}[A-Z]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d)"
    r"|[A-Z]\d{2} [A-Z\d]{4}|(?i:cedex) \d{1,2}|〒?\d{3}-\d{4})\b"
)
FULL_POSTCODE = (
    r"(?:\d{5}(?:-\d{3,4})?|\d{4} ?[A-Z]{2}|\d{3} \d{2}|\d{2}-\d{3}|\d{6}|\d{8}"
    r"|[A-Z]{1,2}\d{1,2}[A-Z]? \d[A-Z]{2}"
    r"|[A-Z]\d[A-Z] ?\d[A-Z]\d)\b"
)
REGION = r"(?:\([A-Z]{2}\)|[A-Z]{2,3}\b|(?i:nan|null|none|n/a)\b)"

PO_BOX = (
    r"(?i:p\.? ?o\.? ?box|post office box|gpo box|postfach|apartado(?: de correos| postal)?|casella postale"
    r"|caixa postal|boîte postale|postbus|private bag|skrytka pocztowa|locked bag)"
    r" (?:(?i:no\.?|nº) )?[A-Z]?\d{1,6}\b"
)
MILITARY = (
    r"(?i:(?:psc|cmr|unit) \d{1,5},? box \d{1,5}|(?:uss|usns|uscgc|usnv) [a-z\u00c0-\u024f'-]+"
    r"(?: [a-z\u00c0-\u024f'-]+)?)[ ,\n]{1,3}(?i:[afd]po,? a[aep]) \d{5}(?:-\d{4})?"
)
RURAL = r"(?i:rural route|rr|hc) ?\d{1,3},? (?i:box) \d{1,5}[A-Za-z]?\b"

NUMBER_FIRST = (
    rf"\b{NUMBER},? (?:{_COMPASS}\.? )?(?:{NAME} (?:{PARTICLE} )?){{1,4}}(?i:{_STREETS})\b\.?"
    rf"(?: {_COMPASS}\b)?"
    rf"|\b{NUMBER} (?:{_COMPASS}\.? )?(?:{CAPITAL} )?(?i:highway|hwy|route|rte|county road|state road|cr"
    rf"|sr|broadway"
    r"|state route|fm|interstate) \d{1,4}\b"
)
NUMBER_FIRST_LOOSE = (
    rf"\b{NUMBER},? (?:{_COMPASS}\.? )?(?:{NAME} (?:{PARTICLE} )?){{1,4}}(?i:{_LOOSE_STREETS})\b\.?"
    rf"(?: {_COMPASS}\b)?"
)
NUMBER_FIRST_LOWER = (
    rf"\b{NUMBER} (?:(?i:[nsew]|north|south|east|west) )?(?:[a-z0-9'-]+ ){{1,3}}(?:{_PLAIN_STREETS})\b\.?"
)
NUMBER_FIRST_ANY = rf"\b{NUMBER},? (?:{NAME} ){{0,4}}{CAPITAL}(?:,[ \n]+| ?\n[ >]*){CAPITAL}"
COMPOUND = (
    rf"(?:{CAPITAL}[ -]){{0,2}}{LETTER}{LETTER}+(?i:{_COMPOUNDS}) ?\d{{1,4}}(?: ?[A-Za-z]\b"
    rf"(?: \d{{1,3}}\b)?)?"
    rf"(?:[-/]\d{{1,4}})?\b"
)
LOOSE_COMPOUND = (
    rf"(?:{CAPITAL}[ -]){{0,2}}{CAPITAL}(?:{_LOOSE_COMPOUNDS}) \d{{1,4}}(?: ?[A-Z]\b(?: \d{{1,3}}\b)?)?\b"
)
WORD_FIRST = (
    rf"(?i:{_STREETS_BEFORE})(?:(?i:{PARTICLE}) ?)*(?:{NAME},? (?:{PARTICLE} )*){{0,5}}(?:{CAPITAL}"
    rf"|\d{{1,3}})"
    rf"(?:,? (?i:n[ºo°]\.? ?|nr\.? ?|num\.? ?|# ?|д\. ?|дом |буд\. ?|č\. ?)?\d{{1,5}}[A-Za-z]?"
    rf"(?:[-/ ]{{1,3}}\d{{1,4}})?\b(?:[º°ª](?: [A-Z]\b)?)?)"
)
NUMBER_WORD_FIRST = (
    rf"\b{NUMBER}(?: ?(?:bis|ter|quater))?,? (?i:{_STREETS_BEFORE}|(?:place|route|cours|square|passage"
    rf"|cité) )"
    rf"(?:(?i:{PARTICLE}) ?)*(?:{NAME}[ -](?:{PARTICLE} )*){{0,4}}{CAPITAL}"
    rf"|\b{NUMBER}(?: ?(?:bis|ter|quater))?,? (?i:rue|avenue|boulevard|chemin|impasse|allée|quai|rua"
    rf"|calle|ul\.|via)"
    rf" (?:{ANY_WORD}[ -]){{0,4}}{CAPITAL}"
)
WORD_FIRST_ONLY = rf"(?i:{_STREETS_BEFORE})(?:(?i:{PARTICLE}) ?)*(?:{NAME} (?:{PARTICLE} )*){{0,4}}{CAPITAL}"
WORD_AFTER = (
    rf"(?:(?:{CAPITAL} ){{1,3}}(?:{_STREETS_AFTER})|{ANY_WORD} (?i:{_PLAIN_STREETS_AFTER}))"
    r",? (?:[Nn]o[:.]? ?)?\d{1,4}[A-Za-z]?\b\.?(?:/\d{1,4})?"
)
GRID = (
    r"(?i:carrera|cra|kra|calle|cl|cll|diagonal|dg|transversal|tv)\.? ?\d{1,3}[A-Za-z]?"
    r"(?: ?[A-Za-z]{1,4})? ?(?:#|(?i:no\.?|n°)) ?\d{1,3}[A-Za-z]? ?- ?\d{1,3}"
)
WITH_UNIT = (
    rf"(?:\b\d{{1,6}} )?(?:{ANY_WORD} ){{1,4}}\d{{1,5}}[A-Za-z]?\.?,?(?: |[ ]*\n[ >?]*){STRONG_UNIT}"
    rf"|\b\d{{1,6}} (?:{CAPITAL} ){{1,4}}{STRONG_UNIT}"
)
NAME_AND_NUMBER = (
    rf"(?:{CAPITAL} ){{1,4}}\d{{1,4}}[A-Za-z]?(?:/\d{{1,4}})?(?:,[ \n]| ?\n[ >]*){FULL_POSTCODE}"
)
NUMBER_NAME_NUMBER = rf"\b\d{{1,6}} (?:{NUMBER} )?(?:{CAPITAL} ){{1,4}}\d{{1,5}}\b"
BLOCK = (
    rf"(?i:flat|studio|unit|apartment|h\. ?no\.?|house no\.?|plot no\.?|door no\.?"
    rf"|shop no\.?) ?\d[\w/-]*,? (?:{NUMBER},? )?(?:{CAPITAL} ?){{1,4}}"
)
CORNER = (
    rf"(?i:(?:the )?corner of) (?:[{_LATIN}0-9][{_LATIN}0-9'.-]*,? ){{1,7}}?(?i:and|&) "
    rf"(?:\d{{1,5}} )?{CAPITAL}"
    rf"(?: {CAPITAL}){{0,3}}(?: \d{{1,5}}\b)?"
)
BRAZIL = (
    rf"(?:{CAPITAL} (?:{PARTICLE} )?){{0,4}}{CAPITAL}, (?:(?:{CAPITAL} ?){{1,4}}, )?\d{{5}}-?\d{{3}}"
    rf" (?:{CAPITAL} (?:{PARTICLE} )?){{1,5}}[/-] ?[A-Z]{{2}}\b"
)
CUED = (
    rf"\b\d{{1,5}}[A-Za-z]? (?:{NUMBER} )?(?:{CAPITAL} ){{0,3}}{CAPITAL}(?: \d{{1,5}}\b)?"
    rf"|(?:{CAPITAL} ){{1,3}}\d{{1,5}}[A-Za-z]?\b"
)

STREET_NUMBER = (
    rf"(?:{CAPITAL} ){{1,3}}(?:Blvd|Boulevard|Street|St|Avenue|Ave|Road|Rd|Lane"
    rf"|Drive)\.? \d{{1,4}}[A-Z]?\b"
)

# What a text must hold for a form to be looked for at all: short, so that all of them run as one automaton.
STREET_WORD = (
    rf"(?i: (?:{_STREETS}|{_LOOSE_STREETS}|highway|hwy|route|rte|county road|state road|cr|sr|fm"
    rf"|interstate)\b)"
)
COMPOUND_WORD = rf"(?i:(?:{_COMPOUNDS}) ?\d)"
LOOSE_COMPOUND_WORD = rf"(?:{_LOOSE_COMPOUNDS}) \d"
WORD_BEFORE = rf"(?i:{_STREETS_BEFORE}|\b(?:place|route|cours|square|passage|cité) )"
AFTER_WORD = rf"(?i: (?:{_STREETS_AFTER}|{_PLAIN_STREETS_AFTER}),? (?:no[:.]? ?)?\d)"
CODE = (
    r"\d{4}|\d{3} \d{2}|\d{2}-\d{3}|[A-Za-z]\d[A-Za-z\d]? ?\d[A-Za-z]|[A-Z]{1,2}\d{1,2} \d[A-Z]|"
    + STRONG_UNIT
)
BOX_WORD = r"(?i:box|postfach|apartado|casella|caixa|boîte|postbus|bag|skrytka|[afd]po,? a)"
GRID_WORD = r"(?i:(?:#|n°|no\.?) ?\d{1,3}[a-z]? ?-)"
BLOCK_WORD = r"(?i:flat|studio|unit|apartment|no\.?) ?\d"
CORNER_WORD = r"(?i:corner of)"
SAID_WORD = (
    r"(?i:addres|adres|dirección|endereço|indirizzo|\bliv|resid|located|office|restaurant|ship|sen[dt]"
    r"|deliver|mail"
    r"|return|drops|side of|arrived)"
)

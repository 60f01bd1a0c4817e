"""One small thesaurus written by hand in four syntaxes, and what must be read from each."""

from __future__ import annotations

from sherd.types import Concept

V = "urn:v:"

WANTED = [
    Concept(f"{V}vessel", {"en": "vessel", "zh-Hans": "容器"}, facet="vessel", scheme=f"{V}scheme"),
    Concept(
        f"{V}tripod",
        {"en": "tripod", "zh-Hant": "圓鼎"},
        {"en": ("round ding", "trypod"), "zh-Latn-pinyin": ("yuan ding",)},
        (f"{V}vessel", f"{V}bronze"),
        "V.1",
        None,
        {"en": "A ding on three legs. Cast in piece moulds."},
        {"exactMatch": ("https://other.example/7",), "broadMatch": ("https://other.example/2",)},
        f"{V}scheme",
    ),
    Concept(f"{V}bronze", {"en": "bronze object"}, scheme=f"{V}scheme"),
]

TURTLE = """
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix v: <urn:v:> .
v:vessel a skos:Concept ; skos:prefLabel "vessel"@en, "容器"@zh-Hans ;
    skos:topConceptOf v:scheme ; skos:narrower v:tripod .
v:tripod a skos:Concept ; skos:prefLabel "tripod"@en, "圓鼎"@zh-Hant ;
    skos:altLabel "round ding"@en, "yuan ding"@zh-Latn-pinyin ; skos:hiddenLabel "trypod"@en ;
    skos:broader v:bronze ; skos:broaderTransitive v:nowhere ; skos:related v:nowhere ; skos:notation "V.1" ;
    skos:scopeNote "A ding on three legs."@en ; skos:definition "Cast in piece moulds."@en ;
    skos:exactMatch <https://other.example/7> ; skos:broadMatch <https://other.example/2> ; skos:inScheme v:scheme .
v:bronze a skos:Concept ; skos:prefLabel " bronze \\n object "@en ; skos:inScheme v:scheme .
v:scheme a skos:ConceptScheme ; skos:prefLabel "Vessels"@en .
"""

RDF_XML = """<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:skos="http://www.w3.org/2004/02/skos/core#">
  <skos:Concept rdf:about="urn:v:vessel">
    <skos:prefLabel xml:lang="en">vessel</skos:prefLabel>
    <skos:prefLabel xml:lang="zh-Hans">容器</skos:prefLabel>
    <skos:topConceptOf rdf:resource="urn:v:scheme"/>
    <skos:narrower rdf:resource="urn:v:tripod"/>
  </skos:Concept>
  <skos:Concept rdf:about="urn:v:tripod">
    <skos:prefLabel xml:lang="en">tripod</skos:prefLabel>
    <skos:prefLabel xml:lang="zh-Hant">圓鼎</skos:prefLabel>
    <skos:altLabel xml:lang="en">round ding</skos:altLabel>
    <skos:altLabel xml:lang="zh-Latn-pinyin">yuan ding</skos:altLabel>
    <skos:hiddenLabel xml:lang="en">trypod</skos:hiddenLabel>
    <skos:broader rdf:resource="urn:v:bronze"/>
    <skos:broaderTransitive rdf:resource="urn:v:nowhere"/>
    <skos:notation>V.1</skos:notation>
    <skos:scopeNote xml:lang="en">A ding on three legs.</skos:scopeNote>
    <skos:definition xml:lang="en">Cast in piece moulds.</skos:definition>
    <skos:exactMatch rdf:resource="https://other.example/7"/>
    <skos:broadMatch rdf:resource="https://other.example/2"/>
    <skos:inScheme rdf:resource="urn:v:scheme"/>
  </skos:Concept>
  <skos:Concept rdf:about="urn:v:bronze">
    <skos:prefLabel xml:lang="en">bronze object</skos:prefLabel>
    <skos:inScheme rdf:resource="urn:v:scheme"/>
  </skos:Concept>
</rdf:RDF>
"""

JSON_LD = """{
  "@context": {"skos": "http://www.w3.org/2004/02/skos/core#", "v": "urn:v:",
               "label": {"@id": "skos:prefLabel", "@container": "@language"}},
  "@graph": [
    {"@id": "v:vessel", "@type": "skos:Concept", "label": {"en": "vessel", "zh-Hans": "容器"},
     "skos:topConceptOf": {"@id": "v:scheme"}, "skos:narrower": {"@id": "v:tripod"}},
    {"@id": "v:tripod", "@type": "skos:Concept", "label": {"en": "tripod", "zh-Hant": "圓鼎"},
     "skos:altLabel": [{"@value": "round ding", "@language": "en"},
                       {"@value": "yuan ding", "@language": "zh-Latn-pinyin"}],
     "skos:hiddenLabel": {"@value": "trypod", "@language": "en"},
     "skos:broader": {"@id": "v:bronze"}, "skos:notation": "V.1",
     "skos:scopeNote": {"@value": "A ding on three legs.", "@language": "en"},
     "skos:definition": {"@value": "Cast in piece moulds.", "@language": "en"},
     "skos:exactMatch": {"@id": "https://other.example/7"}, "skos:broadMatch": {"@id": "https://other.example/2"},
     "skos:inScheme": {"@id": "v:scheme"}},
    {"@id": "v:bronze", "@type": "skos:Concept", "label": {"en": "bronze object"},
     "skos:inScheme": {"@id": "v:scheme"}}
  ]
}
"""

_TRIPLES = """
vessel a Concept
vessel prefLabel "vessel"@en
vessel prefLabel "\\u5BB9\\u5668"@zh-Hans
vessel topConceptOf <urn:v:scheme>
vessel narrower <urn:v:tripod>
tripod a Concept
tripod prefLabel "tripod"@en
tripod prefLabel "圓鼎"@zh-Hant
tripod altLabel "round ding"@en
tripod altLabel "yuan ding"@zh-Latn-pinyin
tripod hiddenLabel "trypod"@en
tripod broader <urn:v:bronze>
tripod notation "V.1"
tripod scopeNote "A ding on three legs."@en
tripod definition "Cast in piece moulds."@en
tripod exactMatch <https://other.example/7>
tripod broadMatch <https://other.example/2>
tripod inScheme <urn:v:scheme>
bronze a Concept
bronze prefLabel "bronze object"@en
bronze inScheme <urn:v:scheme>
"""
_A = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.w3.org/2004/02/skos/core#Concept> ."


def _triple(line: str) -> str:
    subject, word, value = line.split(" ", 2)
    rest = _A if word == "a" else f"<http://www.w3.org/2004/02/skos/core#{word}> {value} ."
    return f"<{V}{subject}> {rest}"


N_TRIPLES = "\n".join(_triple(line) for line in _TRIPLES.strip().splitlines())

SYNTAXES = {
    "v.ttl": TURTLE,
    "v.rdf": RDF_XML,
    "v.xml": RDF_XML,
    "v.jsonld": JSON_LD,
    "v.json": JSON_LD,
    "v.nt": N_TRIPLES,
}
"""File name -> text."""

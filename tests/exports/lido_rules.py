"""What LIDO 1.1 says about the elements that Sherd writes, as an XML Schema: their order, number and attributes."""

from __future__ import annotations

from pathlib import Path

_CONCEPT = "conceptID* term*"
_RIGHTS = "rightsType* creditLine*"
_CONTENT = {
    "lidoWrap": "lido+",
    "lido": "lidoRecID+ objectPublishedID* descriptiveMetadata+ administrativeMetadata+",
    "descriptiveMetadata": "objectClassificationWrap objectIdentificationWrap eventWrap? objectRelationWrap?",
    "objectClassificationWrap": "objectWorkTypeWrap classificationWrap?",
    "objectWorkTypeWrap": "objectWorkType+",
    "classificationWrap": "classification*",
    "objectIdentificationWrap": "titleWrap repositoryWrap? objectDescriptionWrap? objectMaterialsTechWrap?",
    "titleWrap": "titleSet+",
    "titleSet": "appellationValue+ sourceAppellation*",
    "objectDescriptionWrap": "objectDescriptionSet*",
    "objectDescriptionSet": "descriptiveNoteID* descriptiveNoteValue*",
    "objectMaterialsTechWrap": "objectMaterialsTechSet*",
    "objectMaterialsTechSet": "displayMaterialsTech* materialsTech*",
    "materialsTech": "termMaterialsTech* extentMaterialsTech*",
    "eventWrap": "eventSet*",
    "eventSet": "displayEvent* event?",
    "event": "eventType roleInEvent* culture* eventDate? periodName* eventMaterialsTech*",
    "eventDate": "displayDate* date?",
    "objectRelationWrap": "subjectWrap? relatedWorksWrap?",
    "subjectWrap": "subjectSet*",
    "subjectSet": "displaySubject* subject?",
    "subject": "extentSubject* subjectConcept*",
    "administrativeMetadata": "rightsWorkWrap? recordWrap resourceWrap?",
    "rightsWorkWrap": "rightsWorkSet*",
    "rightsWorkSet": _RIGHTS,
    "rightsResource": _RIGHTS,
    "recordWrap": "recordID+ recordType recordSource+",
    "recordSource": "legalBodyID* legalBodyName*",
    "legalBodyName": "appellationValue+",
    "resourceWrap": "resourceSet*",
    "resourceSet": "resourceID* resourceRepresentation* resourceType? rightsResource*",
    "resourceRepresentation": "linkResource resourceMeasurementsSet*",
    "resourceMeasurementsSet": "measurementType+ measurementUnit+ measurementValue",
    **dict.fromkeys(
        ("objectWorkType", "classification", "termMaterialsTech", "eventType", "culture", "periodName",
         "subjectConcept", "recordType", "rightsType"),
        _CONCEPT,
    ),
}  # fmt: skip
_TEXT = "xml:lang encodinganalog label"
_IDENTIFIER = "pref type! source encodinganalog label"
_ATTRIBUTES = {
    "lidoWrap": "relatedencoding",
    "lido": "relatedencoding sortorder",
    "descriptiveMetadata": "xml:lang!",
    "administrativeMetadata": "xml:lang!",
    "term": f"pref addedSearchTerm {_TEXT}",
    "appellationValue": f"pref {_TEXT}",
    "linkResource": f"pref formatResource {_TEXT}",
    "resourceSet": "sortorder",
    **dict.fromkeys(("conceptID", "lidoRecID", "recordID", "resourceID", "objectPublishedID"), _IDENTIFIER),
    **dict.fromkeys(
        ("objectWorkType", "classification", "termMaterialsTech", "periodName", "subject", "rightsType"), "type"
    ),
}
_OCCURS = {"*": 'minOccurs="0" maxOccurs="unbounded"', "+": 'maxOccurs="unbounded"', "?": 'minOccurs="0"'}
_SIMPLE = {"addedSearchTerm": "lido:yesNo", "sortorder": "xs:integer"}


def write_rules(folder: Path) -> Path:
    """lido.xsd in `folder`, with the schema of xml:lang beside it."""
    names = dict.fromkeys([*_CONTENT, *(child.rstrip("*+?") for some in _CONTENT.values() for child in some.split())])
    attributes = dict.fromkeys(one.rstrip("!") for some in _ATTRIBUTES.values() for one in some.split())
    text = "".join(_element(name) for name in names) + "".join(
        f'<xs:attribute name="{name}" type="{_SIMPLE.get(name, "xs:string")}"/>'
        for name in dict.fromkeys([*attributes, *_TEXT.split()])
        if ":" not in name
    )
    (folder / "lido.xsd").write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:lido="http://www.lido-schema.org"'
        ' targetNamespace="http://www.lido-schema.org" elementFormDefault="qualified">'
        '<xs:import namespace="http://www.w3.org/XML/1998/namespace" schemaLocation="xml.xsd"/>'
        '<xs:simpleType name="yesNo"><xs:restriction base="xs:string"><xs:enumeration value="yes"/>'
        f'<xs:enumeration value="no"/></xs:restriction></xs:simpleType>{text}</xs:schema>',
        "utf-8",
    )
    (folder / "xml.xsd").write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="http://www.w3.org/XML/1998/namespace">'
        '<xs:attribute name="lang" type="xs:language"/></xs:schema>',
        "utf-8",
    )
    return folder / "lido.xsd"


def _element(name: str) -> str:
    parents = name in _CONTENT
    allowed = _ATTRIBUTES.get(name, "" if parents else _TEXT)
    held = ""
    for one in allowed.split():
        attribute = one.rstrip("!") if ":" in one else f"lido:{one.rstrip('!')}"
        must = ' use="required"' if one.endswith("!") else ""
        held += f'<xs:attribute ref="{attribute}"{must}/>'
    if not parents:
        kind = f'<xs:simpleContent><xs:extension base="xs:string">{held}</xs:extension></xs:simpleContent>'
    else:
        children = "".join(
            f'<xs:element ref="lido:{child.rstrip("*+?")}" {_OCCURS.get(child[-1], "")}/>'
            for child in _CONTENT[name].split()
        )
        kind = f"<xs:sequence>{children}</xs:sequence>{held}"
    return f'<xs:element name="{name}"><xs:complexType>{kind}</xs:complexType></xs:element>'

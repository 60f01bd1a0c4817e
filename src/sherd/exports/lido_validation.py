"""Checking LIDO files with an XML Schema that the user has; none comes with Sherd, and nothing is fetched."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sherd.errors import SourceError
from sherd.exports.lido import XSI, lxml_etree
from sherd.exports.lido_reading import read_elements

MAX_CHECKED_BYTES = 256 * 1024**2
MOST_FINDINGS = 100
_ADDRESS = re.compile(r"(?!file:)[A-Za-z][A-Za-z0-9+.-]+:")


def validate(file: Path, schema: Path) -> list[str]:
    """What an XML Schema finds wrong with a file, each as "line N: ..."; at most 100 findings.

    Args:
        schema: an .xsd, of LIDO 1.1 as a rule; what it imports must lie beside it.
    Raises:
        MissingExtra: lxml is not installed. SourceError: the file is no XML that may be read, or the schema is none.
    """
    etree = lxml_etree()
    for _ in read_elements(file, MAX_CHECKED_BYTES):  # refuses what is too large, too deep or has a DTD
        pass
    for _ in read_elements(schema, MAX_CHECKED_BYTES):
        pass
    checked = _load_schema(etree, schema)
    try:
        document = etree.parse(str(file), _parser(etree))
        for hint in ("schemaLocation", "noNamespaceSchemaLocation"):  # a file's own word on schemas is not followed
            for element in document.xpath(f"//*[@xsi:{hint}]", namespaces={"xsi": XSI}):
                del element.attrib[f"{{{XSI}}}{hint}"]
        checked.validate(document)
    except (OSError, etree.LxmlError) as error:
        raise SourceError(f"{file}: cannot be checked: {error}") from error
    return [f"line {one.line}: {one.message}" for one in checked.error_log][:MOST_FINDINGS]


def _parser(etree: Any) -> Any:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def _load_schema(etree: Any, path: Path) -> Any:
    wanted: list[str] = []

    class Local(etree.Resolver):  # type: ignore[misc]
        """Gives nothing for what is no file: the parser's own option does not reach what a schema imports."""

        def resolve(self, address: str, _: str, context: Any) -> Any:
            if not _ADDRESS.match(address):
                return None
            wanted.append(address)
            return self.resolve_empty(context)

    parser = _parser(etree)
    parser.resolvers.add(Local())
    try:
        return etree.XMLSchema(etree.parse(str(path), parser))
    except (OSError, etree.LxmlError) as error:
        far = f"; it wants {', '.join(wanted)}: put copies beside it and name those" if wanted else ""
        raise SourceError(f"{path}: is no XML Schema that can be used: {error}{far}") from error

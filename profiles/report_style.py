"""How the report's page looks: one column on a phone, two where there is room; light or dark."""

from __future__ import annotations

STYLE = """
:root {
  --paper: #ffffff; --ink: #1b1f24; --muted: #59636e; --grid: #d8dee4; --soft: #f4f6f8;
  --anon: #0072b2; --server: #d55e00; --children: #009e73; --kill: #a4003b; --waiting: #cc79a7;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181d; --ink: #e6e9ed; --muted: #9aa5b1; --grid: #343c46; --soft: #1d232a;
    --anon: #56b4e9; --server: #f28e4b; --children: #35c796; --kill: #ff7fa3; --waiting: #a8668a;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.35rem; line-height: 1.25; margin: .5rem 0 1rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
.result { font-size: 1.1rem; border-left: 4px solid var(--children); padding-left: .75rem; margin: 0 0 1rem; }
.result.unmet, .warning { border-color: var(--kill); }
.warning { border: 1px solid var(--kill); padding: .5rem .75rem; }
.note, .legend, figcaption { color: var(--muted); font-size: .875rem; }
figcaption b { color: var(--ink); font-size: 1rem; }
.key { display: inline-block; margin-right: 1rem; white-space: nowrap; }
.key svg, .key i { margin-right: .4rem; vertical-align: middle; }
i.kill { color: var(--kill); font-style: normal; font-weight: bold; }
i.kill::before { content: "\\2715"; }
.panels { display: grid; gap: 1.5rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
figure { margin: 0; }
figure svg * { stroke-linejoin: round; stroke-linecap: butt; }
figure svg { display: block; width: 100%; height: auto; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9375rem; }
th, td { padding: .3rem .75rem; border-bottom: 1px solid var(--grid); }
th, td { text-align: right; vertical-align: top; }
tbody th { text-align: left; font-weight: normal; color: var(--muted); padding-left: 0; }
dt { font-weight: 600; margin-top: .5rem; }
dd { margin: 0; overflow-wrap: anywhere; }
pre { background: var(--soft); padding: .75rem; overflow-x: auto; font-size: .8125rem; white-space: pre-wrap;
  overflow-wrap: anywhere; margin: 0; }
li { margin-bottom: .4rem; }
"""

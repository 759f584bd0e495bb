/** The style sheet of every page that the lab writes. */
export const REPORT_STYLE = `:root{color-scheme:light dark;--line:#8884;--card:#8881}
body{font:15px/1.5 system-ui,sans-serif;margin:0}main{max-width:66rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.5rem;margin:1.5rem 0 0}h2{font-size:1.1rem;margin:0 0 .3rem}header p{margin:.2rem 0 1rem;opacity:.8}
section,figure{margin:0;padding:1rem;border:1px solid var(--line);border-radius:10px}section{margin-top:1rem;overflow-x:auto}
.wide,.pair{display:grid;gap:1rem;margin-top:1rem}.pair{grid-template-columns:repeat(auto-fit,minmax(min(26rem,100%),1fr))}
svg{display:block;width:100%;height:auto;max-width:52rem;margin:0 auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}td,th{padding:.25rem .5rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
td:first-child,th:first-child{text-align:left}tr:last-child td{border-bottom:0}tbody tr:first-child{font-weight:600}
pre{margin:0;white-space:pre-wrap}ul{margin:0;padding-left:1.2rem}dl{margin:0;display:grid;grid-template-columns:minmax(9rem,max-content) 1fr;gap:.1rem 1rem}dd{margin:0;opacity:.8}@media(max-width:40rem){dl{grid-template-columns:1fr}dd{margin-bottom:.4rem}}.hidden{visibility:hidden}button{font:inherit;padding:.1rem .7rem;border-radius:6px;border:1px solid var(--line);background:var(--card);color:inherit;cursor:pointer}`

"""profile.html: one file that needs no network: tables that can be searched and sorted, pictures, light and dark.

Every text is escaped; the pictures are matplotlib's SVG, which escapes its own. A page of policy forbids anything but
its own styles and script.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files

from backbench.profiling.document import Profile
from backbench.profiling.pages.beside_published import beside
from backbench.profiling.pages.markdown import NOTE
from backbench.profiling.pages.plots import ALTERNATIVES
from backbench.profiling.pages.sentences import conditions_line, doubts_of, input_line
from backbench.profiling.pages.table import Table
from backbench.profiling.pages.tables import overview, tables_of
from backbench.report.units import plain_name

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
OPEN = ("Time by block", "Memory")  # tables that are unfolded when the page opens


def page_text(profiles: Sequence[Profile], depth: int, drawings: Mapping[str, Mapping[str, str]]) -> str:
    """`drawings`: cell id → picture's name → SVG."""
    names = ", ".join(dict.fromkeys(plain_name(profile.cell.model, 40) for profile in profiles))
    head = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
        f"<title>Profile: {escape(names)}</title><style>{asset('page.css')}</style></head><body>"
    )
    body = [
        f"<header><h1>Profile</h1><p>{escape(NOTE.replace('`', ''))}</p>{search_box()}{contents(profiles)}</header><main>",
        table_html(overview(profiles)),
        *(folded(table, unfolded=True) for table in beside(profiles)),
        *(section(profile, depth, drawings.get(profile.cell_id, {})) for profile in profiles),
        f"</main><script>{asset('page.js')}</script></body></html>\n",
    ]
    return "\n".join([head, *body])


def asset(name: str) -> str:
    return (files("backbench.profiling.pages") / name).read_text(encoding="utf-8")


def search_box() -> str:
    return (
        '<p><label for="search">Search all tables</label> '
        '<input id="search" type="search" placeholder="module, operator, …"> <output id="hits" for="search"></output></p>'
    )


def contents(profiles: Sequence[Profile]) -> str:
    links = "".join(
        f'<li><a href="#p-{escape(each.cell_id)}">{escape(plain_name(each.label))}</a></li>' for each in profiles
    )
    return f'<nav aria-label="Networks"><ul>{links}</ul></nav>' if len(profiles) > 1 else ""


def section(profile: Profile, depth: int, drawings: Mapping[str, str]) -> str:
    parts = [f'<section><h2 id="p-{escape(profile.cell_id)}">{escape(plain_name(profile.label))}</h2>']
    if profile.status != "ok":
        reason = f'<p class="failed"><strong>{escape(profile.status)}</strong>: {escape(str(profile.reason))}</p>'
        return "\n".join([*parts, reason, "</section>"])
    parts.append(f"<p>{escape(conditions_line(profile))}</p>")
    parts += paragraphs([line] if (line := input_line(profile)) else [])
    parts += [
        f'<figure role="img" aria-label="{escape(ALTERNATIVES[name])}">{drawn}</figure>'
        for name, drawn in drawings.items()
    ]
    parts += [folded(table, table.title in OPEN) for table in tables_of(profile, depth)]
    found = doubts_of(profile)
    parts += (
        [f"<h3>What to doubt</h3><ul>{''.join(f'<li>{escape(doubt)}</li>' for doubt in found)}</ul>"] if found else []
    )
    return "\n".join([*parts, "</section>"])


def folded(table: Table, unfolded: bool = False) -> str:
    """A table behind its title."""
    state = " open" if unfolded else ""
    return f"<details{state}><summary>{escape(table.title)}</summary>{table_html(table)}</details>"


def table_html(table: Table) -> str:
    heads = "".join(
        f'<th scope="col"{kind(numeric)}><button type="button">{escape(column)}</button></th>'
        for column, numeric in zip(table.columns, table.numeric, strict=True)
    )
    rows = "".join(row_html(row, table.numeric) for row in table.rows)
    made = f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    return made + "".join(paragraphs(table.lines))


def row_html(row: Iterable[str], numeric: Iterable[bool]) -> str:
    cells = (f"<td{kind(number)}{indent(text)}>{escape(text)}</td>" for text, number in zip(row, numeric, strict=True))
    return f"<tr>{''.join(cells)}</tr>"


def kind(numeric: bool) -> str:
    return ' class="n"' if numeric else ""


def indent(text: str) -> str:
    """Blanks in front show the depth of a module."""
    depth = (len(text) - len(text.lstrip(" "))) // 2
    return f' style="padding-left:{0.5 + depth * 1.1:.1f}em"' if depth else ""


def paragraphs(lines: Iterable[str]) -> list[str]:
    return [f"<p>{escape(line)}</p>" for line in lines]

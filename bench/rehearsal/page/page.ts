/**
 * One HTML file that opens offline: its style and its one small script are in it, and its policy lets
 * nothing be loaded and no other script run. All is there to read without the script.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { chartCss, hatch } from '../../support/chart.ts'
import { Markup, markup } from '../../support/markup.ts'

const read = (file: string) => readFileSync(new URL(file, import.meta.url), 'utf8')
const style = new Markup(`${chartCss}\n${read('page.css')}`)
const script = new Markup(read('hover.js'))
const scriptHash = createHash('sha256').update(script.text).digest('base64')
const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${scriptHash}'; base-uri 'none'; form-action 'none'`

export type Section = { readonly id: string; readonly title: string; readonly body: Markup }

export type Page = {
  readonly title: string
  readonly header: Markup
  readonly sections: readonly Section[]
  readonly footer: Markup
}

export function pageHtml({ title, header, sections, footer }: Page): string {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#${sections[0]?.id}">To the result</a>
${hatch}
<header>${header}</header>
<nav aria-label="Sections"><ul>${sections.map((one) => markup`<li><a href="#${one.id}">${one.title}</a></li>`)}</ul></nav>
<main>${sections.map((one) => markup`<section id="${one.id}" aria-labelledby="${one.id}-heading"><h2 id="${one.id}-heading">${one.title}</h2>${one.body}</section>`)}</main>
<footer>${footer}</footer>
<script>${script}</script>
</body>
</html>
`.text
}

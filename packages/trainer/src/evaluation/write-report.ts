import { readFile } from 'node:fs/promises'
import { dirname, join, parse } from 'node:path'
import { makeFolder, prettyJson, replaceFile } from '../files.ts'
import type { Evaluation } from './evaluate-models.ts'
import type { RelatedWork } from './related-work.ts'
import { RELATED_TITLE, relatedWorkSection } from './related-work-section.ts'
import { evaluationHtml } from './report-html.ts'
import { evaluationMarkdown } from './report-markdown.ts'
import { resultsPage } from './results-page.ts'

/** Writes report.json, report.md and report.html, each in one step. */
export async function writeEvaluation(folder: string, evaluation: Evaluation): Promise<void> {
  await makeFolder(folder)
  await replaceFile(join(folder, 'report.json'), prettyJson(evaluation))
  await replaceFile(join(folder, 'report.md'), evaluationMarkdown(evaluation))
  await replaceFile(join(folder, 'report.html'), evaluationHtml(evaluation))
}

/** Begins what of the page other commands have measured. */
const OTHER_MEASUREMENTS = '## Measured by other commands'

/**
 * Writes the page that sets the figures beside the claims of the paper, and its plots into the
 * folder `figures` beside it. What stands in it from `OTHER_MEASUREMENTS` on stays.
 * @param command the command line that makes it again.
 */
export async function writeResultsPage(
  file: string,
  evaluation: Evaluation,
  command: string,
): Promise<void> {
  await makeFolder(dirname(file))
  const { text, figures } = resultsPage(evaluation, command, parse(file).name)
  for (const [path, svg] of figures) {
    const figure = join(dirname(file), path)
    await makeFolder(dirname(figure))
    await replaceFile(figure, svg)
  }
  await replaceFile(file, `${text}${await measuredElsewhere(file)}`)
}

/** The end of a page that is there already; nothing of one that is not. */
async function measuredElsewhere(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const start = text.indexOf(`\n${OTHER_MEASUREMENTS}\n`)
  return start < 0 ? '' : text.slice(start)
}

/**
 * Writes the section of related work into the page of results, in the place of the one that is
 * there or at the end.
 * @param command the command line that makes it again.
 */
export async function writeRelatedWork(
  file: string,
  work: RelatedWork,
  command: string,
): Promise<void> {
  await makeFolder(dirname(file))
  const page = await readFile(file, 'utf8').catch(() => '')
  await replaceFile(file, withSection(page, relatedWorkSection(work, command)))
}

/** A page with a section that begins with `RELATED_TITLE`, where the measurements of other commands are. */
function withSection(page: string, section: string): string {
  const start = page.indexOf(`\n${RELATED_TITLE}\n`)
  if (start < 0) {
    const title = page.includes(`\n${OTHER_MEASUREMENTS}\n`) ? '' : `\n${OTHER_MEASUREMENTS}\n`
    return `${page.trimEnd()}\n${title}\n${section}\n`
  }
  const next = /\n#{1,3} /.exec(page.slice(start + 1))
  const rest = next === null ? '' : page.slice(start + 1 + next.index)
  return `${page.slice(0, start + 1)}${section}\n${rest}`
}

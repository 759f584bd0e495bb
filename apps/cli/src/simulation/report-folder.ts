import { access, constants, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CliError } from '../cli-error.ts'

/**
 * Before the first minute is spent.
 * @throws CliError `bad-file`, TrainerError `cannot-write` when no report can go there.
 */
export async function openReportFolder(folder: string | undefined): Promise<void> {
  if (folder === undefined) return
  const { makeFolder } = await import('@layerswarm/trainer')
  await makeFolder(folder)
  try {
    await access(folder, constants.W_OK)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'no access'
    throw new CliError(
      { code: 'bad-file', path: folder },
      `no report can be written to ${folder} (${code})`,
    )
  }
}

/** Writes the files of a report; nothing without a folder. */
export async function writeReportFiles(
  folder: string | undefined,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  if (folder === undefined) return
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
}

/** Breaks a text at its spaces into lines of at most `columns`; a longer word stays whole. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** The same behind a first text; all further lines begin below the end of that. */
export function wrapBehind(first: string, text: string, columns: number): string[] {
  const [head = '', ...rest] = wrap(text, columns - first.length)
  return [`${first}${head}`, ...rest.map((line) => `${' '.repeat(first.length)}${line}`)]
}

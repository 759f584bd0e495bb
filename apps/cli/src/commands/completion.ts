import { defineCommand } from '../line/command.ts'
import { completionScript, SHELLS } from '../line/completion.ts'
import { parseChoice } from '../line/option.ts'

/** `layerswarm completion`. A script for a shell, on stdout. */
export const completion = defineCommand({
  name: 'completion',
  summary: 'print a script that teaches a shell to complete commands and flags',
  begins: 'writing the script',
  usage: [SHELLS.join('|')],
  positionals: { min: 1, max: 1, placeholder: 'one SHELL', choices: SHELLS },
  options: {},
  examples: ['completion bash', 'completion zsh', 'completion fish'],
  async run({ positionals, commands, verbatim, emit }) {
    const shell = parseChoice(positionals[0] ?? '', SHELLS, 'SHELL')
    const script = await completionScript(shell, commands)
    verbatim(script.trimEnd())
    emit({ shell, script })
  },
})

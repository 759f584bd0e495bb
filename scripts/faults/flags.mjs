// The flags of the scripts of this folder.
import { parseArgs } from 'node:util'
import { endInOneLine } from './failure.mjs'

/** A number that need not be given. */
export const NUMBER = Symbol('a number')

/**
 * What was given, or what stands for it. A wrong flag is one line and ends the process with 2; what goes wrong later
 * is one line too, and ends it with 1.
 * @param known a number or a boolean for each flag stands for it; a list means one of these words, the first if none
 * is given; a text means any words.
 */
export function readFlags(known) {
  endInOneLine()
  try {
    return read(known)
  } catch (error) {
    // Node adds how an argument may be written that looks like a flag: there are none here.
    process.stderr.write(
      `${error.message.split('. ')[0]}; the flags stand at the top of the script\n`,
    )
    process.exit(2)
  }
}

/** Ends the process with 2 and one line where a number is smaller than it may be. @param least by flag. */
export function requireAtLeast(least, flags) {
  for (const [name, smallest] of Object.entries(least)) {
    if (flags[name] >= smallest) continue
    process.stderr.write(`--${name} is ${flags[name]} and must be at least ${smallest}\n`)
    process.exit(2)
  }
}

function read(known) {
  const options = Object.fromEntries(
    Object.entries(known).map(([name, usual]) => [
      name,
      { type: typeof usual === 'boolean' ? 'boolean' : 'string' },
    ]),
  )
  const { values } = parseArgs({ options })
  return Object.fromEntries(
    Object.entries(known).map(([name, usual]) => [name, readOne(name, values[name], usual)]),
  )
}

function readOne(name, given, usual) {
  if (Array.isArray(usual)) return given === undefined ? usual[0] : wordOf(name, given, usual)
  if (given === undefined) return usual === NUMBER ? undefined : usual
  return usual === NUMBER || typeof usual === 'number' ? numberOf(name, given) : given
}

function wordOf(name, given, words) {
  if (words.includes(given)) return given
  throw new Error(`--${name} is "${given}" and must be one of ${words.join(', ')}`)
}

function numberOf(name, given) {
  const number = Number(given)
  if (given.trim() !== '' && Number.isFinite(number) && number >= 0) return number
  throw new Error(`--${name} is "${given}" and must be a number from 0 on`)
}

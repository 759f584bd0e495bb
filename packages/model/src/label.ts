import { LABEL_LETTERS_MAX } from './limits.ts'

/**
 * What is wrong with the name of a class, in words that go on after its place; undefined for a good
 * one. A label is shown wherever an answer is: in a terminal a control character is a command.
 */
export function labelFault(label: unknown): string | undefined {
  if (typeof label !== 'string' || label.length < 1 || label.length > LABEL_LETTERS_MAX) {
    return `must be a text of 1 to ${LABEL_LETTERS_MAX} letters`
  }
  if (/\p{Surrogate}/u.test(label)) return 'holds half a surrogate pair'
  // U+0000 to U+001F and U+007F to U+009F.
  if (/\p{Cc}/u.test(label)) return 'holds a control character, such as a line break'
  return undefined
}

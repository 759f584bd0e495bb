/** Said under an answer about something that the model cannot know. */
export const NOVEL_LINE = 'UNLIKE ANYTHING I WAS TRAINED ON: the label is a guess'

/** How many of the answers that were judged said so; nothing where the release does not tell. */
export function novelLines(judged: number, novel: number): string[] {
  return judged === 0 ? [] : [`${novel} of ${judged} unlike anything the model was trained on`]
}

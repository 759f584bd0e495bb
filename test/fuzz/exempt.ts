/** Readers that need no target of their own, each with the reason. A test holds the list against the sources. */
export const EXEMPT: Readonly<Record<string, string>> = {
  // Reached only by way of a decoder that has a target.
  'packages/trainer/src/data/data-file.ts#readOptional':
    'gives the bytes of a file, and decodes nothing',
  'packages/peer/src/store/unnamed-file.node.ts#readSlice':
    'gives the bytes of a file, and decodes nothing',
  'apps/cli/src/files.ts#readBounded': 'gives the bytes of a file, and decodes nothing',
  'apps/cli/src/swarm/swarm-key.ts#readSwarmKey': 'reads a file for parseSwarmKey',
  'apps/cli/src/images/samples.ts#readSamples': 'reads two files for parseSamples',
  'packages/trainer/src/data/prepared-files.ts#readPictures':
    'gives files to a decoder that it is handed',
  'packages/trainer/src/data/prepared-files.ts#readOtherwise':
    'gives files to a decoder that it is handed',
  'packages/peer/src/images/decode.browser.ts#decodeImage':
    'the browser decodes; the twin for Node has a target',
  'apps/cli/src/release/evaluate-folders.ts#readTestImages':
    'gives files to the readers of data sets, which have targets',
  'packages/trainer/src/write-result.ts': "reads the version in the trainer's own package.json",
  'packages/trainer/src/torch.ts':
    'lines of a program that this one has started itself, to compare with',
  'apps/cli/src/bench/quiet-tab.ts':
    'what a browser that this one has started itself says of its tabs',
  'apps/cli/src/main.ts': "reads the version in the command's own package.json",
}

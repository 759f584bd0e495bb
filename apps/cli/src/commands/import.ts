import { SKIPPED_NAMES_MAX } from '../limits.ts'
import { defineCommand } from '../line/command.ts'
import { bare, requiredText, text } from '../line/option.ts'

/** `layerswarm import`. A checkpoint of Hugging Face becomes a model folder. */
export const importModel = defineCommand({
  name: 'import',
  summary: 'take over a ViT or DeiT of Hugging Face or timm',
  begins: 'reading the checkpoint',
  usage: ['HF_DIR --out DIR [--name NAME] [--drop-distillation]'],
  positionals: { min: 1, max: 1, placeholder: 'one HF_DIR' },
  options: {
    out: requiredText('DIR', 'receives model.safetensors, recipe.json and report.json'),
    name: text('NAME', "the model's name (the folder's)"),
    'drop-distillation': bare(
      'import a distilled DeiT without its distillation token, as a start for fine-tuning',
    ),
  },
  examples: [
    'import downloads/vit-base-patch16-224 --out runs/vit-base',
    'import downloads/deit-small-distilled --out runs/deit --drop-distillation',
  ],
  async run({ positionals, values, print, emit }) {
    const { importFolder } = await import('../release/import-folder.ts')
    const made = await importFolder(positionals[0] ?? '', {
      out: values.out,
      name: values.name,
      dropDistillation: values['drop-distillation'],
    })
    const { name, spec, parameters, isBackbone, skipped } = made
    print(`${name}: ${spec.variant}, ${spec.layers} layers, ${parameters} parameters`)
    if (skipped.length > 0) {
      const named = skipped.slice(0, SKIPPED_NAMES_MAX).join(', ')
      const rest = skipped.length > SKIPPED_NAMES_MAX ? ', …' : ''
      print(`${skipped.length} of its tensors are of no use here and left out: ${named}${rest}`)
    }
    if (isBackbone) {
      print(
        `it is a backbone, without a classifier: layerswarm train RECIPE --data DIR --from ${values.out} makes one for the classes of the data`,
      )
    } else if (spec.variant === 'sequential') {
      print('its layers must keep their order until it is fine-tuned for any')
    }
    emit({ out: values.out, ...made })
  },
})

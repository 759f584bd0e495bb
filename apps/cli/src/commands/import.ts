import { defineCommand } from '../line/command.ts'
import { bare, requiredText, text } from '../line/option.ts'

/** `layerswarm import`. A checkpoint of Hugging Face becomes a model folder. */
export const importModel = defineCommand({
  name: 'import',
  summary: 'take over a ViT or DeiT image classifier of Hugging Face',
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
    const { name, spec, parameters, modelHash } = await importFolder(positionals[0] ?? '', {
      out: values.out,
      name: values.name,
      dropDistillation: values['drop-distillation'],
    })
    print(`${name}: ${spec.variant}, ${spec.layers} layers, ${parameters} parameters`)
    if (spec.variant === 'sequential') {
      print('its layers must keep their order until it is fine-tuned for any')
    }
    emit({ name, out: values.out, spec, parameters, modelHash })
  },
})

/** Models that say what each pixel is (kind `semantic`): what model.json says of them, and the tensors of their one graph. Pure. */
import { z } from 'zod';
import { structuresOf, type SemanticModel } from '../../semantic/model.js';
import {
  commonFields,
  count,
  floats,
  golden,
  graph,
  input,
  maskSize,
  pixels,
  share,
  temperature,
  type GraphTensors,
} from './fields.js';

const unique = (entries: readonly { readonly name: string }[]): boolean =>
  new Set(entries.map(({ name }) => name)).size === entries.length;

/** Without a word of it: every picture is one that the network knows, and only its own probabilities say how sure it is. */
const verdict = z.object({
  view: z.string().nullable().default(null),
  quality: z.string().nullable().default(null),
  least: z
    .object({
      view: share.default(0.5),
      quality: share.default(0.7),
      probability: share.default(0.6),
    })
    .prefault({}),
});

const temporal = z.object({
  halfLifeMs: z.number().positive().default(60),
  change: z.number().positive().default(3),
  drift: z.number().positive().default(0.75),
  cell: count.max(64).default(4),
  gapMs: z.number().positive().default(250),
  scene: share.default(0.12),
});

const closer = z.object({
  margin: z.number().min(1).max(4).default(1.35),
  shift: share.default(0.08),
  zoom: z.number().min(1).default(1.15),
  classes: z.array(z.string()).min(1),
});

const semanticFields = z.object({
  ...commonFields,
  kind: z.literal('semantic'),
  /** `letterbox`: the network is fed the picture at its true shape, in the middle of black borders. */
  input: input.extend({ fit: z.enum(['stretch', 'letterbox']) }),
  /** Size of the pictures that a stream brings and of its masks, where it is not that of the input. */
  picture: z.object({ width: count.max(8192), height: count.max(8192) }).optional(),
  graphs: z.object({ segment: graph }),
  mask: maskSize,
  /** In the order of the logits. Labels are one byte, and the last of its values means "none". */
  classes: z
    .array(
      z.object({
        name: z.string().min(1),
        color: z.string().regex(/^#[0-9a-f]{6}$/i, 'must be a colour such as #3a7bd5'),
      }),
    )
    .min(1)
    .max(255)
    .refine(unique, 'names a class twice'),
  /** `softmax`: each pixel is of one class; `sigmoid`: of any number of them. */
  activation: z.enum(['softmax', 'sigmoid']),
  /** Of the class logits, before the activation. */
  calibration: temperature,
  /** Numbers about the whole picture, each an output of the graph: a `probability` comes as a calibrated logit, a `value` as it is. */
  scalars: z
    .array(
      z.discriminatedUnion('as', [
        z.object({
          name: z.string().min(1),
          as: z.literal('probability'),
          calibration: temperature,
        }),
        z.object({ name: z.string().min(1), as: z.literal('value') }),
      ]),
    )
    .refine(unique, 'names a number twice')
    .refine((scalars) => scalars.every(({ name }) => name !== 'logits'), 'cannot be called "logits"')
    .default([]),
  verdict: verdict.prefault({}),
  temporal: temporal.nullable().default(null),
  closer: closer.nullable().default(null),
  golden: golden(z.object({ logits: z.number().positive() }).catchall(z.number().positive())),
});

/** `view` is a probability by its meaning; a quality may also come as the value that it is. */
export const semanticManifest = semanticFields
  .refine(
    ({ verdict, scalars }) =>
      verdict.view === null || scalars.some(({ name, as }) => name === verdict.view && as === 'probability'),
    { error: 'must be one of the scalars, a probability', path: ['verdict', 'view'] },
  )
  .refine(
    ({ verdict, scalars }) =>
      verdict.quality === null || scalars.some(({ name }) => name === verdict.quality),
    { error: 'must be one of the scalars', path: ['verdict', 'quality'] },
  )
  .refine(({ closer, input }) => closer === null || input.fit === 'letterbox', {
    error: 'needs "input.fit": "letterbox"',
    path: ['closer'],
  })
  .refine(
    ({ closer, classes }) => {
      const names = structuresOf(classes).map(({ label }) => label);
      return closer === null || closer.classes.every((name) => names.includes(name));
    },
    { error: 'must be names of classes other than the background', path: ['closer', 'classes'] },
  );

export type SemanticManifest = z.infer<typeof semanticManifest>;

export function semanticTensors({ input, mask, classes, scalars }: SemanticManifest): {
  readonly segment: GraphTensors;
} {
  return {
    segment: {
      inputs: [pixels('frame', 1, input.height, input.width, 3)],
      outputs: [
        floats('logits', classes.length, mask.height, mask.width),
        ...scalars.map(({ name }) => floats(name, 1)),
      ],
    },
  };
}

export const semanticModel = ({ input, mask, picture, ...manifest }: SemanticManifest): SemanticModel => ({
  inputSize: { width: input.width, height: input.height },
  pictureSize: picture ?? { width: input.width, height: input.height },
  logitsSize: { width: mask.width, height: mask.height },
  fit: input.fit,
  classes: manifest.classes,
  structures: structuresOf(manifest.classes),
  activation: manifest.activation,
  calibration: manifest.calibration,
  scalars: manifest.scalars,
  verdict: manifest.verdict,
  temporal: manifest.temporal,
  closer: manifest.closer,
});

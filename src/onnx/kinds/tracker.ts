/** Models that follow objects (kind `tracker`): what model.json says of them, and the tensors of their two graphs. */
import { z } from 'zod';
import { promptChannels, type TrackerModel } from '../../tracking/model.js';
import { policyNames, type PolicyName } from '../../tracking/policies/index.js';
import type { Settings } from '../../tracking/policies/policy.js';
import { policies } from '../../tracking/policies/registry.js';
import {
  commonFields,
  count,
  floats,
  golden,
  graph,
  maskSize,
  objectsAxis,
  pixels,
  share,
  temperature,
  type GraphTensors,
} from './fields.js';

const ascending = (values: readonly number[]): boolean =>
  values.every((value, index) => index === 0 || value >= (values[index - 1] as number));

/**
 * The policy that is taken by default, and the settings of each: those of `gated`, the first policy, stand beside `default`,
 * those of any other under its name.
 */
const policy = z.looseObject({ default: z.enum(policyNames) }).transform((given, context) => {
  const settings = policies.map(({ name, settings }): [PolicyName, Settings] => {
    const fields = Object.entries(settings).map(([key, { min, max, whole, default: usual }]) => {
      const number = (whole === true ? z.int() : z.number()).min(min).max(max);
      return [key, usual === undefined ? number : number.default(usual)] as const;
    });
    const flat = name === 'gated';
    const parsed = z.object(Object.fromEntries(fields)).safeParse(flat ? given : (given[name] ?? {}));
    for (const issue of parsed.error?.issues ?? [])
      context.addIssue({
        code: 'custom',
        message: issue.message,
        path: flat ? issue.path : [name, ...issue.path],
      });
    return [name, parsed.data ?? {}];
  });
  return { default: given.default, settings: Object.fromEntries(settings) as Record<PolicyName, Settings> };
});

export const trackerManifest = z.object({
  ...commonFields,
  kind: z.literal('tracker'),
  graphs: z.object({ prompt: graph, track: graph }),
  /** `candidates`: masks that the network offers per object (K). */
  mask: maskSize.extend({ candidates: count.max(16).default(1) }),
  memory: z.object({
    slots: count.max(64),
    keyShape: z.tuple([count, count]),
    valueShape: z.tuple([count, count]),
    embeddingSize: count,
  }),
  promptChannels: z
    .array(z.enum(promptChannels))
    .length(promptChannels.length)
    .refine((names) => new Set(names).size === names.length, 'names a channel twice'),
  clickRadius: z.number().positive(),
  scribbleWidth: z.number().positive(),
  objects: z.object({ max: count.max(64) }),
  policy,
  calibration: z.object({
    confidence: z
      .object({ kind: z.literal('isotonic'), x: z.array(share).min(1), y: z.array(share).min(1) })
      .refine(({ x, y }) => x.length === y.length, 'x and y have different lengths')
      .refine(({ x, y }) => ascending(x) && ascending(y), 'x and y must ascend'),
    presence: temperature,
  }),
  golden: golden(z.object({ logits: z.number().positive(), iou: z.number().positive() })),
});

export type TrackerManifest = z.infer<typeof trackerManifest>;

/** The candidates have an axis of their own only where there are several. */
export function trackerTensors({ input, mask, memory }: TrackerManifest): {
  readonly prompt: GraphTensors;
  readonly track: GraphTensors;
} {
  const each = [objectsAxis, ...(mask.candidates === 1 ? [] : [mask.candidates])] as const;
  const frame = pixels('frame', 1, input.height, input.width, 3);
  const outputs = [
    floats('logits', ...each, mask.height, mask.width),
    floats('iou', ...each),
    floats('presence', objectsAxis),
    floats('key', ...memory.keyShape),
    floats('value', ...each, ...memory.valueShape),
    floats('embedding', memory.embeddingSize),
  ];
  const prompt = [
    frame,
    pixels('prompt', objectsAxis, promptChannels.length, input.height, input.width),
    floats('mask_given', objectsAxis),
  ];
  const track = [
    frame,
    floats('memory_key', objectsAxis, memory.slots, ...memory.keyShape),
    floats('memory_value', objectsAxis, memory.slots, ...memory.valueShape),
    floats('memory_score', objectsAxis, memory.slots),
    floats('memory_valid', objectsAxis, memory.slots),
  ];
  return { prompt: { inputs: prompt, outputs }, track: { inputs: track, outputs } };
}

export function trackerModel(manifest: TrackerManifest): TrackerModel {
  const { input, mask, memory, policy, calibration } = manifest;
  const product = ([rows, columns]: readonly [number, number]): number => rows * columns;
  const plane = (channel: (typeof promptChannels)[number]): number =>
    manifest.promptChannels.indexOf(channel);
  return {
    inputSize: { width: input.width, height: input.height },
    logitsSize: { width: mask.width, height: mask.height },
    candidates: mask.candidates,
    slots: memory.slots,
    keyLength: product(memory.keyShape),
    valueLength: product(memory.valueShape),
    embeddingLength: memory.embeddingSize,
    planes: {
      positive: plane('positive'),
      negative: plane('negative'),
      box: plane('box'),
      mask: plane('mask'),
    },
    clickRadius: manifest.clickRadius,
    scribbleWidth: manifest.scribbleWidth,
    maxObjects: manifest.objects.max,
    policy: { name: policy.default, settings: policy.settings },
    calibration: {
      confidence: { x: calibration.confidence.x, y: calibration.confidence.y },
      presence: { temperature: calibration.presence.temperature, bias: calibration.presence.bias },
    },
  };
}

/** The server's recordings over HTTP. Refusals become errors whose message is a sentence for people. */
import { z } from 'zod';
import { errorBodySchema, promptToWire } from '../../../src/protocol/requests.js';
import type { Prompt } from '../../../src/vocabulary/prompt.js';

const objectSchema = z.object({
  label: z.string(),
  prompts: z.array(z.object({ frame: z.number(), type: z.string() })),
});
const progressSchema = z.object({
  pass: z.enum(['backward', 'forward']),
  frames: z.number(),
  totalFrames: z.number().nullable(),
  sourceFrame: z.number(),
});

export const projectSchema = z.object({
  id: z.string(),
  name: z.string(),
  uri: z.string(),
  createdUnixMs: z.number(),
  format: z
    .object({
      size: z.object({ width: z.number(), height: z.number() }),
      framesPerSecond: z.number().nullable(),
      frameCount: z.number().nullable(),
      description: z.string(),
    })
    .nullable(),
  pictures: z.object({ frames: z.number(), complete: z.boolean(), problem: z.string().nullable() }),
  objects: z.array(objectSchema),
  run: z.discriminatedUnion('phase', [
    z.object({ phase: z.literal('idle') }),
    z.object({
      phase: z.literal('running'),
      what: z.enum(['tracking', 'export']),
      progress: progressSchema.nullable(),
    }),
    z.object({ phase: z.literal('failed'), code: z.string(), message: z.string() }),
  ]),
  upToDate: z.boolean(),
  exports: z.array(z.object({ name: z.string(), formats: z.array(z.string()) })),
});
export type ProjectInfo = z.infer<typeof projectSchema>;

const masksSchema = z.object({
  frame: z.number(),
  size: z.object({ width: z.number(), height: z.number() }).nullable(),
  objects: z.array(
    z.object({
      label: z.string(),
      state: z.enum(['searching', 'tracking', 'uncertain', 'lost']),
      confidence: z.number(),
      counts: z.string(),
    }),
  ),
});
export type FrameMasks = z.infer<typeof masksSchema>;

const lanesSchema = z.object({
  lanes: z.array(
    z.object({
      label: z.string(),
      states: z.array(z.number()),
      confidences: z.array(z.number()),
    }),
  ),
});
export type LaneInfo = z.infer<typeof lanesSchema>['lanes'][number];

function address(path: string, query: Readonly<Record<string, string>> = {}): string {
  const parameters = new URLSearchParams(query);
  const text = parameters.toString();
  return `api/projects${path}${text === '' ? '' : `?${text}`}`;
}

async function call<Schema extends z.ZodType>(
  schema: Schema,
  path: string,
  options: {
    readonly body?: unknown;
    readonly method?: string;
    readonly query?: Record<string, string>;
  } = {},
): Promise<z.output<Schema>> {
  const { body, query } = options;
  const response = await fetch(address(path, query), {
    method: options.method ?? (body === undefined ? 'GET' : 'POST'),
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  const value: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    const refused = errorBodySchema.safeParse(value);
    throw new Error(refused.success ? refused.data.message : 'The server did not do that.');
  }
  return schema.parse(value);
}

export const api = {
  list: async (): Promise<readonly ProjectInfo[]> =>
    (await call(z.object({ projects: z.array(projectSchema) }), '')).projects,
  open: (uri: string): Promise<ProjectInfo> => call(projectSchema, '', { body: { uri } }),
  state: (id: string): Promise<ProjectInfo> => call(projectSchema, `/${id}`),
  remove: (id: string): Promise<unknown> => call(z.unknown(), `/${id}`, { method: 'DELETE' }),
  pictureAddress: (id: string, frame: number, width?: number): string =>
    address(`/${id}/frames/${frame}`, width === undefined ? {} : { width: String(width) }),
  masks: (id: string, frame: number): Promise<FrameMasks> => call(masksSchema, `/${id}/masks/${frame}`),
  lanes: async (id: string, buckets: number): Promise<readonly LaneInfo[]> =>
    (await call(lanesSchema, `/${id}/lanes`, { query: { buckets: String(buckets) } })).lanes,
  prompt: async (
    id: string,
    frame: number,
    label: string | null,
    prompt: Prompt,
  ): Promise<{ readonly label: string; readonly project: ProjectInfo }> =>
    call(z.object({ label: z.string(), project: projectSchema }), `/${id}/prompts`, {
      body: { frame, label, prompts: [promptToWire(prompt)] },
    }),
  act: (
    id: string,
    action: 'undo' | 'rename' | 'remove' | 'propagate' | 'cancel' | 'export',
    body: unknown = {},
  ): Promise<ProjectInfo> => call(projectSchema, `/${id}/${action}`, { body }),
  exportAddress: (id: string, name: string): string => address(`/${id}/exports/${name}.tar`),
};

/** Whether pictures of a patient are being written to the server's disk for this project: wherever that is so, the badge says it. */
export function writesPictures({ pictures }: ProjectInfo): boolean {
  return !pictures.complete && pictures.problem === null;
}

/**
 * Recordings that are worked on in the dashboard (projects): every operation, the shape of a project's state, and the topic
 * that carries it. Pure; shared with the browser.
 */
import { z } from 'zod';
import { exportFormats } from '../vocabulary/export-format.js';
import type { OperationShape, TransferShape } from './operation.js';
import { labelSchema as label, promptsSchema } from './prompt-schema.js';
import { objectStateSchema, size, sourceFormatSchema, uri } from './requests.js';

/** What a lane shows, by its number on the wire: 0 nothing known, then by how much a person should look. */
export const laneStates = ['none', 'tracking', 'searching', 'uncertain', 'lost'] as const;
export type LaneState = (typeof laneStates)[number];
export const laneCode = (state: LaneState): number => laneStates.indexOf(state);

export const largestThumbnail = 640;
export const mostLaneBuckets = 4000;

const project = z
  .string()
  .regex(/^[a-z0-9-]{1,80}$/)
  .describe('id of the project');
/** A whole number, as a number or (where it stands in an address) as text. Nothing else is taken for one: null is not 0. */
function whole(least: number, most: number) {
  const number = z.number().int().min(least).max(most);
  return z.union([
    number,
    z
      .string()
      .regex(/^\d{1,10}$/)
      .transform(Number)
      .pipe(number),
  ]);
}
const frame = whole(0, 1e8).describe('picture, counted from 0');

export const projectSchema = z.object({
  id: z.string(),
  name: z.string(),
  uri: z.string(),
  createdUnixMs: z.number(),
  format: sourceFormatSchema.nullable(),
  pictures: z.object({
    frames: z.number().describe('that can be had now'),
    complete: z.boolean(),
    problem: z.string().nullable(),
  }),
  objects: z.array(
    z.object({
      label: z.string(),
      prompts: z.array(z.object({ frame: z.number(), type: z.enum(['click', 'box', 'scribble', 'mask']) })),
    }),
  ),
  run: z.discriminatedUnion('phase', [
    z.object({ phase: z.literal('idle') }),
    z.object({
      phase: z.literal('running'),
      what: z.enum(['tracking', 'export']),
      progress: z
        .object({
          pass: z.enum(['backward', 'forward']),
          frames: z.number().describe('done in this pass'),
          totalFrames: z.number().nullable(),
          sourceFrame: z.number(),
          objects: z.array(
            z.object({
              label: z.string(),
              state: objectStateSchema,
              score: z.number(),
              confidence: z.number(),
            }),
          ),
        })
        .nullable(),
    }),
    z.object({ phase: z.literal('failed'), code: z.string(), message: z.string() }),
  ]),
  upToDate: z.boolean().describe('the masks are those of the prompts as they are now'),
  exports: z.array(z.object({ name: z.string(), formats: z.array(z.string()) })),
});
export type ProjectState = z.infer<typeof projectSchema>;

/** Carries a ProjectEvent at every change of any project. */
export const projectsTopic = '/projects';
export const projectEventSchema = z.object({
  id: z.string(),
  state: projectSchema.nullable().describe('null: the project has been deleted'),
});
export type ProjectEvent = z.infer<typeof projectEventSchema>;

const one = z.object({ project });

/** Answers with the state that the change has left. */
function change<Request extends z.ZodType>(path: string, summary: string, request: Request) {
  return {
    method: 'POST',
    path: `/projects/:project/${path}`,
    summary,
    needs: 'mark',
    request,
    response: projectSchema,
  } as const;
}

export const projectOperations = {
  'projects.list': {
    method: 'GET',
    path: '/projects',
    summary: 'Recordings that are worked on, newest first',
    needs: 'view',
    request: z.object({}),
    response: z.object({ projects: z.array(projectSchema) }),
  },
  'projects.open': {
    method: 'POST',
    path: '/projects',
    summary: 'Open a file, folder or recording on the server as a project',
    needs: 'manage',
    request: z
      .object({ uri, stream: z.string().max(128).nullish().describe('of a recording; left out: its first') })
      .strict(),
    response: projectSchema,
  },
  'projects.get': {
    method: 'GET',
    path: '/projects/:project',
    summary: 'State of a project; reading its pictures goes on where it was interrupted',
    needs: 'view',
    request: one,
    response: projectSchema,
  },
  'projects.remove': {
    method: 'DELETE',
    path: '/projects/:project',
    summary: 'Delete a project with its results; the recording itself stays',
    needs: 'manage',
    request: one,
    response: z.object({}),
  },
  'projects.masks': {
    method: 'GET',
    path: '/projects/:project/masks/:frame',
    summary: 'Tracked masks of one picture',
    needs: 'view',
    request: z.object({ project, frame }),
    response: z.object({
      frame: z.number(),
      size: size.nullable().describe('null: this picture has not been tracked'),
      objects: z.array(
        z.object({
          label: z.string(),
          state: objectStateSchema,
          score: z.number(),
          confidence: z.number(),
          areaPx: z.number(),
          counts: z.string().describe('COCO compressed run lengths'),
        }),
      ),
    }),
  },
  'projects.lanes': {
    method: 'GET',
    path: '/projects/:project/lanes',
    summary: 'State and confidence of each object over the whole recording',
    needs: 'view',
    request: z.object({
      project,
      buckets: whole(1, mostLaneBuckets).default(800),
    }),
    response: z.object({
      lanes: z.array(
        z.object({
          label: z.string(),
          states: z
            .array(z.number())
            .describe(
              `worst state of each bucket: ${laneStates.map((name, code) => `${code} ${name}`).join(', ')}`,
            ),
          confidences: z.array(z.number()).describe('lowest of each bucket, 0 to 100'),
        }),
      ),
    }),
  },
  'projects.prompt': {
    method: 'POST',
    path: '/projects/:project/prompts',
    summary: 'Point at an object on any picture: a new one (label null) or one that is known',
    needs: 'mark',
    request: z
      .object({
        project,
        frame,
        label: label.nullable().default(null),
        prompts: promptsSchema,
      })
      .strict(),
    response: z.object({ label: z.string(), project: projectSchema }),
  },
  'projects.undo': change('undo', 'Take back the last prompt', one),
  'projects.rename': change(
    'rename',
    'Give an object another name',
    z.object({ project, label, name: label }).strict(),
  ),
  'projects.removeObject': change(
    'remove',
    'Remove an object and its prompts',
    z.object({ project, label }).strict(),
  ),
  'projects.propagate': change('propagate', 'Track all objects both ways; answers when it has begun', one),
  'projects.cancel': change(
    'cancel',
    'End the tracking or export that is running; tracking goes on from there later',
    one,
  ),
  'projects.export': change(
    'export',
    'Write the tracked masks in these formats; answers when it has begun',
    z
      .object({
        project,
        formats: z
          .array(z.enum(exportFormats))
          .min(1)
          .transform((formats) => [...new Set(formats)]),
      })
      .strict(),
  ),
} as const satisfies Record<string, OperationShape>;

export const projectTransfers = {
  'projects.picture': {
    method: 'GET',
    path: '/projects/:project/frames/:frame',
    summary: 'One picture, or (with a width) a small copy of it',
    needs: 'view',
    request: z.object({
      project,
      frame,
      width: whole(16, largestThumbnail).optional().describe('pixels'),
    }),
    takes: null,
    answers: 'image/jpeg',
  },
  'projects.archive': {
    method: 'GET',
    path: '/projects/:project/exports/:name',
    summary: 'The files of an export in one archive, for example export-1.tar',
    needs: 'view',
    request: z.object({ project, name: z.string() }),
    named: 'name',
    takes: null,
    answers: 'application/x-tar',
    noted: true,
  },
} as const satisfies Record<string, TransferShape>;

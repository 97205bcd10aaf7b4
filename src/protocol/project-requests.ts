/**
 * Recordings that are worked on in the dashboard (projects): every operation, the shape of a project's state, and the topic
 * that carries it. Pure; shared with the browser.
 */
import { z } from 'zod';
import { echoViews } from '../vocabulary/echo.js';
import { exportFormats } from '../vocabulary/export-format.js';
import { beatSchema, figureSchema, holdMoments } from './hold-requests.js';
import type { OperationShape, TransferShape } from './operation.js';
import { labelSchema as label, promptSchema, promptsSchema, soundMaskSchema } from './prompt-schema.js';
import { whole } from './request-parts.js';
import { objectStateSchema, uri } from './requests.js';
import { sizeSchema as size, sourceFormatSchema } from './source-format.js';

/** What a lane shows, by its number on the wire: 0 nothing known, then by how much a person should look. */
export const laneStates = ['none', 'tracking', 'searching', 'uncertain', 'lost'] as const;
export type LaneState = (typeof laneStates)[number];
export const laneCode = (state: LaneState): number => laneStates.indexOf(state);

export const largestThumbnail = 640;
export const mostLaneBuckets = 4000;
/** Points of a curve and beats in one answer; corrections of one project. */
export const mostCurvePoints = 4000;
export const mostBeatsTold = 500;
export const mostCorrections = 1000;
/** Marks of one project: its whole state goes to every viewer. */
export const mostMarks = 5000;
export const mostUncertain = 500;
/** Changes that can be taken back. */
export const mostUndo = 100;

/** What speaks for a recording as the other view of a heart, most first. */
export const partnerNearness = ['name', 'study', 'folder', 'none'] as const;
export type PartnerNearness = (typeof partnerNearness)[number];

const view = z.enum(echoViews).describe('apical view: a4c four-chamber, a2c two-chamber');

const project = z
  .string()
  .regex(/^[a-z0-9-]{1,80}$/)
  .meta({ description: 'id of the project', examples: ['case-1'] });
const frame = whole(0, 1e8).describe('picture, counted from 0');

const mark = whole(1, 1e9).describe('number of the mark in the project');
const numbers = z.array(z.number());

/** One mark as it is listed: with its place, but without the pixels of a mask, which "projects.masks" has. */
const markSchema = z.object({
  id: z.number().int().describe('stays when the mark is moved; never used again'),
  frame: z.number(),
  type: z.enum(['click', 'box', 'scribble', 'mask']),
  author: z.enum(['person', 'import']),
  atUnixMs: z
    .number()
    .nullable()
    .describe('when it was given or moved last; null: by a version that did not note it'),
  tracked: z.boolean().describe('the masks on disk follow it; false: marked, not tracked yet'),
  point: numbers.optional().describe('x, y of a click, source pixels'),
  box: numbers.optional().describe('x0, y0, x1, y1 of a box, and around a mask; source pixels'),
  points: z.array(numbers).optional().describe('x, y of each point of a stroke, source pixels'),
  positive: z.boolean().optional().describe('of a click or stroke; false: this is not part of the object'),
});

/** What was done to a project, for "undo" and "redo": the page has the words. */
export const changeKinds = [
  'add',
  'move',
  'removeMark',
  'repair',
  'import',
  'hide',
  'show',
  'lock',
  'unlock',
  'rename',
  'removeObject',
  'correct',
] as const;
export type ChangeKind = (typeof changeKinds)[number];

const changeSchema = z
  .object({
    kind: z.enum(changeKinds),
    label: z.string().nullable().describe('of the object concerned; null: of several, or of none'),
  })
  .nullable();

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
      hidden: z.boolean().describe('not drawn by the page; tracked, measured and exported all the same'),
      locked: z.boolean().describe('marks, repairs and tracking do not change it'),
      color: z.string().nullable().describe('#rrggbb of imported masks; null: the page chooses'),
      prompts: z.array(markSchema).describe('in the order in which they were given'),
    }),
  ),
  undo: changeSchema.describe('what "projects.undo" takes back; null: nothing'),
  redo: changeSchema.describe('what "projects.redo" does again; null: nothing'),
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
  exportable: z
    .boolean()
    .describe('"projects.export" has what it needs: nothing but drawn masks was changed since the run'),
  upToDate: z.boolean().describe('the masks are those of the prompts as they are now'),
  finder: z
    .string()
    .nullable()
    .describe(
      'model that finds its structures by itself: nothing is marked; null: what is marked is followed',
    ),
  measuresHeart: z
    .boolean()
    .describe('beats are measured: "projects.measurements" answers, and corrections are taken'),
  corrections: z.number().describe('how many a person has made'),
  pair: z
    .object({ partner: z.string().describe('id of the project with the other view'), view })
    .nullable()
    .describe(
      'what is measured from two views, and which of them this recording shows; null: it is measured alone',
    ),
  exports: z.array(
    z.object({
      name: z.string(),
      formats: z.array(z.string()),
      bytes: z.number().nullable().describe('of all its files; null: made by an older version'),
      folder: z.string().describe('on the server'),
    }),
  ),
});
export type ProjectState = z.infer<typeof projectSchema>;

/** Carries a ProjectEvent at every change of any project. */
export const projectsTopic = '/projects';
export const projectEventSchema = z.object({
  id: z.string(),
  state: projectSchema.nullable().describe('null: the project has been deleted'),
});
export type ProjectEvent = z.infer<typeof projectEventSchema>;

const sameRecordings = z.array(
  z.object({
    id: z.string(),
    name: z.string(),
    how: z.enum(['place', 'bytes']).describe('the very same place, or another file with the same bytes'),
  }),
);

const one = z.object({ project });

const finder = z
  .string()
  .max(128)
  .nullable()
  .meta({
    description: 'name of a model of "projects.list"; null: what is marked is followed',
    examples: ['echo-lv'],
  });
const beat = whole(1, 1e6).describe('number of the beat in the recording');

const corrections = {
  moment: { kind: z.literal('moment'), beat, which: z.enum(holdMoments), frame },
  accept: { kind: z.literal('accept'), beat, accepted: z.boolean() },
  add: {
    kind: z.literal('add'),
    endDiastole: frame,
    endSystole: frame,
    nextEndDiastole: frame.describe('picture of the end-diastole that ends the beat'),
  },
  contour: { kind: z.literal('contour'), frame, label: label.describe('of the structure') },
} as const;

/** What a person says of the beats that were found, or of an outline. */
export const correctionSchema = z.discriminatedUnion('kind', [
  z.strictObject(corrections.moment),
  z.strictObject(corrections.accept),
  z.strictObject(corrections.add),
  z.strictObject({ ...corrections.contour, mask: soundMaskSchema.describe('at the size of the picture') }),
]);
export type Correction = z.infer<typeof correctionSchema>;

const given = { author: z.literal('person'), atUnixMs: z.number() };
/** As it is listed: without the mask, which "projects.masks" has. */
const listedCorrectionSchema = z.discriminatedUnion('kind', [
  z.object({ ...corrections.moment, ...given }),
  z.object({ ...corrections.accept, ...given }),
  z.object({ ...corrections.add, ...given }),
  z.object({ ...corrections.contour, ...given }),
]);

const momentSchema = z
  .object({
    frame: z.number().int(),
    timeSeconds: z.number(),
    corrected: z.boolean().describe('a person has moved it, or has drawn its outline'),
  })
  .nullable()
  .describe('null: it was not found');

const measuredBeatSchema = beatSchema
  .omit({ endDiastolePtsNs: true, endSystolePtsNs: true, nextEndDiastolePtsNs: true })
  .extend({
    number: z.number().int().describe('of the beat in the recording: what corrections name'),
    endDiastole: momentSchema,
    endSystole: momentSchema,
    nextEndDiastole: momentSchema,
    rejection: z.string().nullable().describe('code of the reason; null: it counts, or there is no code'),
    corrected: z.boolean().describe('a person has changed anything about it'),
    added: z.boolean().describe('by a person'),
  });

const pointSchema = z.object({
  frame: z.number().int(),
  timeSeconds: z.number(),
  area: z.number().nullable(),
  length: z.number().nullable(),
  volume: z.number().nullable(),
  state: z.enum(laneStates).describe('of the left ventricle'),
  quality: figureSchema.shape.quality.nullable().describe('of the volume; null: nothing was measured'),
  corrected: z.boolean().describe('a person has drawn an outline on this picture'),
});

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

const shownObjectSchema = z.object({
  label: z.string(),
  state: objectStateSchema,
  score: z.number(),
  confidence: z.number(),
  areaPx: z.number(),
  counts: z.string().describe('COCO compressed run lengths'),
  corrected: z.boolean().describe('a person has drawn it'),
  marked: z.boolean().describe('from the marks on this picture alone: not tracked yet'),
});

/** What a change of marks leaves on the picture that it was made on. */
const markedSchema = z.object({
  label: z.string(),
  mark: z
    .number()
    .int()
    .nullable()
    .describe('number of the mark (the last of several); null: it was removed'),
  frame: z.number(),
  size: size.nullable().describe('of the mask'),
  object: shownObjectSchema
    .nullable()
    .describe('its mask on this picture, from all its marks there; null: it has none, or see "problem"'),
  problem: z
    .object({ code: z.string(), message: z.string() })
    .nullable()
    .describe('why there is no mask although the mark was kept; tracking may still have one'),
  project: projectSchema,
});

const importWishes = {
  label: label
    .nullish()
    .describe(
      'name of the one object, or the word before the numbers of several; left out: what the file says',
    ),
  frame: frame.nullish().describe('picture that a single mask is of; left out: what the file says'),
  batch: z
    .string()
    .max(64)
    .optional()
    .describe('imports in a row with the same are taken back together; for example one per file of a folder'),
};

/** What has become of the masks of a file. */
const importedSchema = z.object({
  labels: z.array(z.string()).describe('objects that have got masks'),
  masks: z.number().describe('taken'),
  frames: z.number().describe('pictures that they are of'),
  left: z
    .object({
      otherSize: z.number(),
      unknownPicture: z.number(),
      empty: z.number(),
      locked: z.number().describe('of locked objects'),
    })
    .describe('masks that were not taken, by the reason'),
  project: projectSchema,
});

function marking<Request extends z.ZodType>(path: string, summary: string, request: Request) {
  return {
    method: 'POST',
    path: `/projects/:project/${path}`,
    summary,
    needs: 'mark',
    request,
    response: markedSchema,
  } as const;
}

export const projectOperations = {
  'projects.list': {
    method: 'GET',
    path: '/projects',
    summary: 'Recordings that are worked on, newest first',
    needs: 'view',
    request: z.object({}),
    response: z.object({
      projects: z.array(projectSchema),
      finders: z
        .array(
          z.object({
            name: z.string(),
            finds: z.array(z.string()).describe('names of the structures'),
            measuresHeart: z.boolean().describe('for example "echo: find the left ventricle"'),
          }),
        )
        .describe('models that find their structures by themselves'),
    }),
  },
  'projects.open': {
    method: 'POST',
    path: '/projects',
    summary: 'Open a file, folder or recording on the server as a project',
    needs: 'manage',
    request: z
      .object({
        uri,
        stream: z.string().max(128).nullish().describe('of a recording; left out: its first'),
        finder: finder.default(null),
      })
      .strict(),
    response: projectSchema,
  },
  'projects.find': {
    method: 'POST',
    path: '/projects/find',
    summary:
      'Projects that were made from this recording: from the same place, or from a file with the same bytes',
    needs: 'manage',
    request: z.object({ uri }).strict(),
    response: z.object({ projects: sameRecordings }),
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
      objects: z.array(shownObjectSchema),
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
  'projects.uncertain': {
    method: 'GET',
    path: '/projects/:project/uncertain',
    summary:
      'Pictures on which tracking was least sure, lowest first, one of each stretch; without those that are marked, corrected or seen',
    needs: 'view',
    request: z.object({
      project,
      apart: whole(1, 1e6).default(25).describe('least distance, pictures'),
      count: whole(1, mostUncertain).default(20),
    }),
    response: z.object({
      pictures: z.array(
        z.object({
          frame: z.number(),
          label: z.string().describe('of the object that is least sure there'),
          state: z.enum(laneStates),
          confidence: z.number().describe('0 to 100'),
        }),
      ),
    }),
  },
  'projects.seen': change(
    'seen',
    'Say that a picture has been looked at: it is no longer among the uncertain ones, until it is tracked anew',
    z.object({ project, frame }).strict(),
  ),
  'projects.importFrom': {
    method: 'POST',
    path: '/projects/:project/import-from',
    summary:
      'Take masks of a file or folder on the server as marks: PNG, COCO, DICOM segmentation, or an export',
    needs: 'manage',
    request: z.object({ project, path: uri, ...importWishes }).strict(),
    response: importedSchema,
  },
  'projects.prompt': marking(
    'prompts',
    'Point at an object on any picture: a new one (label null) or one that is known; answers with its mask there',
    z
      .object({
        project,
        frame,
        label: label.nullable().default(null),
        prompts: promptsSchema.describe(
          'a mask replaces the marks of this object on this picture, other marks add to them',
        ),
      })
      .strict(),
  ),
  'projects.repair': marking(
    'repair',
    'Give the mask of an object on one picture as it was drawn; it is shown and exported at once, and tracking goes on from it',
    z
      .object({
        project,
        frame,
        label,
        mask: soundMaskSchema.meta({
          description: 'at the size of the picture',
          examples: [{ size: [4, 6], counts: '522000003' }],
        }),
      })
      .strict(),
  ),
  'projects.moveMark': marking(
    'marks/move',
    'Give one mark other coordinates; answers with the mask that follows',
    z.object({ project, mark, prompt: promptSchema.describe('of the same type') }).strict(),
  ),
  'projects.removeMark': marking(
    'marks/remove',
    'Remove one mark; an object without marks goes',
    z.object({ project, mark }).strict(),
  ),
  'projects.finder': change(
    'finder',
    'Choose who outlines: a model that finds its structures by itself, or (null) what is marked is followed; refused once there are marks or corrections',
    z.object({ project, finder }).strict(),
  ),
  'projects.measurements': {
    method: 'GET',
    path: '/projects/:project/measurements',
    summary: 'Curve and beats of a heart, corrected as a person has said; also of a run that is under way',
    needs: 'view',
    request: z.object({
      project,
      from: whole(0, 1e8).default(0).describe('first picture'),
      to: whole(0, 1e8).default(1e8).describe('last picture'),
      points: whole(2, mostCurvePoints).default(1200).describe('most points of the curve'),
    }),
    response: z.object({
      units: z.object({ length: z.string(), area: z.string(), volume: z.string() }),
      calibrated: z.boolean(),
      frames: z.number().describe('pictures measured so far in the whole recording'),
      curve: z
        .array(pointSchema)
        .describe(
          'where there are more pictures than points: of each stretch the smallest and the largest volume',
        ),
      beats: z
        .array(measuredBeatSchema)
        .describe('that overlap the range, by time, also those that do not count'),
      beatsLeftOut: z
        .number()
        .describe(`an answer has ${mostBeatsTold} beats at most: ask for a shorter range`),
      summary: z
        .object({
          beats: z.number().describe('that count, in the whole recording'),
          rejected: z.number(),
          corrected: z.boolean().describe('by hand; the notes say so too'),
          ejectionFraction: figureSchema,
          endDiastolicVolume: figureSchema,
          endSystolicVolume: figureSchema,
          heartRate: figureSchema,
        })
        .describe('medians of all beats that count, or no value and the reason'),
      biplane: z
        .object({
          view,
          partner: z.string(),
          ejectionFraction: figureSchema,
          endDiastolicVolume: figureSchema,
          endSystolicVolume: figureSchema,
        })
        .nullable()
        .describe('from both views, or no value and the reason; null: it has no partner'),
      corrections: z.array(listedCorrectionSchema).describe('in the order in which they were given'),
    }),
  },
  'projects.partners': {
    method: 'GET',
    path: '/projects/:project/partners',
    summary: 'Recordings that may show the other view of this heart, the most likely first',
    needs: 'view',
    request: one,
    response: z.object({
      partners: z.array(
        z.object({
          project: z.string(),
          name: z.string(),
          near: z
            .enum(partnerNearness)
            .describe(
              'what speaks for it: names that differ in the view alone, one study, one folder, nothing',
            ),
          view: view.nullable().describe('of the recording that was asked for, where its name says it'),
        }),
      ),
    }),
  },
  'projects.pair': change(
    'pair',
    'Say which recording shows the other view of this heart (null: none), and which view this one shows; volumes and ejection fraction of both are biplane',
    z
      .object({
        project,
        partner: project.nullable().describe('the recording with the other view; null: it is measured alone'),
        view: view.default('a4c'),
      })
      .strict(),
  ),
  'projects.correct': change(
    'corrections',
    'Correct a beat or an outline of a heart; beats, exports and what is re-exported follow',
    z.object({ project, correction: correctionSchema }).strict(),
  ),
  'projects.undo': change('undo', 'Take back the last change, as "undo" of the state says', one),
  'projects.redo': change('redo', 'Make the change again that was taken back last', one),
  'projects.hide': change(
    'hide',
    'Draw an object no longer, or again; it is tracked and exported all the same',
    z.object({ project, label, hidden: z.boolean() }).strict(),
  ),
  'projects.lock': change(
    'lock',
    'Keep an object as it is: marks, repairs and tracking do not change it',
    z.object({ project, label, locked: z.boolean() }).strict(),
  ),
  'projects.rename': change(
    'rename',
    'Give an object another name',
    z.object({ project, label, name: label.meta({ examples: ['liver'] }) }).strict(),
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
  'projects.import': {
    method: 'POST',
    path: '/projects/:project/import',
    summary:
      'Send masks that become marks: a PNG, COCO file, DICOM segmentation, or a tar of them such as an export; the body is the file',
    needs: 'mark',
    request: z.object({
      project,
      filename: z
        .string()
        .max(1024)
        .meta({ description: 'of the file; a number in it is that of the picture', examples: ['00012.png'] }),
      ...importWishes,
    }),
    named: 'filename',
    takes: 'application/octet-stream',
    answers: importedSchema,
  },
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
    request: z.object({ project, name: z.string().meta({ examples: ['export-1.tar'] }) }),
    named: 'name',
    takes: null,
    answers: 'application/x-tar',
    noted: true,
  },
} as const satisfies Record<string, TransferShape>;

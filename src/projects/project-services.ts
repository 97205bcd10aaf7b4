/** The operations on projects as rows of the server's table, and the topic that pushes their state. Runs in the main process. */
import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { map } from 'rxjs';
import sharp from 'sharp';
import {
  projectEventSchema,
  projectOperations,
  projectsTopic,
  projectTransfers,
} from '../protocol/project-requests.js';
import type { ProjectState } from '../protocol/project-requests.js';
import { defineServices, defineTransfer } from '../server/index.js';
import type { CallContext, Row, Topic } from '../server/index.js';
import type { Project } from './project.js';
import { toldBiplane, toldMeasurements } from './told-measurements.js';
import type { Projects, Wished } from './projects.js';

export function projectServices(projects: Projects): readonly Row[] {
  const awake = async (id: string, { asker }: CallContext): Promise<Project> => {
    const project = await projects.get(id);
    await projects.wake(project, asker);
    return project;
  };
  /** Answers with the state that the change has left. */
  const change =
    <Question extends { readonly project: string }>(
      make: (project: Project, question: Question) => Promise<unknown>,
    ) =>
    async (question: Question, context: CallContext): Promise<ProjectState> => {
      const project = await awake(question.project, context);
      await make(project, question);
      return project.state;
    };
  /** Answers with the mask that a change of marks has left, and with the state. */
  const marking =
    <Question extends { readonly project: string }, Answer extends object>(
      make: (project: Project, question: Question) => Promise<Answer>,
    ) =>
    async (
      question: Question,
      context: CallContext,
    ): Promise<Answer & { readonly project: ProjectState }> => {
      const project = await awake(question.project, context);
      const answer = await make(project, question);
      return { ...answer, project: project.state };
    };
  const services = defineServices(projectOperations, {
    'projects.list': async () => ({
      projects: await projects.list(),
      finders: (await projects.finders()).map(({ name, finds, measuresHeart }) => ({
        ...{ name, finds: [...finds], measuresHeart },
      })),
    }),
    'projects.open': async ({ uri, stream, finder }, { asker }) =>
      (await projects.open(uri, stream ?? null, finder, asker)).state,
    'projects.find': async ({ uri }, { asker }) => ({ projects: [...(await projects.find(uri, asker))] }),
    'projects.get': async ({ project }, context) => (await awake(project, context)).state,
    'projects.remove': async ({ project }) => {
      await projects.remove(project);
      return {};
    },
    'projects.masks': async ({ project, frame }) => ({
      frame,
      ...(await (await projects.get(project)).shown(frame)),
    }),
    'projects.lanes': async ({ project, buckets }) => {
      const { masks, pictures, tracked } = await projects.get(project);
      const lanes = await masks.lanes(pictures.frames, buckets);
      return { lanes: lanes.filter(({ label }) => tracked.has(label)) };
    },
    'projects.prompt': marking((project, { frame, label, prompts }) => project.prompt(frame, label, prompts)),
    'projects.repair': marking((project, { frame, label, mask }) => project.repair(frame, label, mask)),
    'projects.moveMark': marking((project, { mark, prompt }) => project.moveMark(mark, prompt)),
    'projects.removeMark': marking((project, { mark }) => project.removeMark(mark)),
    'projects.uncertain': async ({ project, apart, count }) => ({
      pictures: await (await projects.get(project)).uncertain(apart, count),
    }),
    'projects.seen': change((project, { frame }) => project.see(frame)),
    'projects.importFrom': async ({ project: id, path, ...wishes }, context) => {
      const project = await awake(id, context);
      const taken = await projects.importFrom(project, path, wished(wishes));
      return { ...taken, project: project.state };
    },
    'projects.finder': change((project, { finder }) => project.choose(finder)),
    'projects.measurements': async ({ project, ...range }) => {
      const own = await projects.get(project);
      const { measured, corrections, calibrated } = await own.measurements();
      const { pair } = own.state;
      const biplane = await projects.biplane(own);
      return {
        ...toldMeasurements(measured, corrections, calibrated, range),
        biplane: biplane && pair && { ...pair, ...toldBiplane(biplane) },
      };
    },
    'projects.correct': change((project, { correction }) => project.correct(correction)),
    'projects.undo': change((project) => project.undo()),
    'projects.redo': change((project) => project.redo()),
    'projects.hide': change((project, { label, hidden }) => project.hide(label, hidden)),
    'projects.lock': change((project, { label, locked }) => project.lock(label, locked)),
    'projects.rename': change((project, { label, name }) => project.rename(label, name)),
    'projects.removeObject': change((project, { label }) => project.removeObject(label)),
    'projects.propagate': change((project) => project.propagate()),
    'projects.cancel': change((project) => project.cancel()),
    'projects.partners': async ({ project }) => {
      const own = await projects.get(project);
      return { partners: projects.partners(own) };
    },
    'projects.pair': change((project, { partner, view }) => projects.pair(project, partner, view)),
    'projects.export': change((project, { formats }) => projects.export(project, formats)),
  });
  const picture = defineTransfer(
    'projects.picture',
    projectTransfers['projects.picture'],
    async ({ project, frame, width }, context) => {
      const whole = await (await awake(project, context)).pictures.picture(frame);
      const bytes =
        width === undefined ? whole : await sharp(whole).resize({ width }).jpeg({ quality: 75 }).toBuffer();
      return { body: Buffer.from(bytes) };
    },
  );
  const archive = defineTransfer(
    'projects.archive',
    projectTransfers['projects.archive'],
    async ({ project: id, name: file }, { asker }) => {
      const name = file.replace(/\.tar$/, '');
      const body = await (await projects.get(id)).exports.archive(name, asker);
      return { body, headers: { 'content-disposition': `attachment; filename="${id}-${name}.tar"` } };
    },
  );
  const imported = defineTransfer(
    'projects.import',
    projectTransfers['projects.import'],
    async ({ project: id, filename, ...wishes }, context) => {
      const project = await awake(id, context);
      const { file } = context;
      const stored = await projects.imports.store(
        filename,
        file?.stream ?? Readable.from([]),
        file?.bytes ?? null,
      );
      try {
        const taken = await projects.importMasks(project, stored.path, basename(filename), wished(wishes));
        return { body: { ...taken, project: project.state } };
      } finally {
        await rm(stored.path, { force: true });
      }
    },
  );
  return [...services, picture, archive, imported];
}

const wished = ({
  label,
  frame,
  batch,
}: {
  readonly label?: string | null | undefined;
  readonly frame?: number | null | undefined;
  readonly batch?: string | undefined;
}): Wished => ({ label: label ?? null, frame: frame ?? null, batch });

/** A new subscriber gets nothing at once: it asks for what it shows (`projects.list`, `projects.get`). */
export function projectsTopicOf(projects: Projects): Topic {
  return {
    topic: projectsTopic,
    schemaName: 'sonoscope.ProjectEvent',
    schema: projectEventSchema,
    changes$: projects.changes$.pipe(map(({ id, event }) => ({ slot: id, value: event }))),
    latest: () => [],
  };
}

/**
 * The server's projects for the page. What changes a project goes over the socket, where answers and pushed states arrive in
 * their order. What is large (pictures, masks, lanes) goes over HTTP, so that it does not stand in the way of live pictures.
 * Refusals are errors whose message is a sentence for people.
 */
import { operations } from '../../../src/protocol/operations.js';
import type { OperationName, RequestOf, ResponseOf } from '../../../src/protocol/operations.js';
import {
  projectEventSchema,
  projectsTopic,
  projectTransfers,
} from '../../../src/protocol/project-requests.js';
import type { ProjectEvent, ProjectState } from '../../../src/protocol/project-requests.js';
import type { z } from 'zod';
import { errorBodySchema } from '../../../src/protocol/requests.js';
import type { PaintingWorker } from '../app/painting-worker.js';
import { serverText, t } from '../core/texts.js';

export type FrameMasks = Pick<ResponseOf<'projects.masks'>, 'frame' | 'size' | 'objects'>;
export type LaneInfo = ResponseOf<'projects.lanes'>['lanes'][number];

/** Address of a GET below the page: fields of the question in the path, the others as the query. */
function addressOf(path: string, question: Readonly<Record<string, unknown>>): string {
  const rest = new Map(Object.entries(question).filter(([, value]) => value !== undefined));
  const filled = path.replace(/:(\w+)/g, (_, name: string) => {
    const value = String(rest.get(name));
    rest.delete(name);
    return encodeURIComponent(value);
  });
  const query = new URLSearchParams([...rest].map(([name, value]) => [name, String(value)])).toString();
  return `api${filled}${query === '' ? '' : `?${query}`}`;
}

/** The sentence of a refusal. */
function refusalIn(value: unknown): string {
  const refused = errorBodySchema.safeParse(value);
  return refused.success ? refused.data.message : t('The server did not do that.');
}

async function get<Name extends OperationName>(
  name: Name,
  question: RequestOf<Name>,
): Promise<ResponseOf<Name>> {
  const { path, response: schema } = operations[name];
  const response = await fetch(addressOf(path, question));
  const value: unknown = await response.json().catch(() => null);
  if (!response.ok) throw new Error(refusalIn(value));
  return schema.parse(value) as ResponseOf<Name>;
}

export function masksOf(project: string, frame: number): Promise<FrameMasks> {
  return get('projects.masks', { project, frame });
}

/** The whole recording in this many parts. */
const laneBuckets = 800;

export async function lanesOf(project: string): Promise<readonly LaneInfo[]> {
  return (await get('projects.lanes', { project, buckets: laneBuckets })).lanes;
}

/** Nearer to each other pictures are one place to look at. */
const apartPictures = 25;

/** Least certain first; without those that were marked or looked at. */
export async function uncertainOf(project: string): Promise<ResponseOf<'projects.uncertain'>['pictures']> {
  return (await get('projects.uncertain', { project, apart: apartPictures, count: 1 })).pictures;
}

export type Imported = z.infer<(typeof projectTransfers)['projects.import']['answers']>;

/** Sends a file whose masks become marks. `frame`: of a single mask whose name has no number. */
export async function importMasks(
  project: string,
  file: File,
  wishes: { readonly frame: number | undefined; readonly label: string | undefined; readonly batch: string },
): Promise<Imported> {
  const { path, method, answers } = projectTransfers['projects.import'];
  const response = await fetch(addressOf(path, { project, filename: file.name, ...wishes }), {
    ...{ method, body: file, headers: { 'content-type': 'application/octet-stream' } },
  });
  const value: unknown = await response.json().catch(() => null);
  if (!response.ok) throw new Error(refusalIn(value));
  return answers.parse(value);
}

/** Points of the curve in one answer: about one per pixel of a wide screen. */
const curvePoints = 2000;

export function measurementsOf(
  project: string,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<ResponseOf<'projects.measurements'>> {
  return get('projects.measurements', { project, from, to, points: curvePoints });
}

export async function partnersOf(project: string): Promise<ResponseOf<'projects.partners'>['partners']> {
  return (await get('projects.partners', { project })).partners;
}

export function pictureAddress(project: string, frame: number, width?: number): string {
  return addressOf(projectTransfers['projects.picture'].path, { project, frame, width });
}

export function exportAddress(project: string, name: string): string {
  return addressOf(projectTransfers['projects.archive'].path, { project, name: `${name}.tar` });
}

/** `listener` hears every change of any project. Returns how to end it. */
export function watchProjects(worker: PaintingWorker, listener: (event: ProjectEvent) => void): () => void {
  return worker.watchTopic(projectsTopic, (value) => {
    const event = projectEventSchema.safeParse(value);
    if (event.success) listener(event.data);
  });
}

/** Whether pictures of a patient are being written to the server's disk for this project: wherever that is so, the badge says it. */
export function writesPictures({ pictures }: ProjectState): boolean {
  return !pictures.complete && pictures.problem === null;
}

/** What went wrong, in the language of the page. */
export function sentence(error: unknown): string {
  return serverText(error instanceof Error ? error.message : String(error));
}

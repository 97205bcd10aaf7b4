/**
 * How an operation is described: its HTTP address, the right that it needs, the shape of question and answer. Tables of such
 * rows are what server, dashboard and the OpenAPI page agree on. Pure; shared with the browser.
 */
import type { z } from 'zod';

/**
 * What a caller may be allowed to do. `view`: see pictures, outlines and results. `mark`: point at objects, and what follows
 * from that. `manage`: choose sources, record, store and delete.
 */
export const rights = ['view', 'mark', 'manage'] as const;
export type Right = (typeof rights)[number];

interface Described {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below /api. A part like `:project` is the field of that name of the question. */
  readonly path: string;
  readonly summary: string;
  readonly needs: Right;
  /** An object. Over HTTP its fields come from the path, then the query (GET, DELETE) or the JSON body (POST). */
  readonly request: z.ZodType;
  /** Changes what a live room shows, follows or records: recordings that are played refuse it, and their servers do not list it. */
  readonly live?: true;
  /** The field that holds the name of a file; the log shows it. */
  readonly named?: string;
}

/** Question and answer are JSON: offered as a Foxglove service and over HTTP. */
export interface OperationShape extends Described {
  readonly response: z.ZodType;
}

/** A file or a page goes one way or the other: offered over HTTP alone. */
export interface TransferShape extends Described {
  /** Content type of the body that is sent as a stream, null: the question is like that of an operation. */
  readonly takes: string | null;
  /** Content type of the answer, or the schema of a JSON answer. */
  readonly answers: string | z.ZodType;
  /** A GET that leaves a line in the log all the same, because it hands results out. */
  readonly noted?: boolean;
}

/** Whether a file is sent with the question. */
export const takesFile = (row: OperationShape | TransferShape): boolean =>
  'takes' in row && row.takes !== null;

/** Content type of an answer that is no JSON, else null. */
export const fileAnswer = (row: OperationShape | TransferShape): string | null =>
  'answers' in row && typeof row.answers === 'string' ? row.answers : null;

type Table = Readonly<Record<string, OperationShape>>;

/** What a client sends (defaults may be left out). */
export type RequestIn<Rows extends Table, Name extends keyof Rows> = z.input<Rows[Name]['request']>;
export type ResponseIn<Rows extends Table, Name extends keyof Rows> = z.output<Rows[Name]['response']>;

/** The one error class that leaves a module: a stable code, a sentence a nurse could read aloud, a cause for the engineer. */

/** Every code, its exit code for the CLI and its sentence. docs/errors.md is tested against this table. */
export interface ErrorDefinition {
  /** Process exit code when this error ends a command: 2 wrong use or input, 3 source, 4 model, 5 environment. */
  readonly exitCode: 2 | 3 | 4 | 5;
  /** HTTP status when this error answers a request. */
  readonly httpStatus: 400 | 401 | 403 | 404 | 408 | 409 | 410 | 413 | 422 | 429 | 500 | 503 | 507;
  /** One plain sentence; {name} is replaced from the error's details. */
  readonly sentence: string;
}

export class SonoError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly definition: ErrorDefinition;
  readonly details: Readonly<Record<string, string | number>>;

  constructor(
    code: Code,
    definition: ErrorDefinition,
    details: Readonly<Record<string, string | number>> = {},
    cause?: unknown,
  ) {
    super(
      definition.sentence.replace(/\{(\w+)\}/g, (_, name: string) => String(details[name] ?? '?')),
      cause === undefined ? undefined : { cause },
    );
    this.name = 'SonoError';
    this.code = code;
    this.definition = definition;
    this.details = details;
  }
}

type Code = `SONO_${string}`;

/** Rows of a table with one exit code, by HTTP status: to every code its sentence. */
const ending =
  (exitCode: ErrorDefinition['exitCode']) =>
  <Codes extends Code>(
    httpStatus: ErrorDefinition['httpStatus'],
    sentences: Readonly<Record<Codes, string>>,
  ) =>
    Object.fromEntries(
      Object.entries<string>(sentences).map(([code, sentence]) => [code, { exitCode, httpStatus, sentence }]),
    ) as Readonly<Record<Codes, ErrorDefinition>>;

export const wrongUse = ending(2);
export const sourceFails = ending(3);
export const modelFails = ending(4);
export const environmentFails = ending(5);

/**
 * Each layer declares its codes once (`<layer>/errors.ts`) and gets a typed constructor:
 * `export const ingestError = errorFactory({ ...sourceFails(404, { SONO_SOURCE_MISSING: '…' }) })` →
 * `throw ingestError('SONO_SOURCE_MISSING', { path })`.
 */
export function errorFactory<Table extends Readonly<Record<Code, ErrorDefinition>>>(table: Table) {
  const create = <Name extends keyof Table & string>(
    code: Name,
    details?: Readonly<Record<string, string | number>>,
    cause?: unknown,
  ): SonoError<Name> => new SonoError(code, table[code] as ErrorDefinition, details, cause);
  return Object.assign(create, { table });
}

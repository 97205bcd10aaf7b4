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

type ErrorTable = Readonly<Record<`SONO_${string}`, ErrorDefinition>>;

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

/**
 * Each layer declares its codes once (`<layer>/errors.ts`) and gets a typed constructor:
 * `export const ingestError = errorFactory({ SONO_SOURCE_MISSING: {...} })` →
 * `throw ingestError('SONO_SOURCE_MISSING', { path })`.
 */
export function errorFactory<Table extends ErrorTable>(table: Table) {
  const create = <Code extends keyof Table & string>(
    code: Code,
    details?: Readonly<Record<string, string | number>>,
    cause?: unknown,
  ): SonoError<Code> => new SonoError(code, table[code] as ErrorDefinition, details, cause);
  return Object.assign(create, { table });
}

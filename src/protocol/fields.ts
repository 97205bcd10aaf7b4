/**
 * The fields of a question as options of a command line, made from the schema of its operation: names, types in words, text to
 * value, value to text, and an example. Pure; for the command `call` and the page of the HTTP interface.
 */
import { z } from 'zod';
import type { OperationShape, TransferShape } from './operation.js';

/** The part of JSON Schema that the tables of operations use. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly minimum?: number;
  readonly pattern?: string;
  readonly default?: unknown;
  readonly description?: string;
  readonly examples?: readonly unknown[];
}

export interface Field {
  /** As it stands in the question, for example `positionMs`. */
  readonly name: string;
  /** As an option without its dashes, for example `position-ms`. */
  readonly option: string;
  /** What is to be written, for example `n` or `true|false`. */
  readonly type: string;
  readonly description: string;
  readonly required: boolean;
  /** Options that stand for one kind of entry, where the field is a choice between kinds (`--click 640,360`). */
  readonly kinds: readonly FieldKind[];
  /** Text of the command line → value of the question; what is of another kind is left as text, for the schema to refuse. */
  readonly parse: (text: string) => unknown;
  /** The other way round. */
  readonly format: (value: unknown) => string;
}

interface FieldKind {
  readonly option: string;
  readonly type: string;
  readonly description: string;
  /** Several may be given, and make a list. */
  readonly repeats: boolean;
  /** `640,360 positive=false` → `{ type: 'click', point: [640, 360], positive: false }`. */
  readonly parse: (text: string) => unknown;
  /** The other way round; null: the value is of another kind. */
  readonly format: (value: unknown) => string | null;
}

type Row = Pick<OperationShape | TransferShape, 'request'>;

function schemaOf(row: Row): Schema {
  return z.toJSONSchema(row.request, { io: 'input', unrepresentable: 'any' }) as Schema;
}

export function fieldsOf(row: Row): readonly Field[] {
  const { properties = {}, required = [] } = schemaOf(row);
  return Object.entries(properties).map(([name, schema]) => {
    const kinds = kindsOf(schema);
    return {
      name,
      option: dashed(name),
      type: wordsOf(schema),
      description: describe(schema),
      // A choice of kinds is asked for by its own options as well; the schema says when none was given.
      required: required.includes(name) && kinds.length === 0,
      kinds,
      parse: (text) => parse(schema, text),
      format: (value) => format(schema, value),
    };
  });
}

/** A question that the schema takes: what it requires, from the examples that stand in it. */
export function exampleOf(row: Row): Readonly<Record<string, unknown>> {
  const schema = schemaOf(row);
  return {
    ...(exampleValue({ ...schema, examples: [] }) as Record<string, unknown>),
    ...(schema.examples?.[0] as Record<string, unknown> | undefined),
  };
}

const dashed = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The alternatives of a schema, without null. */
function choices(schema: Schema): readonly Schema[] {
  if (Array.isArray(schema.type))
    return (schema.type as readonly string[])
      .filter((type) => type !== 'null')
      .map((type) => ({ ...schema, type }));
  return (schema.anyOf ?? schema.oneOf ?? [schema]).filter(({ type }) => type !== 'null');
}

const isNullable = ({ type, anyOf }: Schema): boolean =>
  (Array.isArray(type) && type.includes('null')) || (anyOf?.some((one) => one.type === 'null') ?? false);

/** The one alternative that counts: a number that may also stand as text is a number. */
function plain(schema: Schema): Schema {
  const all = choices(schema).flatMap((one) => (one === schema ? [one] : choices(one)));
  return all.find(({ type }) => type === 'number' || type === 'integer') ?? all[0] ?? schema;
}

function wordsOf(schema: Schema): string {
  const one = plain(schema);
  const words = ((): string => {
    if (one.enum) return one.enum.map(String).join('|');
    if (one.prefixItems) return one.prefixItems.map(() => 'n').join(',');
    switch (one.type) {
      case 'boolean':
        return 'true|false';
      case 'integer':
      case 'number':
        return 'n';
      case 'string':
        return 'text';
      case 'array':
        return one.items?.enum ? `${one.items.enum.map(String).join('|')},…` : 'json';
      default:
        return 'json';
    }
  })();
  return isNullable(schema) ? `${words}|null` : words;
}

function describe(schema: Schema): string {
  const text = schema.description ?? plain(schema).description ?? '';
  const silent = [undefined, null, '', '{}'].includes(
    typeof schema.default === 'object' ? JSON.stringify(schema.default) : (schema.default as string),
  );
  return silent || schema.default === null
    ? text
    : `${text} (default: ${JSON.stringify(schema.default)})`.trim();
}

function parse(schema: Schema, text: string): unknown {
  if (text === 'null' && isNullable(schema)) return null;
  const one = plain(schema);
  if (one.enum) return text;
  if (one.prefixItems) return text.split(',').map((part) => parse(one.prefixItems?.[0] ?? {}, part));
  switch (one.type) {
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'integer':
    case 'number':
      // Of nanoseconds beyond 2^53 the digits count, so they stay text where the schema takes that.
      return text.trim() === '' || !Number.isFinite(Number(text)) || !fits(text) ? text : Number(text);
    case 'string':
      return text;
    case 'array':
      if (one.items?.enum) return text.split(',').map((part) => part.trim());
      break;
    default:
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

const fits = (text: string): boolean => Number.isSafeInteger(Number(text)) || !/^\d+$/.test(text);

function format(schema: Schema, value: unknown): string {
  if (typeof value === 'string') return value;
  const one = plain(schema);
  if (Array.isArray(value) && (one.prefixItems || one.items?.enum)) return value.join(',');
  return JSON.stringify(value);
}

/** Kinds of a field that is a choice between objects told apart by one constant, or a list of such. */
function kindsOf(schema: Schema): readonly FieldKind[] {
  const repeats = plain(schema).type === 'array';
  const members = choices(repeats ? (plain(schema).items ?? {}) : schema);
  const tag = Object.entries(members[0]?.properties ?? {}).find(
    ([, { const: value }]) => value !== undefined,
  )?.[0];
  if (tag === undefined || members.length < 2) return [];
  return members.map(({ properties = {}, required = [] }) => {
    const name = String(properties[tag]?.const);
    const others = Object.entries(properties).filter(([key]) => key !== tag);
    // What stands without its name: the only value that is asked for and is no plain number or word.
    const bare = others.filter(([key, part]) => required.includes(key) && isCompound(part));
    const [main] = bare.length === 1 ? bare : [];
    const named = others.filter(([key]) => key !== main?.[0]);
    return {
      option: name,
      type: [
        ...(main ? [compoundWords(main[1])] : []),
        ...named.map(([key, part]) => {
          const words = `${key}=${wordsOf(part)}`;
          return required.includes(key) ? words : `[${words}]`;
        }),
      ].join(' '),
      description: main?.[1].description ?? '',
      repeats,
      parse: (text) => {
        const parts = text.trim().split(/\s+/);
        const pairs = parts.flatMap((part) => {
          const [, key = '', value = ''] = /^(\w+)=(.*)$/.exec(part) ?? [];
          const known = named.find(([one]) => one === key);
          return known ? [[key, parse(known[1], value)] as const] : [];
        });
        const rest = parts.filter((part) => !pairs.some(([key]) => part.startsWith(`${key}=`)));
        return {
          [tag]: name,
          ...(main && { [main[0]]: compound(main[1], rest) }),
          ...Object.fromEntries(pairs),
        };
      },
      format: (value) => {
        const given = value as Readonly<Record<string, unknown>>;
        if (given[tag] !== name) return null;
        return [
          ...(main ? [compoundText(main[1], given[main[0]])] : []),
          ...named
            .filter(([key]) => given[key] !== undefined)
            .map(([key, part]) => `${key}=${format(part, given[key])}`),
        ].join(' ');
      },
    };
  });
}

const isCompound = ({ type, prefixItems }: Schema): boolean =>
  prefixItems !== undefined || type === 'array' || type === 'object';

/** A list of points is written with spaces between them. */
const isPointList = (schema: Schema): boolean =>
  schema.type === 'array' && schema.items?.prefixItems !== undefined;

function compoundWords(schema: Schema): string {
  return isPointList(schema) ? `${wordsOf(schema.items ?? {})} …` : wordsOf(schema);
}

function compoundText(schema: Schema, value: unknown): string {
  return isPointList(schema)
    ? (value as readonly unknown[]).map((point) => format(schema.items ?? {}, point)).join(' ')
    : format(schema, value);
}

function compound(schema: Schema, parts: readonly string[]): unknown {
  return isPointList(schema)
    ? parts.map((part) => parse(schema.items ?? {}, part))
    : parse(schema, parts.join(' '));
}

function exampleValue(schema: Schema): unknown {
  if (schema.examples?.[0] !== undefined) return schema.examples[0];
  const one = plain(schema);
  if (one !== schema) return exampleValue(one);
  if (one.const !== undefined) return one.const;
  if (one.enum) return one.enum[0];
  if (one.prefixItems) return one.prefixItems.map(exampleValue);
  switch (one.type) {
    case 'boolean':
      return true;
    case 'integer':
    case 'number':
      return Math.max(one.minimum ?? 0, 0);
    case 'array':
      return [exampleValue(one.items ?? {})];
    case 'object':
      return Object.fromEntries(
        (one.required ?? []).map((name) => [name, exampleValue(one.properties?.[name] ?? {})]),
      );
    default:
      return 'text';
  }
}

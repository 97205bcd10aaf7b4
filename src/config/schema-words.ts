/** Turns the findings of a zod schema into plain words: where, what is wrong, which keys are valid there. Pure. */
import { z } from 'zod';
import { redact } from '../node/redact.js';

export type Path = readonly PropertyKey[];

/** `objects[0].prompts[1].box` */
export function pathWords(path: Path): string {
  const words = path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`,
    '',
  );
  return words === '' ? 'the file' : words;
}

function valueAt(input: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[part] : undefined,
    input,
  );
}

/** Keys that the schema allows at `path`; `input` decides between the members of a discriminated union. */
export function validKeys(schema: z.ZodType, path: Path, input: unknown): string[] {
  let here: unknown = schema;
  let value = input;
  const step = (): void => {
    for (;;) {
      if (here instanceof z.ZodOptional || here instanceof z.ZodDefault || here instanceof z.ZodNullable) {
        here = here.unwrap();
      } else if (here instanceof z.ZodPrefault) {
        here = here.unwrap();
      } else if (here instanceof z.ZodDiscriminatedUnion) {
        const key = here.def.discriminator;
        const wanted = valueAt(value, [key]);
        here = here.options.find(
          (option) =>
            option instanceof z.ZodObject &&
            (option.shape as Record<string, z.ZodType>)[key]?.safeParse(wanted).success,
        );
      } else return;
    }
  };
  step();
  for (const part of path) {
    if (here instanceof z.ZodObject) here = (here.shape as Record<string, unknown>)[String(part)];
    else if (here instanceof z.ZodArray) here = here.element;
    else return [];
    value = valueAt(value, [part]);
    step();
  }
  return here instanceof z.ZodObject ? Object.keys(here.shape) : [];
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'a group of settings',
};

const shortened = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);

function found(value: unknown): string {
  if (value === undefined) return 'it is missing';
  if (value === null) return 'it is empty';
  if (typeof value === 'string') return `found the text "${shortened(redact(value))}"`;
  if (typeof value === 'number' || typeof value === 'boolean') return `found ${String(value)}`;
  return Array.isArray(value) ? 'found a list' : 'found a group of settings';
}

/** One issue in plain words, without its place. */
export function problemWords(issue: z.core.$ZodIssue, input: unknown): string {
  const value = valueAt(input, issue.path);
  switch (issue.code) {
    case 'invalid_type':
      return `it must be ${typeWords[issue.expected] ?? issue.expected}, but ${found(value)}`;
    case 'invalid_value':
      return `it must be one of ${issue.values.map(String).join(', ')}, but ${found(value)}`;
    case 'too_small':
    case 'too_big': {
      const unit = issue.origin === 'string' ? ' characters' : issue.origin === 'array' ? ' entries' : '';
      const bound = issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
      return `it must be ${issue.origin === 'number' || issue.origin === 'int' ? '' : 'of '}${bound}${unit}, but ${found(value)}`;
    }
    case 'invalid_union':
      return 'options' in issue && Array.isArray(issue.options)
        ? `it must be one of ${issue.options.map(String).join(', ')}, but ${found(value)}`
        : `${found(value)}, which does not fit here`;
    case 'invalid_format':
    case 'not_multiple_of':
    case 'unrecognized_keys':
    case 'invalid_key':
    case 'invalid_element':
    case 'custom':
      return issue.message;
  }
}

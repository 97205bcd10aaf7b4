/** The texts of the page, found in the syntax tree of dashboard/src: what is said, where, and what is said past the catalogue. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { packageRoot } from '../src/node/built-module.js';
import type { ErrorDefinition } from '../src/vocabulary/errors.js';

const sources = join(packageRoot, 'dashboard', 'src');

export interface PageTexts {
  /** To each sentence the files that say it. */
  readonly places: ReadonlyMap<string, readonly string[]>;
  /** Uses of `t` and `msg` that would not work, `file:line: why`. */
  readonly misuses: readonly string[];
  /** Text that a person would read in English in every language, `file:line: text`. */
  readonly stray: readonly string[];
}

/** Places of a sentence, in the order of their names. */
export function placesOf(sentence: string): string[] {
  const names = new Set<string>();
  for (const [, name = ''] of sentence.matchAll(/\{(\w+)(?=\}|, plural,)/g)) {
    // `one {file}` has the form of a place.
    names.add(name);
  }
  for (const [, word = ''] of sentence.matchAll(/\b(?:zero|one|two|few|many|other) \{(\w+)\}/g))
    if (!sentence.includes(`{${word}, plural`)) names.delete(word);
  return [...names].sort();
}

/** Attributes that are read, seen or spoken. */
const readAttributes = new Set([
  'title',
  'aria-label',
  'aria-description',
  'aria-valuetext',
  'aria-roledescription',
  'placeholder',
  'alt',
]);
const readProperties = new Set([
  'textContent',
  'innerText',
  'title',
  'placeholder',
  'ariaLabel',
  'ariaValueText',
  'alt',
]);
/** Which arguments of these functions are read by people; of `h` and `svg` all from the third on. */
const readArguments: ReadonlyMap<string, readonly number[]> = new Map([
  ['setText', [1]],
  ['toast', [1]],
  ['openDialog', [0, 1]],
  ['iconButton', [1, 3]],
]);
/** Calls that take no text, whatever their arguments look like. */
const codeCalls = new Set([
  'querySelector',
  'querySelectorAll',
  'closest',
  'matches',
  'getElementById',
  'addEventListener',
  'removeEventListener',
  'setAttribute',
  'removeAttribute',
  'getAttribute',
  'toggleAttribute',
  'setProperty',
  'add',
  'remove',
  'toggle',
  'contains',
  'includes',
  'startsWith',
  'endsWith',
  'createElement',
  'createElementNS',
  'getContext',
  'RegExp',
  'warn',
  'listen',
]);
/** Properties whose values are no text. */
const codeProperties = new Set(['class', 'className', 'd', 'style', 'font', 'viewBox', 'accept', 'sizes']);
/** The same in every language: the name, names of languages and formats, keys, lines for the shell. */
const universal =
  /^(sonoscope|ONNX Runtime|English|Deutsch|Français|Español|JSON|PNG|A4C|A2C|((Shift|Ctrl|Delete) )?(Enter|Esc|Delete|Space|Home|End|[A-Z])|\.\/sonoscope .*)$/s;
/** What looks like text and is none: classes and ids of the page, fonts, what only programmers see. */
const noText =
  /^(notice|draft-stroke|source-hint|line) |px (sans-serif|system-ui)|^(Refusal|sonoscope painting|index\.html has lost its #app)$|gives no 2d context|outlines came too late for their picture\.$|^picture \{\} is not there$/;

const hasWord = (text: string): boolean =>
  /\p{L}{2}/u.test(text.replace(/\{\w*\}/g, '').replace(/\b(ms|mm|cm|mL|px|Hz)\b/g, ''));
const isProse = (text: string): boolean =>
  /\p{L}{2,}[,:;]? \p{L}/u.test(text) || /^\p{Lu}\p{Ll}+([.:!…]| …)?$|^\p{Lu}\p{Ll}+ \{/u.test(text);

function textOf(node: ts.Node): string | null {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (ts.isTemplateExpression(node))
    return node.head.text + node.templateSpans.map((span) => `{}${span.literal.text}`).join('');
  return null;
}

function calleeOf(node: ts.Node): string | null {
  if (ts.isNewExpression(node) && ts.isIdentifier(node.expression)) return node.expression.text;
  if (!ts.isCallExpression(node)) return null;
  if (ts.isIdentifier(node.expression)) return node.expression.text;
  return ts.isPropertyAccessExpression(node.expression) ? node.expression.name.text : null;
}

/** The literals that an expression may become. */
function literalsOf(node: ts.Expression): readonly ts.Expression[] | null {
  if (ts.isParenthesizedExpression(node)) return literalsOf(node.expression);
  if (ts.isConditionalExpression(node)) {
    const [yes, no] = [literalsOf(node.whenTrue), literalsOf(node.whenFalse)];
    return yes && no && [...yes, ...no];
  }
  return ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node) ? [node] : null;
}

/** Whether an expression's value is what `node` is, or one of its choices: not a part of a condition or of another call. */
function leadsTo(node: ts.Node, sink: ts.Node): boolean {
  for (let at = node; at !== sink; at = at.parent) {
    const up = at.parent;
    if (ts.isConditionalExpression(up) && up.condition === at) return false;
    if (ts.isBinaryExpression(up) && !['??', '||', '&&', '+'].includes(up.operatorToken.getText()))
      return false;
    if ((ts.isCallExpression(up) || ts.isNewExpression(up)) && up !== sink) {
      const name = calleeOf(up);
      if (name !== 'join' && name !== 'filter' && name !== 'concat' && name !== 'flatMap' && name !== 'map')
        return false;
      if (up.arguments?.some((argument) => argument === at) && name === 'join') return false;
    }
    if (ts.isElementAccessExpression(up) && up.argumentExpression === at) return false;
    if (ts.isFunctionLike(up) || ts.isStatement(up)) {
      // A function that is called for its value, inside the sink: `list.map((one) => 'text')`.
      if (!ts.isArrowFunction(up)) return false;
    }
    if (ts.isPropertyAssignment(up)) return false;
  }
  return true;
}

/** Whether a person reads the value of this literal. */
function isRead(node: ts.Node, text: string): boolean {
  for (let at: ts.Node = node; at.parent && !ts.isSourceFile(at.parent); at = at.parent) {
    const up = at.parent;
    if (ts.isCallExpression(up)) {
      const name = calleeOf(up) ?? '';
      const index = up.arguments.findIndex((argument) => argument === at);
      const reads =
        ((name === 'h' || name === 'svg') && index >= 2) || readArguments.get(name)?.includes(index) === true;
      const attribute = name === 'setAttribute' && index === 1 ? textOf(up.arguments[0] as ts.Node) : null;
      if ((reads || (attribute !== null && readAttributes.has(attribute))) && leadsTo(node, up))
        return hasWord(text);
    }
    if (ts.isPropertyAssignment(up) && up.initializer === at) {
      const name = ts.isIdentifier(up.name) || ts.isStringLiteral(up.name) ? up.name.text : '';
      if (codeProperties.has(name)) return false;
      if (readAttributes.has(name) && leadsTo(node, up)) return hasWord(text);
    }
    if (
      ts.isBinaryExpression(up) &&
      up.right === at &&
      up.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
      ts.isPropertyAccessExpression(up.left)
    ) {
      if (codeProperties.has(up.left.name.text)) return false;
      if (readProperties.has(up.left.name.text) && leadsTo(node, up)) return hasWord(text);
    }
  }
  return isProse(text) && !isCode(node);
}

/** Whether prose stands where only code reads it. */
function isCode(node: ts.Node): boolean {
  const up = node.parent;
  if (ts.isLiteralTypeNode(up) || ts.isImportDeclaration(up) || ts.isCaseClause(up)) return true;
  if (ts.isPropertyAssignment(up) && up.name === node) return true;
  if (ts.isElementAccessExpression(up)) return true;
  if (ts.isBinaryExpression(up) && /^[!=]==?$/.test(up.operatorToken.getText())) return true;
  for (let at: ts.Node = node; at.parent && !ts.isStatement(at); at = at.parent)
    if (codeCalls.has(calleeOf(at.parent) ?? '')) return true;
  return false;
}

/** Whether it runs while its module loads. */
function runsAtOnce(node: ts.Node): boolean {
  for (let at = node.parent; at; at = at.parent) {
    if (ts.isFunctionLike(at)) return false;
    if (
      ts.isPropertyDeclaration(at) &&
      !at.modifiers?.some((one) => one.kind === ts.SyntaxKind.StaticKeyword)
    )
      return false;
  }
  return true;
}

export function pageTexts(): PageTexts {
  const places = new Map<string, string[]>();
  const misuses: string[] = [];
  const stray: string[] = [];
  const names = readdirSync(sources, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .sort();
  for (const name of names) {
    if (name === 'core/texts.ts') continue;
    const file = ts.createSourceFile(
      name,
      readFileSync(join(sources, name), 'utf8'),
      ts.ScriptTarget.ES2023,
      true,
    );
    const at = (node: ts.Node): string =>
      `${name}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
    const found = (sentence: string): void => {
      const files = places.get(sentence) ?? [];
      if (!files.includes(name)) files.push(name);
      places.set(sentence, files);
    };
    const visit = (node: ts.Node): void => {
      const callee =
        ts.isCallExpression(node) && ts.isIdentifier(node.expression) ? node.expression.text : '';
      if (ts.isCallExpression(node) && (callee === 't' || callee === 'msg')) {
        const [sentence, values] = node.arguments;
        const literals = sentence ? literalsOf(sentence) : null;
        if (!literals) misuses.push(`${at(node)}: ${callee}() needs the sentence itself`);
        for (const literal of literals ?? []) {
          const text = textOf(literal) ?? '';
          found(text);
          const wanted = placesOf(text);
          if (callee === 'msg' && wanted.length > 0)
            misuses.push(`${at(node)}: msg() has no values for "${text}"`);
          if (callee === 't' && values && ts.isObjectLiteralExpression(values)) {
            const given = values.properties.map((one) => one.name?.getText() ?? '');
            // What is spread is seen by the types.
            const spread = values.properties.some(ts.isSpreadAssignment);
            const missing = spread ? [] : wanted.filter((one) => !given.includes(one));
            if (missing.length > 0) misuses.push(`${at(node)}: "${text}" lacks ${missing.join(', ')}`);
          } else if (callee === 't' && !values && wanted.length > 0)
            misuses.push(`${at(node)}: "${text}" has no values`);
        }
        node.arguments.slice(1).forEach(visit);
        if (callee === 't' && runsAtOnce(node))
          misuses.push(`${at(node)}: t() before a language is chosen: use msg() and say()`);
        return;
      }
      if (callee === 'say' && runsAtOnce(node))
        misuses.push(`${at(node)}: say() before a language is chosen`);
      const text = textOf(node);
      if (text !== null && !universal.test(text.trim()) && !noText.test(text) && isRead(node, text))
        stray.push(`${at(node)}: ${text}`);
      ts.forEachChild(node, visit);
    };
    visit(file);
  }
  return { places, misuses, stray };
}

/** Rooms whose refusals reach the page; those of commands, benches and configuration end in a terminal. */
const refusing = /^(dicom|ingest|onnx|pipeline|protocol|record|server|tracking|export|replay)\//;
/** Of these, what only whoever starts the server, writes a client or runs a batch can meet. */
const notOnThePage =
  /^SONO_(VERIFY_|REPLAY_|HOST_|PORT_|TOKEN_(REQUIRED|UNUSABLE)|SNAPSHOT_|SUBPROTOCOL|SUBSCRIPTION_|CHANNEL_|WIRE_|PUBLISH_|ORIGIN_|PAGE_|EXPORT_(RESUME|EXISTS)|ARCHIVE_(CA|LOGINS)$|MODEL_(GOLDEN|NEWER|SHAPE|TRUNCATED|HASH|KIND|MANIFEST)|FRAME_SIZE|POLICY_|PROMPT_(FRAME_UNKNOWN|UNFIT)|STREAM_TWICE|PROJECT_FOLDER|RECORDING_(COMPRESSION|MESSAGE|PICTURES)|REQUEST_SLOW)/;

/** To each sentence of a refusal that the page may show its code. */
export async function refusals(): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const root = join(packageRoot, 'src');
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('/errors.ts') || !refusing.test(name)) continue;
    const module = (await import(pathToFileURL(join(root, name)).href)) as Record<string, unknown>;
    for (const exported of Object.values(module)) {
      const { table } = exported as { table?: Record<string, ErrorDefinition> };
      for (const [code, { sentence }] of Object.entries(table ?? {}))
        if (!notOnThePage.test(code)) found.set(sentence, code);
    }
  }
  return found;
}

/** Whether the server says this: every part between the places of the sentence stands in one of its sources. */
export function isSaidByServer(sentence: string): boolean {
  const parts = sentence
    .split(/\{\w+\}/)
    .map((part) => part.replace(/[\s:]+$/, ''))
    .filter((part) => part.length > 3);
  said ??= readdirSync(join(packageRoot, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => readFileSync(join(packageRoot, 'src', name), 'utf8'));
  return said.some((text) => parts.every((part) => text.includes(part)));
}

let said: readonly string[] | null = null;

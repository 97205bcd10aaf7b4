/**
 * The rule of docs/sources.md: for every recorded file the pictures, their order, numbers, times, geometry and colours are those
 * that FFmpeg hands out. A fair sample runs by default; the whole matrix with SONO_CONFORMANCE=all, or one part of it with
 * SONO_CONFORMANCE=3/8. SONO_CONFORMANCE_KEEP=FOLDER keeps the files and writes what was read from them there, for compare/.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { encoders } from './ffmpeg.js';
import { generate, missingEncoders } from './generate.js';
import { faults, liveFaults, trackingFaults } from './judge.js';
import { followed, readProduct } from './product.js';
import { readReference, type Reference } from './reference.js';
import { kinds, variants, type Variant } from './variants.js';

vi.setConfig({ testTimeout: 120_000 });

const kept = process.env['SONO_CONFORMANCE_KEEP'];
if (kept !== undefined) mkdirSync(kept, { recursive: true });
const folder = kept ?? mkdtempSync(join(tmpdir(), 'sono-conformance-'));
const wanted = process.env['SONO_CONFORMANCE'] ?? 'sample';
const [, part, parts] = /^(\d+)\/(\d+)$/.exec(wanted)?.map(Number) ?? [0, 1, 1];
const all = wanted !== 'sample';
const chosen = variants.filter(({ sample }, index) =>
  all ? index % (parts ?? 1) === (part ?? 1) - 1 : sample,
);
const inDepth = chosen.filter(
  (variant) => variant.inDepth === 'in the sample' || (all && variant.inDepth !== 'no'),
);
const results: object[] = [];

afterAll(() => {
  if (kept === undefined) rmSync(folder, { recursive: true, force: true });
  else writeFileSync(join(kept, `results-${wanted.replace('/', '-')}.json`), JSON.stringify(results));
});

const made = new Map<string, Promise<{ readonly path: string; readonly reference: Reference }>>();

/** The file and FFmpeg's view of it, made once. */
function prepared(variant: Variant) {
  const make = async () => {
    const path = await generate(variant, folder);
    return { path, reference: await readReference(path, variant.rotation) };
  };
  const result = made.get(variant.name) ?? make();
  made.set(variant.name, result);
  return result;
}

/** Where lines are looked at one by one, the network's picture must have as many as the camera's. */
const analysisSize = ({ scan, width, height }: Variant) =>
  scan === 'progressive' ? { width: 128, height: 96 } : { width, height };

describe.skipIf(encoders() === null)('recorded files, as FFmpeg reads them', () => {
  it('are chosen by a word that is known', () => {
    expect(wanted).toMatch(/^(sample|all|\d+\/\d+)$/);
    expect(chosen.length).toBeGreaterThan(0);
  });

  it('have different names', () => {
    expect(new Set(variants.map(({ name }) => name)).size).toBe(variants.length);
  });

  it.each(chosen)('$name', async (variant) => {
    const { name, rotation, scan, cutShort } = variant;
    const kind = Object.keys(kinds).find((each) => kinds[each]?.includes(variant));
    const missing = missingEncoders(variant);
    if (missing.length > 0) return skip(name, missing);
    const { path, reference } = await prepared(variant);
    // The suite itself: the truth is readable, and what is to be combed is.
    expect(reference.pictures.length).toBeGreaterThan(0);
    if (!cutShort) expect(reference.pictures.filter(({ number }) => number === null)).toEqual([]);
    if (scan !== 'progressive') expect(reference.pictures.some(({ comb }) => comb > 0.02)).toBe(true);
    const product = await readProduct(path, rotation, 'replay', analysisSize(variant));
    const found = faults(reference, product, { cutShort, interlaced: scan !== 'progressive' });
    results.push({ name, kind, rotation, file: basename(path), cutShort, reference, faults: found });
    expect(found).toEqual([]);
  });

  it.each(inDepth)('$name, live', async (variant) => {
    const missing = missingEncoders(variant);
    if (missing.length > 0) return skip(variant.name, missing);
    const { path, reference } = await prepared(variant);
    const product = await readProduct(path, variant.rotation, 'live', analysisSize(variant));
    // A machine that shows nothing proves nothing.
    expect(product.display.length).toBeGreaterThan(reference.pictures.length / 4);
    expect(liveFaults(reference, product)).toEqual([]);
  });

  it.each(inDepth)('$name, followed from a prompt', async (variant) => {
    const missing = missingEncoders(variant);
    if (missing.length > 0) return skip(variant.name, missing);
    const { path, reference } = await prepared(variant);
    const frame = Math.floor(reference.pictures.length / 3);
    const rows = await followed(path, variant, reference.size, frame, reference.pictures[frame]?.number ?? 0);
    expect(trackingFaults(reference, rows, frame)).toEqual([]);
  });
});

function skip(name: string, missing: readonly string[]): void {
  console.warn(`skipped: ${name}: the installed ffmpeg cannot encode ${missing.join(', ')}`);
}

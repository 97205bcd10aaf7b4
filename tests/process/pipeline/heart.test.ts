/** A heart in a live room that goes: what people read must go with it, and the report must end as the pictures did. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { waitingWords } from '../../../src/analysis/ejection-fraction.js';
import { createWorkerEngine } from '../../../src/engine/worker-engine.js';
import { createSource } from '../../../src/ingest/index.js';
import { openRoom } from '../../../src/pipeline/open-room.js';
import { echoMeasures } from '../../../src/vocabulary/echo.js';
import type { Measurement } from '../../../src/vocabulary/measurement.js';
import { heartFolder } from '../../beating-heart.js';
import { tinyEchoDir } from '../../tiny-scene.js';

vi.setConfig({ testTimeout: 240_000 });
const folder = mkdtempSync(join(tmpdir(), 'sono-live-heart-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('has no number two seconds after the picture went black, at the end of the run neither, and says why', async ({
  skip,
}) => {
  const [heart, black] = [150, 90];
  const clip = await heartFolder(join(folder, 'heart'), heart, { black });
  const read: { readonly at: number; readonly figures: readonly Measurement[] }[] = [];
  const room = await openRoom({
    ...{ id: 'heart', label: 'Heart', sourceUri: clip, loop: false },
    createSource: (uri) => createSource(uri, { firstBackoffMs: 100 }),
    analysis: {
      createEngine: (engine, hooks) => createWorkerEngine(engine, hooks),
      engine: { modelDir: tinyEchoDir, provider: 'cpu', policy: null, threads: 1 },
      plan: null,
    },
    ...{ displayQuality: 85, overlayLimitMs: 100, overlayVisible: true },
    log: { info: () => undefined, warn: () => undefined },
    beforeStart: (early) =>
      early.events$.subscribe((event) => {
        if (event.kind !== 'measurement') return;
        read.push({ at: event.frame.mediaNs / 1e9, figures: event.measurements });
      }),
  });
  try {
    await expect.poll(() => room.health.source.phase, { timeout: 120_000 }).toBe('ended');
    const number = ({ figures }: (typeof read)[number], name: string): Measurement | undefined =>
      figures.find((one) => one.name === name);
    const shown = read.map(
      (one) => [one.at, number(one, echoMeasures.ejectionFraction)?.value ?? null] as const,
    );
    const gone = heart / 25 + 2.1;
    expect(shown.filter(([at]) => at > gone).length).toBeGreaterThan(0);
    expect(shown.filter(([at, value]) => at > gone && value !== null)).toEqual([]);
    // Nothing of one picture is told of a black one.
    const ofOne = [echoMeasures.area, echoMeasures.length, echoMeasures.volume];
    const told = read.filter(({ at }) => at > heart / 25 + 0.3);
    expect(told.flatMap((one) => ofOne.flatMap((name) => number(one, name) ?? []))).toEqual([]);
    for (const name of [echoMeasures.endDiastolicVolume, echoMeasures.heartRate])
      expect(read.filter(({ at }) => at > gone).map((one) => number(one, name)?.value)).not.toContainEqual(
        expect.any(Number),
      );
    const { echo } = room.report();
    expect(echo?.lastEjectionFraction).toMatchObject({ value: null, interval: null });
    expect(echo?.lastEjectionFraction?.note).toContain(waitingWords.view);
    expect(() => room.echo?.hold()).toThrow(expect.objectContaining({ code: 'SONO_HOLD_NO_NUMBER' }));
    // A number that goes must have been there, for which a machine must look at enough of the pictures.
    const perSecond = shown.filter(([at]) => at < heart / 25).length / (heart / 25);
    skip(perSecond < 15, `this machine has looked at ${perSecond.toFixed(1)} pictures per second`);
    expect(shown.filter(([at, value]) => at < heart / 25 && value !== null).length).toBeGreaterThan(0);
    expect(echo?.beats.accepted).toBeGreaterThan(0);
  } finally {
    await room.close();
  }
});

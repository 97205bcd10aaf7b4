import { describe, expect, it } from 'vitest';
import { frozenAfterMs, overlayNotice, pictureNotice } from './wording.js';
import type { RoomCondition } from './wording.js';

const live: RoomCondition = {
  sincePictureMs: 20,
  capturedFps: 25,
  sourcePhase: 'playing',
  reason: '',
  sinceUnixMs: null,
  connected: true,
  standsStill: false,
  played: false,
  overlayOn: true,
  analysis: true,
  regime: 'in-step',
  objectsExpected: true,
  sinceOverlayMs: 20,
  shownFps: 25,
  analysedFps: 25,
  limitMs: 100,
};

describe('what the screen says', () => {
  it('nothing while all is well', () => {
    expect(pictureNotice(live)).toBeNull();
    expect(overlayNotice(live)).toBeNull();
  });

  it.each([
    ['frozen after 250 ms', { sincePictureMs: 250 }, 'Picture frozen'],
    [
      'signal lost, with the reason',
      { sourcePhase: 'lost', reason: 'The cable is out.', sinceUnixMs: 0 },
      'Signal lost',
    ],
    [
      'no server, before anything else',
      { connected: false, sourcePhase: 'lost' },
      'No connection to the server',
    ],
    ['ended', { sourcePhase: 'ended', sincePictureMs: 9000 }, 'Source ended'],
    ['starting', { sincePictureMs: null }, 'Waiting for the first picture'],
  ] as const)('%s', (_, change, title) => {
    expect(pictureNotice({ ...live, ...change })?.title).toBe(title);
  });

  it('nothing about a recording that was paused, unless it is not there', () => {
    const unseen = { ...live, sourcePhase: 'ended' as const, sincePictureMs: null };
    expect(pictureNotice(unseen)?.detail).toContain('Open a source');
    expect(pictureNotice({ ...unseen, standsStill: true, played: true })?.detail).toContain('Play it again');
    const paused = { ...live, standsStill: true, sincePictureMs: 60_000 };
    expect(pictureNotice(paused)).toBeNull();
    expect(pictureNotice({ ...paused, sourcePhase: 'ended' })).toBeNull();
    expect(pictureNotice({ ...paused, sourcePhase: 'lost' })?.title).toBe('Signal lost');
    expect(pictureNotice({ ...paused, sincePictureMs: null })?.title).toBe('Waiting for the first picture');
  });

  it('repeats the reason and since when', () => {
    const notice = pictureNotice({
      ...live,
      sourcePhase: 'lost',
      reason: 'The cable is out.',
      sinceUnixMs: 0,
    });
    expect(notice?.detail).toMatch(/The cable is out\. Since .*\d/);
  });

  it('waits longer for a source slower than ten pictures per second', () => {
    expect(frozenAfterMs(25)).toBe(250);
    expect(frozenAfterMs(0)).toBe(250);
    expect(frozenAfterMs(2)).toBe(1250);
  });

  it.each([
    ['off', { overlayOn: false, regime: 'paused' }, null],
    ['no model', { analysis: false }, 'Picture only'],
    ['nothing to outline', { objectsExpected: false, sinceOverlayMs: null }, null],
    ['too slow', { regime: 'paused', analysedFps: 6 }, 'Outlines paused'],
    ['late', { sinceOverlayMs: 900 }, 'Outlines late'],
    ['only analysed pictures', { regime: 'steady', shownFps: 15 }, 'Steady outlines'],
  ] as const)('outlines: %s', (_, change, title) => {
    expect(overlayNotice({ ...live, ...change })?.title ?? null).toBe(title);
  });
});

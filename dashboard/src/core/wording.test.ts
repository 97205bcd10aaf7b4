import { describe, expect, it } from 'vitest';
import {
  frozenAfterMs,
  nextUndo,
  overlayNotice,
  pictureNotice,
  remedyWords,
  undoSentence,
} from './wording.js';
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
  heldStill: false,
  overlayOn: true,
  analysis: true,
  regime: 'in-step',
  objectsExpected: true,
  sinceOverlayMs: 20,
  shownFps: 25,
  analysedFps: 25,
  limitMs: 100,
  maskAgeMs: { p50: 40, p95: 60, max: 80 },
  slow: 'auto',
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
    ['held while somebody draws', { heldStill: true, regime: 'paused', sinceOverlayMs: 9000 }, null],
    ['only analysed pictures', { regime: 'steady', shownFps: 15 }, 'Steady outlines'],
  ] as const)('outlines: %s', (_, change, title) => {
    expect(overlayNotice({ ...live, ...change })?.title ?? null).toBe(title);
  });
});

describe('why there are no outlines', () => {
  const paused = { ...live, regime: 'paused' } as const;
  const late = { p50: 180, p95: 210, max: 260 };

  it('their age, where they come too late, with the limit that lets them through', () => {
    const notice = overlayNotice({ ...paused, analysedFps: 12, maskAgeMs: late });
    expect(notice?.detail).toBe('They come after 180 ms; 100 ms are allowed.');
    expect(notice?.remedy).toEqual({ kind: 'limit', ms: 250 });
    expect(remedyWords({ kind: 'limit', ms: 250 })).toBe('Allow 250 ms');
    expect(overlayNotice({ ...live, sinceOverlayMs: 900, maskAgeMs: late })?.remedy).toEqual(notice?.remedy);
  });

  it('their rate, where they come in time but not for every picture, with the rate at which they can be shown', () => {
    const notice = overlayNotice({ ...paused, analysedFps: 7.44 });
    expect(notice?.detail).toBe('Analysis reaches 7.4 of 25 pictures per second.');
    expect(notice?.remedy).toEqual({ kind: 'steady', perSecond: 7.44 });
    expect(remedyWords({ kind: 'steady', perSecond: 12.2 })).toBe('Show at 12 per second');
  });

  it('offers nothing that does not help', () => {
    expect(overlayNotice({ ...paused, analysedFps: 7, slow: 'steady-outlines' })?.remedy).toBeNull();
    expect(overlayNotice({ ...paused, analysedFps: 3 })?.remedy).toBeNull();
    expect(
      overlayNotice({ ...paused, analysedFps: 12, maskAgeMs: { p50: 2500, p95: 3000, max: 4000 } })?.remedy,
    ).toBeNull();
    expect(overlayNotice({ ...paused, analysedFps: 0 })?.remedy).toBeUndefined();
  });
});

describe('a picture that is held while somebody draws', () => {
  const held = { ...live, heldStill: true, sincePictureMs: 9000 };
  it('is not called frozen, but what is lost is said', () => {
    expect(pictureNotice(held)).toBeNull();
    expect(pictureNotice({ ...held, connected: false })?.title).toBe('No connection to the server');
    expect(pictureNotice({ ...held, sourcePhase: 'lost' })?.title).toBe('Signal lost');
  });
});

describe('undo', () => {
  const step = { objectId: 2, label: 'tool 2', kind: 'click', made: false } as const;
  it('says what it takes back', () => {
    expect(undoSentence(step)).toBe('Undo the click on tool 2');
    expect(undoSentence({ ...step, kind: 'remove' })).toBe('Bring tool 2 back');
    expect(undoSentence({ ...step, kind: null })).toBe('Undo the last mark on tool 2');
  });
  it('is of the selected object, or the newest', () => {
    const other = { ...step, objectId: 1 };
    expect(nextUndo([other, step], null)).toBe(step);
    expect(nextUndo([other, step], 1)).toBe(other);
    expect(nextUndo([other, step], 3)).toBeNull();
  });
});

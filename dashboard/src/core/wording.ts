/** The words people read on a room: one place, so that strip, banner, list and report say the same. Pure. */
import type { ObjectState } from '../../../src/vocabulary/prompt.js';
import type { HealthMessage, SourcePhase } from '../../../src/protocol/messages.js';
import type { Regime } from './presentation.js';
import { msg, numberText, serverText, locale, t } from './texts.js';
import type { Text } from './texts.js';

export const stateWords: Readonly<Record<ObjectState, { readonly word: Text; readonly meaning: Text }>> = {
  tracking: { word: msg('Tracking'), meaning: msg('Outlined, solid line') },
  uncertain: { word: msg('Uncertain'), meaning: msg('Outlined, dashed line: look twice') },
  lost: { word: msg('Lost'), meaning: msg('Not outlined: it cannot be seen') },
  searching: { word: msg('Searching'), meaning: msg('Not outlined: looking for it') },
};

export type Severity = 'info' | 'warning' | 'alarm';

export interface Notice {
  readonly severity: Severity;
  /** A few words. */
  readonly title: string;
  /** A sentence that says why, or what to do; may be empty. */
  readonly detail: string;
  /** It lasts longer than a short stall: the picture itself turns grey. */
  readonly lasting?: boolean;
}

/** A picture that is frozen for this long turns grey. Earlier, each short stall would look like a flash. */
const lastingMs = 2000;

export interface RoomCondition {
  /** Milliseconds since the last new picture went on this screen, null before the first. */
  readonly sincePictureMs: number | null;
  /** Source rate, pictures per second; 0: not known. */
  readonly capturedFps: number;
  readonly sourcePhase: SourcePhase;
  readonly reason: string;
  readonly sinceUnixMs: number | null;
  readonly connected: boolean;
  /** A recording that somebody has paused, or that is at its end: its picture is meant to stand. */
  readonly standsStill: boolean;
  /** It has a player, which can begin again. */
  readonly played: boolean;
  readonly overlayOn: boolean;
  readonly analysis: boolean;
  readonly regime: Regime;
  /** At least one object is in a state that has an outline. */
  readonly objectsExpected: boolean;
  /** Milliseconds since outlines were last on screen, null: never. */
  readonly sinceOverlayMs: number | null;
  readonly shownFps: number;
  readonly analysedFps: number;
  readonly limitMs: number;
}

/** Whether the model of a room finds its structures by itself, so that nothing can be pointed at. */
export function findsByItself(health: Pick<HealthMessage, 'modelKind'> | null): boolean {
  return health?.modelKind === 'semantic';
}

/** After this long without a new picture the screen warns; slower for sources below 10 pictures per second. */
export function frozenAfterMs(capturedFps: number): number {
  return capturedFps > 0 && capturedFps < 10 ? Math.max(250, 2500 / capturedFps) : 250;
}

function clockTime(unixMs: number): string {
  return new Date(unixMs).toLocaleTimeString(locale(), {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
}

/** What is wrong with the picture itself, the worst problem first; null when it is live. */
export function pictureNotice(room: RoomCondition): Notice | null {
  if (!room.connected)
    return {
      severity: 'alarm',
      title: t('No connection to the server'),
      detail: t('The picture is not live. Trying again by itself.'),
      lasting: true,
    };
  if (room.sourcePhase === 'lost')
    return {
      severity: 'alarm',
      title: t('Signal lost'),
      detail: [
        serverText(room.reason),
        room.sinceUnixMs === null ? '' : t('Since {time}.', { time: clockTime(room.sinceUnixMs) }),
      ]
        .filter((part) => part !== '')
        .join(' '),
      lasting: true,
    };
  // The player below the picture says so, with its position.
  if (room.standsStill && room.sincePictureMs !== null) return null;
  if (room.sourcePhase === 'ended')
    return {
      severity: 'info',
      title: t('Source ended'),
      detail: room.played
        ? t('The recording is over. Play it again below the picture.')
        : t('The recording is over. Open a source to go on.'),
    };
  if (room.sincePictureMs === null)
    return { severity: 'info', title: t('Waiting for the first picture'), detail: serverText(room.reason) };
  if (room.sincePictureMs >= frozenAfterMs(room.capturedFps))
    return {
      severity: 'alarm',
      title: t('Picture frozen'),
      detail: t('No new picture for {time}.', { time: seconds(room.sincePictureMs) }),
      lasting: room.sincePictureMs >= lastingMs,
    };
  return null;
}

/** Why outlines are missing or the picture runs slower; null where neither is so. */
export function overlayNotice(room: RoomCondition): Notice | null {
  if (!room.overlayOn) return null;
  if (!room.analysis)
    return {
      severity: 'info',
      title: t('Picture only'),
      detail: t('No model is loaded, so nothing is outlined.'),
    };
  if (!room.objectsExpected) return null;
  if (room.regime === 'paused')
    return {
      severity: 'warning',
      title: t('Outlines paused'),
      detail:
        room.analysedFps >= 1
          ? t('Analysis reaches {analysed} of {all} pictures per second.', {
              analysed: Math.round(room.analysedFps),
              all: Math.round(room.capturedFps),
            })
          : t('Analysis does not deliver in time.'),
    };
  if (room.sinceOverlayMs === null || room.sinceOverlayMs > Math.max(500, 5 * room.limitMs))
    return {
      severity: 'warning',
      title: t('Outlines late'),
      detail: t('No outline came within {ms} ms of its picture.', { ms: Math.round(room.limitMs) }),
    };
  if (room.regime === 'steady')
    return {
      severity: 'info',
      title: t('Steady outlines'),
      detail: t('Only analysed pictures are shown: {shown} of {all} per second.', {
        shown: Math.round(room.shownFps),
        all: Math.round(room.capturedFps),
      }),
    };
  return null;
}

function seconds(ms: number): string {
  return `${numberText(ms / 1000, ms < 10_000 ? 1 : 0)} s`;
}

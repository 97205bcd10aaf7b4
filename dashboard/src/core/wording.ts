/** The words people read on a room: one place, so that strip, banner, list and report say the same. Pure. */
import type { ObjectState } from '../../../src/vocabulary/prompt.js';
import type { HealthMessage, SourcePhase } from '../../../src/protocol/messages.js';
import type { Regime } from './presentation.js';

export const stateWords: Readonly<Record<ObjectState, { readonly word: string; readonly meaning: string }>> =
  {
    tracking: { word: 'Tracking', meaning: 'Outlined, solid line' },
    uncertain: { word: 'Uncertain', meaning: 'Outlined, dashed line: look twice' },
    lost: { word: 'Lost', meaning: 'Not outlined: it cannot be seen' },
    searching: { word: 'Searching', meaning: 'Not outlined: looking for it' },
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
  return new Date(unixMs).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });
}

/** What is wrong with the picture itself, the worst problem first; null when it is live. */
export function pictureNotice(room: RoomCondition): Notice | null {
  if (!room.connected)
    return {
      severity: 'alarm',
      title: 'No connection to the server',
      detail: 'The picture is not live. Trying again by itself.',
      lasting: true,
    };
  if (room.sourcePhase === 'lost')
    return {
      severity: 'alarm',
      title: 'Signal lost',
      detail: [room.reason, room.sinceUnixMs === null ? '' : `Since ${clockTime(room.sinceUnixMs)}.`]
        .filter((part) => part !== '')
        .join(' '),
      lasting: true,
    };
  // The player below the picture says so, with its position.
  if (room.standsStill && room.sincePictureMs !== null) return null;
  if (room.sourcePhase === 'ended')
    return {
      severity: 'info',
      title: 'Source ended',
      detail: room.played
        ? 'The recording is over. Play it again below the picture.'
        : 'The recording is over. Open a source to go on.',
    };
  if (room.sincePictureMs === null)
    return { severity: 'info', title: 'Waiting for the first picture', detail: room.reason };
  if (room.sincePictureMs >= frozenAfterMs(room.capturedFps))
    return {
      severity: 'alarm',
      title: 'Picture frozen',
      detail: `No new picture for ${seconds(room.sincePictureMs)}.`,
      lasting: room.sincePictureMs >= lastingMs,
    };
  return null;
}

/** Why outlines are missing or the picture runs slower; null where neither is so. */
export function overlayNotice(room: RoomCondition): Notice | null {
  if (!room.overlayOn) return null;
  if (!room.analysis)
    return { severity: 'info', title: 'Picture only', detail: 'No model is loaded, so nothing is outlined.' };
  if (!room.objectsExpected) return null;
  if (room.regime === 'paused')
    return {
      severity: 'warning',
      title: 'Outlines paused',
      detail:
        room.analysedFps >= 1
          ? `Analysis reaches ${Math.round(room.analysedFps)} of ${Math.round(room.capturedFps)} pictures per second.`
          : 'Analysis does not deliver in time.',
    };
  if (room.sinceOverlayMs === null || room.sinceOverlayMs > Math.max(500, 5 * room.limitMs))
    return {
      severity: 'warning',
      title: 'Overlay delayed',
      detail: `No outline came within ${Math.round(room.limitMs)} ms of its picture.`,
    };
  if (room.regime === 'steady')
    return {
      severity: 'info',
      title: 'Steady outlines',
      detail: `Only analysed pictures are shown: ${Math.round(room.shownFps)} of ${Math.round(room.capturedFps)} per second.`,
    };
  return null;
}

function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
}

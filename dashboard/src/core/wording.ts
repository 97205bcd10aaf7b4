/** The words people read on a room: one place, so that strip, banner, list and report say the same. Pure. */
import type { ObjectState } from '../../../src/vocabulary/prompt.js';
import type { HealthMessage, SourcePhase } from '../../../src/protocol/messages.js';
import { rateDecimals } from '../../../src/vocabulary/rate-text.js';
import type { Undoable, UndoableKind } from '../../../src/vocabulary/undoable.js';
import type { Regime, SlowAnalysisChoice } from './presentation.js';
import type { Quantiles } from './rates.js';
import { msg, numberText, serverText, locale, t } from './texts.js';
import type { Text } from './texts.js';

export const stateWords: Readonly<Record<ObjectState, { readonly word: Text; readonly meaning: Text }>> = {
  tracking: { word: msg('Tracking'), meaning: msg('Outlined, solid line') },
  uncertain: { word: msg('Uncertain'), meaning: msg('Outlined, dashed line: look twice') },
  lost: { word: msg('Lost'), meaning: msg('Not outlined: it cannot be seen') },
  searching: { word: msg('Searching'), meaning: msg('Not outlined: looking for it') },
};

export type Severity = 'info' | 'warning' | 'alarm';

/** What helps, on this screen. */
export type Remedy =
  /** Outlines of this age are painted too. */
  | { readonly kind: 'limit'; readonly ms: number }
  /** Only pictures with their outlines are shown. */
  | { readonly kind: 'steady'; readonly perSecond: number };

export interface Notice {
  readonly severity: Severity;
  /** A few words. */
  readonly title: string;
  /** A sentence that says why, or what to do; may be empty. */
  readonly detail: string;
  /** It lasts longer than a short stall: the picture itself turns grey. */
  readonly lasting?: boolean;
  /** What the person can do about it here. */
  readonly remedy?: Remedy | null;
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
  /** Somebody draws on this screen: the picture stays until they let go. */
  readonly heldStill: boolean;
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
  /** Age at which masks come lately, ms, whether in time or not; null: none came. */
  readonly maskAgeMs: Quantiles | null;
  readonly slow: SlowAnalysisChoice;
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
  // Whether the source goes on is seen when the hand has let go.
  if (room.heldStill) return null;
  if (room.sincePictureMs >= frozenAfterMs(room.capturedFps))
    return {
      severity: 'alarm',
      title: t('Picture frozen'),
      detail: t('No new picture for {time}.', { time: seconds(room.sincePictureMs) }),
      lasting: room.sincePictureMs >= lastingMs,
    };
  return null;
}

/** Ages that are offered as a limit, ms. */
const limitsOffered = [150, 200, 250, 300, 400, 500, 750, 1000, 1500, 2000];
/** Room above the age that nearly all outlines keep within. */
const limitMargin = 1.15;
/** Where fewer pictures than this can be shown with their outlines, the screen would call the picture frozen. */
const fewestSteady = 5;

/** The limit that lets outlines of this age through, null where none does. */
function helpfulLimit({ p95 }: Quantiles, limitMs: number): Remedy | null {
  const ms = limitsOffered.find((one) => one > limitMs && one >= p95 * limitMargin);
  return ms === undefined ? null : { kind: 'limit', ms };
}

/** Outlines come too late, or too few of them come: the reason that is true, and what helps against it. */
function whyNone(room: RoomCondition): Pick<Notice, 'detail' | 'remedy'> {
  const { maskAgeMs, limitMs, analysedFps, capturedFps, slow } = room;
  if (analysedFps < 1) return { detail: t('Analysis does not deliver in time.') };
  if (maskAgeMs !== null && maskAgeMs.p50 > limitMs)
    return {
      detail: t('They come after {age} ms; {limit} ms are allowed.', {
        age: Math.round(maskAgeMs.p50),
        limit: Math.round(limitMs),
      }),
      remedy: helpfulLimit(maskAgeMs, limitMs),
    };
  return {
    detail: t('Analysis reaches {analysed} of {all} pictures per second.', {
      analysed: rateText(analysedFps),
      all: rateText(capturedFps),
    }),
    remedy:
      slow !== 'steady-outlines' && analysedFps >= fewestSteady
        ? { kind: 'steady', perSecond: analysedFps }
        : null,
  };
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
  if (!room.objectsExpected || room.heldStill) return null;
  if (room.regime === 'paused') return { severity: 'warning', title: t('Outlines paused'), ...whyNone(room) };
  if (room.sinceOverlayMs === null || room.sinceOverlayMs > Math.max(500, 5 * room.limitMs))
    return { severity: 'warning', title: t('Outlines late'), ...whyNone(room) };
  if (room.regime === 'steady')
    return {
      severity: 'info',
      title: t('Steady outlines'),
      detail: t('Only analysed pictures are shown: {shown} of {all} per second.', {
        shown: rateText(room.shownFps),
        all: rateText(room.capturedFps),
      }),
    };
  return null;
}

/** What the button of a notice says. */
export function remedyWords(remedy: Remedy): string {
  return remedy.kind === 'limit'
    ? t('Allow {ms} ms', { ms: remedy.ms })
    : t('Show at {rate} per second', { rate: rateText(remedy.perSecond) });
}

/** Pictures per second, wherever the page says them. */
export function rateText(perSecond: number): string {
  return numberText(perSecond, rateDecimals(perSecond));
}

/** What undo takes back, by the kind of the last step. */
const undoSentences: Readonly<Record<UndoableKind | 'mark', (name: string) => string>> = {
  click: (name) => t('Undo the click on {name}', { name }),
  box: (name) => t('Undo the box around {name}', { name }),
  scribble: (name) => t('Undo the stroke on {name}', { name }),
  mask: (name) => t('Undo the mask of {name}', { name }),
  mark: (name) => t('Undo the last mark on {name}', { name }),
  rename: (name) => t('Undo the new name of {name}', { name }),
  remove: (name) => t('Bring {name} back', { name }),
};

export function undoSentence({ kind, label }: Undoable): string {
  return undoSentences[kind ?? 'mark'](label);
}

/** The step that undo takes back: of the selected object, or the newest of all; null: there is none. */
export function nextUndo(steps: readonly Undoable[], selected: number | null): Undoable | null {
  return steps.findLast(({ objectId }) => selected === null || objectId === selected) ?? null;
}

function seconds(ms: number): string {
  return `${numberText(ms / 1000, ms < 10_000 ? 1 : 0)} s`;
}

/** What a person prefers on this screen; kept in the browser. */
import type { SlowAnalysisChoice } from '../core/presentation.js';
import { Signal } from './signal.js';

export interface Preferences {
  /** 0 … 1. */
  readonly fillOpacity: number;
  readonly labels: boolean;
  /** CSS pixels. */
  readonly lineWidth: number;
  /** Milliseconds; null: what the server says. */
  readonly limitMs: number | null;
  readonly slow: SlowAnalysisChoice;
  /** KeyboardEvent.code of a foot pedal that also switches outlines on and off. */
  readonly pedalCode: string | null;
  readonly panelOpen: boolean;
  /** Frames of the acceptance test. */
  readonly acceptanceFrames: number;
}

const defaults: Preferences = {
  fillOpacity: 0,
  labels: true,
  lineWidth: 2.5,
  limitMs: null,
  slow: 'auto',
  pedalCode: null,
  panelOpen: true,
  acceptanceFrames: 1000,
};

const key = 'sonoscope.preferences';

function load(): Preferences {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(key) ?? '{}');
    if (typeof stored !== 'object' || stored === null) return defaults;
    const known = Object.entries(stored).filter(
      ([name, value]) =>
        name in defaults &&
        (typeof value === typeof defaults[name as keyof Preferences] ||
          name === 'limitMs' ||
          name === 'pedalCode'),
    );
    return { ...defaults, ...(Object.fromEntries(known) as Partial<Preferences>) };
  } catch {
    // Storage switched off or an older page's leftovers: start fresh.
    return defaults;
  }
}

export const preferences = new Signal<Preferences>(load());

export function prefer(change: Partial<Preferences>): void {
  preferences.value = { ...preferences.value, ...change };
  try {
    localStorage.setItem(key, JSON.stringify(preferences.value));
  } catch {
    // Private windows may refuse storage; the choice then holds until the page closes.
  }
}

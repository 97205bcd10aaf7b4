/** What a person prefers on this screen; kept in the browser. */
import { z } from 'zod';
import { slowAnalysisChoices } from '../core/presentation.js';
import { languages } from '../core/texts.js';
import { Signal } from './signal.js';

/** What is missing or not valid gets its default. */
const schema = z.object({
  /** 0 … 1. */
  fillOpacity: z.number().catch(0),
  labels: z.boolean().catch(true),
  /** CSS pixels. */
  lineWidth: z.number().catch(2.5),
  /** Milliseconds; null: what the server says. */
  limitMs: z.number().nullable().catch(null),
  slow: z.enum(slowAnalysisChoices).catch('auto'),
  /** KeyboardEvent.code of a foot pedal that also switches outlines on and off. */
  pedalCode: z.string().nullable().catch(null),
  panelOpen: z.boolean().catch(true),
  /** null: what the browser prefers. */
  language: z.enum(languages).nullable().catch(null),
  /** Frames of the acceptance test. */
  acceptanceFrames: z.number().catch(1000),
});
type Preferences = Readonly<z.infer<typeof schema>>;

const key = 'sonoscope.preferences';

function load(): Preferences {
  try {
    return schema.parse(JSON.parse(localStorage.getItem(key) ?? '{}'));
  } catch {
    // The browser keeps nothing for this page, or what it kept is not readable.
    return schema.parse({});
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

/** How strongly each outline is drawn: where a model outlines the chambers of a heart, the ventricle is what people look at. Pure. */
import { chambers } from '../../../src/vocabulary/echo.js';

interface Emphasis {
  /** Of the usual width of a line. */
  readonly width: number;
  /** 0 … 1. */
  readonly opacity: number;
  /** Its name stands beside it. */
  readonly named: boolean;
}

const usual: Emphasis = { width: 1, opacity: 1, named: true };
/** Names are left out: one would lie on the apex. */
const strong: Emphasis = { width: 1.25, opacity: 1, named: false };
const faint: Emphasis = { width: 0.6, opacity: 0.55, named: false };

const besides: ReadonlySet<string> = new Set([chambers.wall, chambers.atrium]);

/** `labels`: of everything that is outlined on the picture. */
export function emphasisOf(label: string, labels: readonly string[]): Emphasis {
  if (!labels.includes(chambers.ventricle)) return usual;
  if (label === chambers.ventricle) return labels.some((one) => besides.has(one)) ? strong : usual;
  return besides.has(label) ? faint : usual;
}

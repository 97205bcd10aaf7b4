/**
 * When the heart of the echo scene beats, and how far it has contracted at a moment. Pure.
 *
 * A heart whose rate or rhythm somebody chose is timed beat by beat: systole grows with the root of the beat's length (Bazett), so
 * that a fast heart loses diastole first; a beat after a short one has filled less, begins smaller and throws less. The volume of
 * such a beat has exactly one largest and one smallest moment. The plain scene keeps its even curve with flat tops, byte for byte.
 */
import type { EchoView } from '../../vocabulary/echo.js';
import { seededRandom } from '../../vocabulary/random.js';
import { smoothstep } from './noise.js';

export const rhythms = ['sinus', 'fibrillation', 'extrasystoles'] as const;
type Rhythm = (typeof rhythms)[number];

/** What the address of an echo scene may ask for. null: as the seed has it. */
export interface EchoParameters {
  /** Ejection fraction of a beat that filled completely, measured by disks on the truth, 10 to 75 %. */
  readonly ejectionFractionPercent: number | null;
  /** Mean rate, 45 to 180 per minute. */
  readonly heartRateBpm: number | null;
  readonly rhythm: Rhythm | null;
  /** 0 to 1: how deep the shadow of a rib and how poor the whole window is. */
  readonly dropout: number | null;
  /** Left and right of the sector exchanged, as some laboratories show it. */
  readonly mirrored: boolean;
  /** Of the same ventricle with the same motion of its base; only widths differ, and the right heart is not in the second. */
  readonly view: EchoView;
}

export const plainEcho: EchoParameters = {
  ejectionFractionPercent: null,
  heartRateBpm: null,
  rhythm: null,
  dropout: null,
  mirrored: false,
  view: 'a4c',
};

/** Where the heart stands: phase 0 and contraction 0 at end-diastole, contraction 1 at the end of a full systole. */
export interface HeartMoment {
  /** 0..1 over the beat; end-systole at `systolicShare`. */
  readonly phase: number;
  readonly contraction: number;
  /** Of this very beat. */
  readonly heartRateBpm: number;
}

interface HeartBeat {
  /** Seconds of the scene at which it begins: end-diastole. */
  readonly startS: number;
  /** Seconds at which the ventricle is smallest. */
  readonly systoleS: number;
  readonly endS: number;
}

export interface Heart {
  at(seconds: number): HeartMoment;
  /** Beats, in order, that touch the time from `fromS` to `toS`. */
  between(fromS: number, toS: number): HeartBeat[];
}

/** Contraction over one beat of the plain scene. */
function plainContraction(phase: number): number {
  if (phase < 0.36) return smoothstep(0.02, 0.36, phase);
  if (phase < 0.6) return 1 - 0.72 * smoothstep(0.4, 0.6, phase);
  if (phase < 0.8) return 0.28 - 0.05 * smoothstep(0.6, 0.8, phase);
  return 0.23 * (1 - smoothstep(0.8, 0.96, phase));
}

/** Middle of the flat bottom of `plainContraction`. */
const systolicShare = 0.38;

/** Even beats, one like the other. */
export function plainHeart(heartRateBpm: number): Heart {
  const beatS = 60 / heartRateBpm;
  return {
    at: (seconds) => {
      const beats = (seconds * heartRateBpm) / 60;
      const phase = beats - Math.floor(beats);
      return { phase, contraction: plainContraction(phase), heartRateBpm };
    },
    between: (fromS, toS) => {
      const beats: HeartBeat[] = [];
      for (let beat = Math.floor(fromS / beatS); beat * beatS <= toS; beat += 1)
        beats.push({
          startS: beat * beatS,
          systoleS: (beat + systolicShare) * beatS,
          endS: (beat + 1) * beatS,
        });
      return beats;
    },
  };
}

interface TimedBeat extends HeartBeat {
  /** Contraction at its start (what was not filled) and at its end-systole. */
  readonly rest: number;
  readonly depth: number;
}

/** The sweep of the ECG shows 3.2 s before the first picture. */
const beforeS = 4;
const shortestS = 60 / 200;

export function timedHeart(seed: number, heartRateBpm: number, rhythm: Rhythm): Heart {
  // Its own numbers, so that the anatomy of a seed stays whatever the rhythm is.
  const random = seededRandom(seed ^ 0x5eed_b0a7);
  const meanS = 60 / heartRateBpm;
  const beats: TimedBeat[] = [];
  let nextS = -beforeS - random() * meanS;
  let last = 1;
  let untilEarly = 2 + Math.floor(random() * 3);

  /** Length of the next beat as a share of the mean. */
  const share = (): number => {
    switch (rhythm) {
      case 'sinus':
        return 1 + 0.03 * Math.sin((2 * Math.PI * nextS) / 4.7) + 0.02 * (random() - 0.5);
      case 'fibrillation':
        // Nearly normal, 22 % wide, within what a node lets pass.
        return Math.min(1.6, Math.max(0.55, 1 + 0.38 * (random() + random() + random() - 1.5)));
      case 'extrasystoles': {
        untilEarly -= 1;
        // The early beat comes after 0.6 of the time, the pause behind it makes up for that.
        if (untilEarly === 0) return 0.6;
        if (untilEarly > 0) return 1 + 0.02 * (random() - 0.5);
        untilEarly = 3 + Math.floor(random() * 4);
        return 1.4;
      }
    }
  };
  const extend = (untilS: number): void => {
    while (nextS <= untilS) {
      // After a short beat the ventricle is not full.
      const missing = Math.min(1, Math.max(0, (0.85 - last) / 0.35));
      last = share();
      const lengthS = Math.max(shortestS, last * meanS);
      beats.push({
        startS: nextS,
        systoleS: nextS + Math.min(0.65 * lengthS, 0.36 * Math.sqrt(lengthS)),
        endS: nextS + lengthS,
        rest: 0.25 * missing,
        depth: 1 - 0.2 * missing,
      });
      nextS += lengthS;
    }
  };
  const indexAt = (seconds: number): number => {
    extend(seconds + 3);
    let low = 0;
    let high = beats.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((beats[middle] as TimedBeat).startS <= seconds) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  /** 1 at end-systole to 0 at the end of the beat, over `u` from 0 to 1; it never stands still before the end. */
  const filling = (u: number): number =>
    rhythm === 'fibrillation'
      ? // No atrial kick: early filling, then slowly on.
        1 - 0.85 * smoothstep(0, 0.55, u) - 0.15 * Math.max(0, (u - 0.3) / 0.7)
      : 1 - 0.72 * smoothstep(0, 0.42, u) - 0.05 * smoothstep(0.3, 0.8, u) - 0.23 * smoothstep(0.7, 1, u);
  return {
    at: (seconds) => {
      const index = indexAt(seconds);
      const beat = beats[index] as TimedBeat;
      const next = beats[index + 1] as TimedBeat;
      const rate = 60 / (beat.endS - beat.startS);
      if (seconds < beat.systoleS) {
        const t = Math.max(0, (seconds - beat.startS) / (beat.systoleS - beat.startS));
        return {
          phase: systolicShare * t,
          contraction: beat.rest + (beat.depth - beat.rest) * smoothstep(0, 1, t),
          heartRateBpm: rate,
        };
      }
      const u = (seconds - beat.systoleS) / (beat.endS - beat.systoleS);
      return {
        phase: Math.min(1, systolicShare + (1 - systolicShare) * u),
        contraction: next.rest + (beat.depth - next.rest) * filling(u),
        heartRateBpm: rate,
      };
    },
    between: (fromS, toS) => beats.slice(indexAt(fromS), indexAt(toS) + 1),
  };
}

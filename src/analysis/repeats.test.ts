import { expect, it } from 'vitest';
import { glanceSize } from '../vocabulary/glance.js';
import { seededRandom } from '../vocabulary/random.js';
import { repeatsItself } from './repeats.js';

type Frame = Parameters<typeof repeatsItself>[0][number];

const perSecond = 25;
/** 0 at end-diastole, 1 at end-systole. */
const contraction = (share: number): number =>
  share < 0.4
    ? (1 - Math.cos((Math.PI * share) / 0.4)) / 2
    : (1 + Math.cos((Math.PI * (share - 0.4)) / 0.6)) / 2;

/** Grain that moves with the wall, partly that of this beat alone, as no two beats cut quite the same slice; `noise` in sixteenths of the grey range is that of each picture alone. */
function picture(share: number, beat: number, noise: () => number): number[] {
  const texture = (at: number): number =>
    7.5 + 2.5 * Math.sin(at * 1.7) + 3.5 * Math.sin(at * 4.1 + 2.3 * beat);
  return Array.from({ length: glanceSize * glanceSize }, (_, cell) => {
    const [x, y] = [cell % glanceSize, Math.floor(cell / glanceSize)];
    return texture(y + 0.37 * x - 3 * contraction(share)) + noise();
  });
}

interface Options {
  readonly seed?: number;
  /** Of each picture of the heart, levels of the glance. */
  readonly noise?: number;
  /** What an encoder changes of each picture anew, levels of the glance. */
  readonly coding?: number;
  /** By how much the outline differs for what the encoder has changed, share of its own noise. */
  readonly outline?: number;
  /** Pictures of the beat; fewer than a beat has are a loop of a part. */
  readonly beat?: number;
  /** Pictures that come again and again; null: a heart. */
  readonly loop?: number | null;
  /** Share of the pictures that nobody has analysed. */
  readonly missing?: number;
  readonly glances?: boolean;
}

function frames({
  seed = 1,
  noise = 1.5,
  coding = 1,
  outline = 0.5,
  beat = 21,
  missing = 0,
  ...more
}: Options): Frame[] {
  const { loop = null, glances = true } = more;
  const random = seededRandom(seed);
  const spread = (width: number) => (): number => (random() + random() + random() - 1.5) * 2 * width;
  const own = Array.from({ length: loop ?? 5 * beat }, (_, index) => {
    const share = (index % beat) / beat;
    const size = 1 - 0.2 * contraction(share);
    const jitter = spread(0.005);
    return {
      levels: picture(share, Math.floor(index / beat), spread(noise)),
      area: 2000 * (size + jitter()),
      length: 80 * (size + jitter()),
    };
  });
  const centre = spread(0.2);
  const encoded = spread(coding);
  const drawn = spread(0.005 * outline);
  return Array.from({ length: 5 * (loop ?? beat) }, (_, index): Frame => {
    const { levels, area, length } = own[index % own.length] as (typeof own)[number];
    const again = loop === null ? () => 0 : encoded;
    const off = loop === null ? 0 : drawn();
    const glance = Uint8Array.from(levels, (level) => Math.min(15, Math.max(0, Math.round(level + again()))));
    return {
      ptsNs: Math.round((index * 1e9) / perSecond),
      shape: {
        area: area * (1 + off),
        length: length * (1 + off),
        centroid: [100 + centre(), 90 + centre()],
      },
      picture: glances ? { glance, box: [0.3, 0.2, 0.7, 0.8] } : null,
    };
  }).filter(() => random() >= missing);
}

const seeds = [1, 2, 3, 4, 5, 6];
const seen = (options: Options, pictures: number): boolean[] =>
  seeds.map((seed) => repeatsItself(frames({ ...options, seed }), (pictures * 1e9) / perSecond));
const all = (value: boolean): boolean[] => seeds.map(() => value);

it('knows a loop that was encoded with loss by its pictures, of part of a beat and of a whole one', () => {
  for (const loop of [9, 14, 18, 21])
    for (const coding of [0, 0.5, 1])
      expect([loop, coding, seen({ loop, coding }, loop)]).toEqual([loop, coding, all(true)]);
});

it('knows it where the beats are a little off its length, and where others of its pictures are analysed in each round', () => {
  expect(seen({ loop: 14 }, 15.4)).toEqual(all(true));
  for (const beat of [16.5, 23.5]) expect([beat, seen({ loop: 20 }, beat)]).toEqual([beat, all(true)]);
  // A short one of which fewer pictures than can be compared are analysed in a round.
  for (const missing of [0.2, 0.3])
    expect(seen({ loop: 9, missing }, 9).filter(Boolean).length, String(missing)).toBeGreaterThan(4);
  // Each turn asks anew, so that one that is not noticed is at the next.
  expect(seen({ loop: 18, missing: 0.4 }, 18).filter(Boolean).length).toBeGreaterThan(4);
});

it('does not take a heart for one, however even its beats', () => {
  for (const noise of [1.5, 3])
    for (const missing of [0, 0.4])
      expect([noise, missing, seen({ noise, missing }, 21)]).toEqual([noise, missing, all(false)]);
  for (const beat of [17, 25]) expect(seen({}, beat)).toEqual(all(false));
  // A fast one.
  for (const missing of [0, 0.3]) expect(seen({ beat: 9, missing }, 9)).toEqual(all(false));
});

it('has only the outlines to go by where no picture was kept', () => {
  expect(seen({ loop: 14, glances: false, outline: 0 }, 14)).not.toContain(true);
  expect(seen({ loop: 14, glances: false, outline: 0.5 }, 14)).toEqual(all(false));
  expect(seen({ glances: false }, 21)).toEqual(all(false));
});

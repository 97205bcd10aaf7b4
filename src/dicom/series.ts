/**
 * Pictures that are a DICOM object each and a clip together: which of a series belong to one clip, in which order they follow each
 * other, and when each is shown. Pure. docs/decisions/0121-a-series-of-single-pictures-is-a-clip.md.
 */
import type { DataSet } from './data-set.js';
import type { StoredPixels } from './image.js';
import { assumedFramesPerSecond, readFrameTimes, timesOf, type FrameTimes } from './times.js';

/** One object of one picture, as far as its place in a clip needs it. */
export interface SeriesMember {
  /** Of the file in its folder. */
  readonly name: string;
  readonly seriesUid: string;
  /** Number and description of the series, for a list. */
  readonly seriesTitle: string;
  readonly instanceUid: string;
  /** Equal for pictures that can be one clip: size, scale, orientation, class. */
  readonly kind: string;
  /** Upper left corner in millimetres, (0020,0032) along the normal of (0020,0037); null where it is not said. */
  readonly placeMm: number | null;
  readonly temporalPosition: number | null;
  readonly instanceNumber: number | null;
  /** Milliseconds since 1970 or, without a date, since midnight; of the acquisition, and of the content. */
  readonly acquiredMs: number | null;
  readonly contentMs: number | null;
  /** Milliseconds behind the R wave or another trigger. */
  readonly triggerMs: number | null;
  /** A constant time that the header gives for a picture. */
  readonly stepNs: number | null;
}

export interface SeriesClip {
  readonly seriesUid: string;
  /** Number of the clip among those of its series, from 1. */
  readonly part: number;
  /** How many clips the series has. */
  readonly parts: number;
  /** In order. */
  readonly members: readonly SeriesMember[];
  /** What the order and the times were taken from, in words. */
  readonly order: string;
  readonly times: FrameTimes;
  /** Numbers of instances that are missing between the first and the last; 0 where the order is not theirs. */
  readonly missingNumbers: number;
}

/** Pictures that are farther apart are no moving picture: stills of an examination, minutes apart, are in one series too. */
const longestStepMs = 5_000;
/** Secondary capture: its times are those of whoever wrote the file. */
const captureClasses = '1.2.840.10008.5.1.4.1.1.7';

/** @param name of the file; undefined where the object does not say which series it belongs to */
export function memberOf(
  name: string,
  set: DataSet,
  pixels: StoredPixels,
  calibration: unknown,
): SeriesMember | undefined {
  const seriesUid = set.ascii(0x0020000e);
  if (seriesUid === undefined || !/^[0-9.]{1,64}$/.test(seriesUid)) return undefined;
  const sopClass = set.ascii(0x00080016) ?? '';
  const orientation = set.numbers(0x00200037, 'DS');
  const { size, pixelAspect, voi, bitsStored, samplesPerPixel } = pixels;
  // Their grey is decided from all pictures of a clip, so these are stored in one way.
  const stored =
    voi === null && bitsStored > 8 && samplesPerPixel === 1 ? { ...pixels, extremes: null } : null;
  const kind = [size, pixelAspect, calibration, orientation.map((x) => x.toFixed(4)), sopClass, stored];
  const { mediaNs, origin } = readFrameTimes(set, 2, 2);
  const whole = (tag: number): number | null => set.number(tag, 'DS') ?? null;
  return {
    name,
    seriesUid,
    seriesTitle: titleOf(set),
    instanceUid: set.ascii(0x00080018) ?? '',
    kind: JSON.stringify(kind, (_, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
    ),
    placeMm: placeOf(set.numbers(0x00200032, 'DS'), orientation),
    temporalPosition: whole(0x00200100),
    instanceNumber: whole(0x00200013),
    acquiredMs: momentOf(set, 0x0008002a, 0x00080022, 0x00080032),
    contentMs: sopClass.startsWith(captureClasses) ? null : momentOf(set, 0, 0x00080023, 0x00080033),
    triggerMs: whole(0x00181060),
    stepNs: origin === null ? null : (mediaNs[1] ?? null),
  };
}

function titleOf(set: DataSet): string {
  const number = set.number(0x00200011, 'DS');
  return [...(number === undefined ? [] : [`series ${number}`]), set.text(0x0008103e) ?? '']
    .filter((part) => part !== '')
    .join(', ');
}

function placeOf(position: readonly number[], orientation: readonly number[]): number | null {
  const [x, y, z] = position;
  const [a, b, c, d, e, f] = orientation;
  if (x === undefined || y === undefined || z === undefined) return null;
  if (a === undefined || b === undefined || c === undefined) return null;
  if (d === undefined || e === undefined || f === undefined) return null;
  const along = x * (b * f - c * e) + y * (c * d - a * f) + z * (a * e - b * d);
  return Number.isFinite(along) ? Math.round(along * 1000) / 1000 : null;
}

/** A date and time (DT), or a date (DA) and a time (TM). */
function momentOf(set: DataSet, dateTimeTag: number, dateTag: number, timeTag: number): number | null {
  const both = set.ascii(dateTimeTag);
  const text = both ?? `${set.ascii(dateTag) ?? '19700101'}${set.ascii(timeTag) ?? ''}`;
  const match = /^(\d{4})\.?(\d\d)\.?(\d\d)(\d\d):?(\d\d):?(\d\d)(\.\d{1,6})?/.exec(text);
  if (match === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second) + Number(match[7] ?? 0) * 1000;
}

interface Grouped {
  readonly clips: readonly SeriesClip[];
  /** Files that hold what another one holds. */
  readonly copies: readonly { readonly name: string; readonly of: string }[];
}

/**
 * @param members of one folder, of any number of series
 * @returns clips by series and part; those of one picture too
 */
export function groupSeries(members: readonly SeriesMember[]): Grouped {
  const copies: { name: string; of: string }[] = [];
  const first = new Map<string, string>();
  const single = [...members].sort(byName).filter(({ name, seriesUid, instanceUid }) => {
    const key = `${seriesUid}/${instanceUid}`;
    const of = first.get(key);
    if (of === undefined || instanceUid === '') first.set(key, of ?? name);
    else copies.push({ name, of });
    return of === undefined || instanceUid === '';
  });
  const clips = [...grouped(single, ({ seriesUid }) => seriesUid)].flatMap(([seriesUid, series]) => {
    const parts = [...grouped(series, ({ kind }) => kind).values()]
      .flatMap(byPlaces)
      .map(inOrder)
      .flatMap(withoutPauses)
      .sort((a, b) => byName(a.members[0], b.members[0]));
    return parts.map(({ members: ordered, order }, i): SeriesClip => {
      const times = timesOfMembers(ordered);
      return {
        ...{ seriesUid, part: i + 1, parts: parts.length, members: ordered, times },
        order: `order by ${order}`,
        missingNumbers: order === instanceNumbers ? missingOf(ordered) : 0,
      };
    });
  });
  return { clips, copies };
}

function grouped<T>(list: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of list) {
    const group = groups.get(keyOf(one));
    if (group === undefined) groups.set(keyOf(one), [one]);
    else group.push(one);
  }
  return groups;
}

const naturalOrder = new Intl.Collator('en', { numeric: true }).compare;
const byName = (a: SeriesMember | undefined, b: SeriesMember | undefined): number =>
  naturalOrder(a?.name ?? '', b?.name ?? '') || ((a?.name ?? '') < (b?.name ?? '') ? -1 : 1);

/** Several places that have equally many pictures each are as many clips; a place for each picture is a sweep or a stack. */
function byPlaces(members: readonly SeriesMember[]): readonly (readonly SeriesMember[])[] {
  if (members.some(({ placeMm }) => placeMm === null)) return [members];
  const places = [...grouped(members, ({ placeMm }) => String(placeMm)).values()];
  const each = members.length / places.length;
  return places.length > 1 && each > 1 && places.every(({ length }) => length === each) ? places : [members];
}

type Ordered = { readonly members: readonly SeriesMember[]; readonly order: string };

const instanceNumbers = 'instance number';

/** By the first number that tells all of them apart, as viewers do; else by name. */
function inOrder(members: readonly SeriesMember[]): Ordered {
  const keys: readonly (readonly [order: string, key: (member: SeriesMember) => number | null])[] = [
    ['temporal position', ({ temporalPosition }) => temporalPosition],
    [instanceNumbers, ({ instanceNumber }) => instanceNumber],
    ['time of acquisition', ({ acquiredMs }) => acquiredMs],
    ['trigger time', ({ triggerMs }) => triggerMs],
    ['time of content', ({ contentMs }) => contentMs],
    ['place', ({ placeMm }) => placeMm],
  ];
  for (const [order, key] of keys) {
    const values = members.map(key);
    if (values.some((value) => value === null) || new Set(values).size < values.length) continue;
    return { order, members: [...members].sort((a, b) => (key(a) ?? 0) - (key(b) ?? 0)) };
  }
  return { order: 'file name', members: [...members].sort(byName) };
}

/** Where the times say that nothing was recorded for seconds, another clip begins; not where the header gives a frame time. */
function withoutPauses({ members, order }: Ordered): readonly Ordered[] {
  if (members.some(({ stepNs }) => stepNs !== null)) return [{ members, order }];
  const steps = stepsOf(members, ({ acquiredMs, contentMs }) => acquiredMs ?? contentMs);
  if (steps === null) return [{ members, order }];
  const cuts = steps.flatMap((stepNs, i) => (stepNs > longestStepMs * 1e6 ? [i + 1] : []));
  return [0, ...cuts].map((from, i) => ({ order, members: members.slice(from, cuts[i]) }));
}

/** Nanoseconds between them; null where one is missing, or they do not rise with the order. */
function stepsOf(
  members: readonly SeriesMember[],
  key: (member: SeriesMember) => number | null,
  mayRest = false,
): readonly number[] | null {
  const steps = members.slice(1).map((member, i) => {
    const before = members[i];
    const [now, then] = [key(member), before === undefined ? null : key(before)];
    return now === null || then === null ? NaN : Math.round((now - then) * 1e6);
  });
  const rise = steps.every((step) => (mayRest ? step >= 0 : step > 0)) && steps.some((step) => step > 0);
  return rise ? steps : null;
}

function timesOfMembers(members: readonly SeriesMember[]): FrameTimes {
  const constant = members[0]?.stepNs ?? null;
  const acquired = (mayRest: boolean) =>
    [stepsOf(members, ({ acquiredMs }) => acquiredMs, mayRest), 'time of acquisition'] as const;
  const found = (
    [
      acquired(false),
      [stepsOf(members, ({ triggerMs }) => triggerMs), 'trigger time'],
      [
        constant !== null && members.every(({ stepNs }) => stepNs === constant)
          ? members.slice(1).map(() => constant)
          : null,
        'frame time',
      ],
      acquired(true),
      [stepsOf(members, ({ contentMs }) => contentMs, true), 'time of content'],
    ] as const
  ).find(([steps]) => steps !== null && steps.length > 0);
  if (found !== undefined) return timesOf(found[0] ?? [], members.length, found[1]);
  const assumed = Array.from({ length: Math.max(1, members.length - 1) }, () => 1e9 / assumedFramesPerSecond);
  return { ...timesOf(assumed, members.length, null), framesPerSecond: null };
}

function missingOf(members: readonly SeriesMember[]): number {
  const first = members[0]?.instanceNumber ?? 0;
  const last = members.at(-1)?.instanceNumber ?? 0;
  return Math.max(0, last - first + 1 - members.length);
}

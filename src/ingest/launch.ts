/**
 * The GStreamer launch string of one stream. Pure.
 *
 * ```
 * camera ─ decode ─ queue(decoded) ─ deinterlace ─ flip ─┬─ gate ─ shape      one whole picture now and then: its caps
 * appsrc ─────────  queue(decoded) ──────────────────────┤                   (cameras only: a feed says its shape itself)
 *                                                        ├─ 4×1 grey ─┬─ pace  waits until a file's frame is due
 *                                                        │            └─ index every frame's PTS
 *                                                        ├─ queue ─ scale ─ RGB ─ analysis
 *                                                        └─ queue ─ JPEG ─ display
 * ```
 *
 * Recorded files, scenes, DICOM and folders come through appsrc with everything known before the start, so nothing is negotiated
 * again while pictures flow and the same source gives the same bytes.
 *
 * The addon cannot read a PTS, so each sample travels as a GDP packet, whose header has it. The index branch
 * never drops and costs four bytes per frame: it tells how many frames there were and which are missing in
 * the other two. Those have a leaky queue each (live mode) and share nothing, so neither waits for the other.
 */
import type { PictureSize } from '../vocabulary/frame.js';
import { isFourToOne } from './picture-format.js';
import type { PixelFormat } from './sample-layout.js';
import { isFed, isLive, type FedAddress, type SourceAddress } from './source-uri.js';

interface LaunchOptions {
  readonly analysisSize: PictureSize | null;
  readonly displayQuality: number | null;
  readonly mode: 'live' | 'replay';
  /** Of sources whose pictures come through appsrc; null for cameras. */
  readonly fed: FedShape | null;
}

/** What a feed tells GStreamer before its first picture. */
export interface FedShape {
  readonly size: PictureSize;
  /** Columns with those that fill up the JPEG encoder's blocks. */
  readonly paddedWidth: number;
  readonly pixelFormat: PixelFormat;
  readonly colorimetry: string;
  readonly framesPerSecond: number | null;
}

/** A string value in gst-launch syntax. */
export function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

/** Named, for people who look at threads; short, because thread names are cut at 15 characters. */
const smallQueue = (
  name: 'decoded' | 'displayqueue' | 'analysisqueue',
  buffers: number,
  leaky: boolean,
): string =>
  `queue name=${name} max-size-buffers=${buffers} max-size-bytes=0 max-size-time=0${leaky ? ' leaky=downstream' : ''}`;

/** GStreamer's fraction for a frame rate: exact for 25, 30000/1001 and the like. */
export function fraction(framesPerSecond: number): string {
  const ntsc = Math.round((framesPerSecond * 1001) / 1000);
  if (Math.abs((ntsc * 1000) / 1001 - framesPerSecond) < 1e-4 && !Number.isInteger(framesPerSecond))
    return `${ntsc * 1000}/1001`;
  const thousandths = Math.round(framesPerSecond * 1000);
  return thousandths % 1000 === 0 ? `${thousandths / 1000}/1` : `${thousandths}/1000`;
}

/** Beside the address, not in it: any sign may be in a password, and error texts that repeat the address do not repeat it. */
function login(given: Extract<SourceAddress, { kind: 'rtsp' }>['login']): string {
  return given === null ? '' : ` user-id=${quote(given.user)} user-pw=${quote(given.password)}`;
}

/** The camera of an address up to its raw pictures. */
export function cameraLaunch(address: Exclude<SourceAddress, FedAddress>): string {
  switch (address.kind) {
    case 'rtsp':
      return (
        `rtspsrc location=${quote(address.location)}${login(address.login)} protocols=${address.transport} latency=${address.latencyMs} ` +
        // Microseconds. timeout is the time without UDP packets before rtspsrc falls back to TCP.
        `drop-on-latency=true tcp-timeout=8000000 timeout=5000000 ! application/x-rtp,media=video ! decodebin`
      );
    case 'srt':
      return `srtsrc uri=${quote(address.location)} ! decodebin`;
    case 'v4l2': {
      const size =
        (address.width === null ? '' : `,width=${address.width}`) +
        (address.height === null ? '' : `,height=${address.height}`) +
        (address.framesPerSecond === null ? '' : `,framerate=${fraction(address.framesPerSecond)}`);
      const media =
        address.encoding === 'mjpeg' ? 'image/jpeg' : address.encoding === 'raw' ? 'video/x-raw' : null;
      const filter =
        media !== null ? ` ! ${media}${size}` : size === '' ? '' : ` ! video/x-raw${size};image/jpeg${size}`;
      return `v4l2src device=${quote(address.device)}${filter === '' ? '' : filterCaps(filter)} ! decodebin`;
    }
    case 'decklink':
      return (
        `decklinkvideosrc device-number=${address.deviceNumber} mode=${address.mode} ` +
        `connection=${address.connection} drop-no-signal-frames=true buffer-size=3`
      );
  }
}

/**
 * Pictures woven of two fields are taken apart before anything scales them: one picture for one, motion-adaptive, so that
 * numbers and rate stay. Progressive ones pass untouched.
 */
function deinterlacer(address: SourceAddress): string {
  const isOff = 'deinterlacing' in address && address.deinterlacing === 'off';
  // Left woven they are plain pictures to all that follows: scaling the fields apart would weave them anew, and one row has none.
  return isOff
    ? '! capssetter caps="video/x-raw,interlace-mode=progressive" '
    : '! deinterlace mode=auto fields=top method=yadif ';
}

function feedLaunch({ size, paddedWidth, pixelFormat, colorimetry, framesPerSecond }: FedShape): string {
  const rate = framesPerSecond === null ? '0/1' : fraction(framesPerSecond);
  return (
    `appsrc name=source format=time is-live=false max-bytes=0 caps=` +
    quote(
      `video/x-raw,format=${pixelFormat},width=${paddedWidth},height=${size.height},framerate=${rate},` +
        `pixel-aspect-ratio=1/1,colorimetry=${colorimetry},interlace-mode=progressive`,
    )
  );
}

/** Caps alternatives hold a semicolon, which only capsfilter's property takes. */
function filterCaps(filter: string): string {
  const caps = filter.slice(' ! '.length);
  return caps.includes(';') ? ` ! capsfilter caps=${quote(caps)}` : filter;
}

/** True where the source's own clock must be imitated: the pace sink waits for each frame's time. */
export function isPaced(address: SourceAddress, mode: 'live' | 'replay'): boolean {
  return mode === 'live' && !isLive(address);
}

/**
 * Caps of the display branch's two steps (`displaythrough`, then `displaycolour`). JFIF is full-range BT.601 whatever the
 * camera sends, and jpegenc does not convert.
 *
 * `full` keeps all colour there is. By way of RGB, because from limited to full range within BT.601 videoconvert 1.22
 * changes nothing and the picture pales.
 *
 * `fourToOne` is for sources that have one colour sample for four pixels: converted in one step and encoded as they are,
 * in half the time. The target is called FCC, whose matrix is BT.601's to the third digit, so that videoconvert sees a
 * change and does it. It rounds down: a level or two of 255 darker in blue, one in red (decision 0074).
 */
export const displayCaps = {
  full: { through: 'video/x-raw,format=RGBx', colour: 'video/x-raw,format=Y444,colorimetry=1:4:0:0' },
  fourToOne: { through: 'video/x-raw', colour: 'video/x-raw,format=I420,colorimetry=1:2:0:0' },
} as const;

/** Samples that are what JFIF wants already. */
const jfifColorimetry = '1:4:0:0';

function displayStepsOf(fed: FedShape): { readonly through: string; readonly colour: string } {
  const isYuv = fed.pixelFormat === 'I420' || fed.pixelFormat === 'Y42B' || fed.pixelFormat === 'Y444';
  if (!isYuv) return displayCaps.full;
  // In one step: by way of RGB videoconvert loses up to five levels.
  const format = isFourToOne(fed.pixelFormat) ? 'I420' : 'Y444';
  const colorimetry = fed.colorimetry === jfifColorimetry ? jfifColorimetry : '1:2:0:0';
  return { through: 'video/x-raw', colour: `video/x-raw,format=${format},colorimetry=${colorimetry}` };
}

export function launchString(address: SourceAddress, options: LaunchOptions): string {
  const live = options.mode === 'live';
  const { fed } = options;
  // A short stall of a busy machine must not cost a picture: four wait for the display, two for the analysis,
  // where the newest counts more. In replay mode two of each hold the source back.
  const waiting = { display: live ? 4 : 2, analysis: 2 };
  const sink = (name: 'display' | 'analysis'): string =>
    `gdppay ! appsink name=${name} sync=false async=false max-buffers=${waiting[name]} drop=${live}`;
  const parts = [
    !isFed(address)
      ? // A picture of which parts were never received (a stream joined between two key pictures) is not a picture: it is
        // not shown, not numbered and not given to the tracker.
        `${cameraLaunch(address)} ! identity drop-buffer-flags=corrupted ! ${smallQueue('decoded', 3, false)} ! videoconvert ${deinterlacer(address)}` +
        '! videoflip video-direction=auto ! tee name=picture'
      : `${feedLaunch(needed(fed))} ! ${smallQueue('decoded', 3, false)} ! tee name=picture`,
    'picture. ! videoscale method=nearest-neighbour ! videoconvert ' +
      '! video/x-raw,format=GRAY8,width=4,height=1,pixel-aspect-ratio=1/1 ! tee name=tick',
    // A tee serves its pads in order and waits for each: this sink lets a frame pass when it is due. gdppay
    // starts a segment of its own, so its sink could not do that.
    `tick. ! fakesink name=pace sync=${isPaced(address, options.mode)}`,
    // Never dropping: in live mode unbounded, but of 66-byte packets; in replay mode it holds the source back.
    `tick. ! gdppay ! appsink name=index sync=false async=false max-buffers=${live ? 0 : 4}`,
  ];
  if (fed === null)
    // After the index branch: a sink that holds its preroll buffer would keep the index from getting any. Its caps
    // come as a GDP packet.
    parts.push(
      'picture. ! valve name=gate drop-mode=forward-sticky-events ! gdppay ! appsink name=shape sync=false async=false',
    );
  if (options.analysisSize !== null) {
    const { width, height } = options.analysisSize;
    const small = `width=${width},height=${height},pixel-aspect-ratio=1/1`;
    const extra = fed === null ? 0 : fed.paddedWidth - fed.size.width;
    // Before the display branch: its millisecond of work then starts before the several of the JPEG, not beside them.
    // Plain bilinear reads two pixels per axis and aliases when it shrinks; bilinear2 reads all of them and comes within
    // a third of a grey level of what evaluation feeds the network.
    parts.push(
      `picture. ! ${smallQueue('analysisqueue', waiting.analysis, live)}${extra > 0 ? ` ! videocrop right=${extra}` : ''} ` +
        '! videoscale add-borders=false method=bilinear2 ' +
        // By way of 16 bits: from 8 bits of YUV straight to RGB videoconvert 1.22 is up to five levels of 255 too dark.
        (fed !== null && ['RGB', 'RGBx', 'GRAY8'].includes(fed.pixelFormat)
          ? '! videoconvert '
          : `! videoconvert ! video/x-raw,format=ARGB64,${small} ! videoconvert dither=none `) +
        `! video/x-raw,format=RGB,${small} ! ${sink('analysis')}`,
    );
  }
  if (options.displayQuality !== null) {
    const steps = fed === null ? displayCaps.full : displayStepsOf(fed);
    parts.push(
      `picture. ! ${smallQueue('displayqueue', waiting.display, live)} ` +
        (fed === null
          ? '! videoscale add-borders=false ! capsfilter name=displaysize caps="video/x-raw,pixel-aspect-ratio=1/1" '
          : '') +
        // Until a camera's pixel format is known, nothing is given away.
        `! videoconvert ! capsfilter name=displaythrough caps="${steps.through}" ` +
        `! videoconvert ! capsfilter name=displaycolour caps="${steps.colour}" ` +
        `! jpegenc quality=${options.displayQuality} ! ${sink('display')}`,
    );
  }
  return parts.join('\n');
}

function needed(fed: FedShape | null): FedShape {
  if (fed === null) throw new Error('a source that is no camera needs its shape');
  return fed;
}

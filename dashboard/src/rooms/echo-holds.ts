/**
 * Held measurements of an echo room: asks the server to hold what stands now, and shows what it holds as cards with the two pictures,
 * to be printed or kept as files. Runs in the page; the server keeps them, so they outlive a reload.
 */
import './echo-holds.css';
import type { HeldMeasurement, HeldPicture } from '../../../src/protocol/hold-requests.js';
import { colourOf, slotOfId } from '../../../src/vocabulary/palette.js';
import { openDialog } from '../app/dialog.js';
import { h, svg } from '../app/dom.js';
import { icon } from '../app/icons.js';
import type { IconName } from '../app/icons.js';
import type { PaintingWorker } from '../app/painting-worker.js';
import { Signal } from '../app/signal.js';
import { toast, toastError } from '../app/toast.js';
import { emphasisOf } from '../core/emphasis.js';
import { smoothClosed } from '../core/outline-path.js';
import { heldFileName, heldWords, pictureSource } from '../core/held.js';
import { msg, say, t } from '../core/texts.js';

const moments = [
  ['endDiastole', msg('End-diastole'), '▲'],
  ['endSystole', msg('End-systole'), '▼'],
] as const;
/** Smoothed like the outlines on the live picture; there it is done in mask pixels, of which a picture has about so many across. */
const maskPixels = 160;

function pathOf(rings: HeldPicture['outlines'][number]['rings'], pictureWidth: number): string {
  const unit = pictureWidth / maskPixels;
  return rings
    .map((ring) =>
      smoothClosed(ring.map(([x, y]): [number, number] => [x / unit, y / unit]))
        .map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${(x * unit).toFixed(1)} ${(y * unit).toFixed(1)}`)
        .join(''),
    )
    .map((ring) => `${ring}Z`)
    .join('');
}

function pictureFigure(caption: string, picture: HeldPicture | null): HTMLElement {
  if (!picture)
    return h(
      'figure',
      { class: 'held-picture' },
      h('p', { class: 'hint' }, t('No picture was kept.')),
      h('figcaption', {}, caption),
    );
  const { width, height } = picture.size;
  const labels = picture.outlines.map(({ label }) => label);
  return h(
    'figure',
    { class: 'held-picture' },
    h(
      'div',
      { class: 'held-frame', style: `aspect-ratio: ${width} / ${height}` },
      h('img', { src: pictureSource(picture), alt: caption, draggable: 'false' }),
      svg(
        'svg',
        { viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' },
        ...picture.outlines.map(({ objectId, label, rings }) => {
          const { width: share, opacity } = emphasisOf(label, labels);
          return svg('path', {
            ...{ d: pathOf(rings, width), stroke: colourOf(slotOfId(objectId), 'ultrasound') },
            ...{ 'stroke-width': 2.2 * share, opacity },
          });
        }),
      ),
    ),
    h('figcaption', {}, caption),
  );
}

function save(name: string, content: Blob): void {
  const address = URL.createObjectURL(content);
  h('a', { href: address, download: name }).click();
  // The browser reads it after the click; a minute is long enough for any disk.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** The card as one picture: both moments with their outlines, the figures below. */
async function drawCard(held: HeldMeasurement): Promise<Blob> {
  const [width, pictureWidth, pad] = [1600, 780, 16];
  const loaded = await Promise.all(
    moments.map(async ([moment, name, sign]) => {
      const caption = `${say(name)} ${sign}`;
      const picture = held.pictures?.[moment] ?? null;
      if (!picture) return { caption, picture, image: null };
      const image = new Image();
      image.src = pictureSource(picture);
      await image.decode();
      return { caption, picture, image };
    }),
  );
  const pictureHeight = Math.max(
    200,
    ...loaded.map(({ picture }) => (picture ? (pictureWidth * picture.size.height) / picture.size.width : 0)),
  );
  const words = heldWords(held);
  const canvas = h('canvas', { width, height: Math.ceil(pictureHeight) + 330 });
  const context = canvas.getContext('2d');
  if (!context) throw new Error(t('This browser cannot make a picture of the card.'));
  context.fillStyle = '#0a0d11';
  context.fillRect(0, 0, canvas.width, canvas.height);
  const font = (px: number, weight = 400): string => `${weight} ${px}px system-ui, "DejaVu Sans", sans-serif`;
  const write = (text: string, x: number, y: number, px: number, colour = '#e8eef4', weight = 400): void => {
    context.font = font(px, weight);
    context.fillStyle = colour;
    context.fillText(text, x, y, width - x - pad);
  };
  loaded.forEach(({ caption, picture, image }, index) => {
    const left = pad + index * (pictureWidth + pad / 2);
    if (picture && image) {
      const scale = pictureWidth / picture.size.width;
      context.drawImage(image, left, pad, pictureWidth, picture.size.height * scale);
      const labels = picture.outlines.map(({ label }) => label);
      for (const { objectId, label, rings } of picture.outlines) {
        const { width: share, opacity } = emphasisOf(label, labels);
        context.save();
        context.translate(left, pad);
        context.scale(scale, scale);
        context.globalAlpha = opacity;
        context.strokeStyle = colourOf(slotOfId(objectId), 'ultrasound');
        context.lineWidth = (3 * share) / scale;
        context.stroke(new Path2D(pathOf(rings, picture.size.width)));
        context.restore();
      }
    }
    write(caption, left, pictureHeight + pad + 30, 24, '#a9b6c3');
  });
  const y = pictureHeight + pad + 115;
  write(words.result, pad, y, 72, '#e8eef4', 700);
  write(words.note, pad, y + 42, 26, '#a9b6c3');
  write(words.figures.map(([name, value]) => `${name} ${value}`).join('     '), pad, y + 92, 30);
  write(words.title, pad, y + 140, 24, '#a9b6c3');
  write(words.origin, pad, y + 174, 22, '#8796a5');
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => {
      if (blob) resolve(blob);
      else reject(new Error(t('This browser cannot make a picture of the card.')));
    }, 'image/png'),
  );
}

/** Prints one card and nothing else of the page. */
function print(card: HTMLElement): void {
  const sheet = h('div', { class: 'print-sheet' }, card.cloneNode(true));
  document.body.append(sheet);
  document.documentElement.classList.add('prints-sheet');
  const done = (): void => {
    document.documentElement.classList.remove('prints-sheet');
    sheet.remove();
  };
  window.addEventListener('afterprint', done, { once: true });
  window.print();
}

function card(held: HeldMeasurement): HTMLElement {
  const words = heldWords(held);
  const button = (text: string, name: IconName, act: () => void): HTMLButtonElement =>
    h('button', { type: 'button', class: 'chip-button', onclick: act }, icon(name), text);
  const element = h(
    'article',
    { class: 'held', 'data-held': held.id, 'aria-label': `${words.result}, ${words.title}` },
    h('header', {}, h('h3', {}, words.result), h('p', {}, words.note)),
    h(
      'div',
      { class: 'held-pictures' },
      ...moments.map(([moment, name, sign]) =>
        pictureFigure(`${say(name)} ${sign}`, held.pictures?.[moment] ?? null),
      ),
    ),
    h(
      'dl',
      { class: 'held-figures' },
      ...words.figures.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))),
    ),
    h(
      'table',
      { class: 'held-beats' },
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ...[t('Beat'), t('EDV'), t('ESV'), t('EF'), t('Heart rate'), t('Counted')].map((text) =>
            h('th', {}, text),
          ),
        ),
      ),
      h(
        'tbody',
        {},
        ...words.beats.map(({ number, cells, reason }) =>
          h(
            'tr',
            { class: reason === '' ? '' : 'not-counted' },
            h('td', {}, String(number)),
            ...cells.map((text) => h('td', {}, text)),
            h('td', {}, reason === '' ? t('yes') : reason),
          ),
        ),
      ),
    ),
    h('p', { class: 'held-origin' }, words.title, h('br'), words.origin),
    h(
      'footer',
      { class: 'held-actions' },
      button(t('Print'), 'print', () => print(element)),
      button('JSON', 'save', () =>
        save(
          heldFileName(held, 'json'),
          new Blob([`${JSON.stringify(held, null, 2)}\n`], { type: 'application/json' }),
        ),
      ),
      button('PNG', 'save', () => {
        drawCard(held).then((blob) => save(heldFileName(held, 'png'), blob), toastError);
      }),
    ),
  );
  return element;
}

export class EchoHolds {
  /** Newest first. */
  readonly list = new Signal<readonly HeldMeasurement[]>([]);
  readonly busy = new Signal(false);
  readonly #worker: PaintingWorker;
  readonly #stream: string;
  #ended = false;

  constructor(worker: PaintingWorker, stream: string) {
    this.#worker = worker;
    this.#stream = stream;
  }

  end(): void {
    this.#ended = true;
  }

  /** What the server holds already: asked for when a room turns out to be an echo room, and after a reconnect. */
  async refresh(): Promise<void> {
    try {
      const { holds } = await this.#worker.call('echo.holds', { stream: this.#stream });
      if (!this.#ended) this.list.value = [...holds].reverse();
    } catch {
      // The server does not know this operation, or the connection broke: then only what is held from here is listed.
    }
  }

  /** Holds what stands now, and shows it. A refusal is said in the server's words. */
  async hold(): Promise<void> {
    if (this.busy.value) return;
    this.busy.value = true;
    try {
      const { held, dropped } = await this.#worker.call('echo.hold', { stream: this.#stream });
      if (this.#ended) return;
      const kept = this.list.value.filter(({ id }) => id !== held.id && !dropped.includes(id));
      this.list.value = [held, ...kept];
      if (dropped.length > 0)
        toast(
          'info',
          t('The room holds a limited number of measurements: number {numbers} was removed.', {
            numbers: dropped.join(', '),
          }),
        );
      this.open();
    } catch (error) {
      if (!this.#ended) toastError(error);
    } finally {
      this.busy.value = false;
    }
  }

  open(): void {
    document.querySelector<HTMLDialogElement>('dialog.dialog')?.close();
    const held = this.list.value;
    openDialog(
      t('Held measurements'),
      held.length === 0
        ? [
            h(
              'p',
              { class: 'muted' },
              t('Nothing is held yet. Hold keeps the figures of the last beats with their pictures.'),
            ),
          ]
        : held.map(card),
      { wide: true },
    );
  }
}

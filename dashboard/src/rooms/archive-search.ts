/** Searches a DICOM archive through the server: patient or study, then its cines, of which one is opened. */
import './archive-search.css';
import type { ResponseOf } from '../../../src/protocol/operations.js';
import { h, setText } from '../app/dom.js';
import { icon } from '../app/icons.js';
import type { PaintingWorker } from '../app/painting-worker.js';
import { sentenceOf } from '../app/toast.js';
import { t } from '../core/texts.js';

type Study = ResponseOf<'archive.studies'>['studies'][number];
type Cine = ResponseOf<'archive.cines'>['cines'][number];

interface ArchiveSearch {
  readonly element: HTMLElement;
  /** Asks which archives there are; called when it is shown. */
  show(): void;
}

/** @param open gets the address of the chosen cine; what it throws is shown */
export function archiveSearch(worker: PaintingWorker, open: (uri: string) => Promise<void>): ArchiveSearch {
  const box = (type: string, name: string, label: string): HTMLInputElement =>
    h('input', {
      type,
      id: `archive-${name}`,
      autocomplete: 'off',
      spellcheck: 'false',
      'aria-label': label,
    });
  const archive = box('text', 'address', t('Archive'));
  const known = h('datalist', { id: 'archive-known' });
  archive.setAttribute('list', known.id);
  archive.placeholder = 'dicomweb://pacs.example:8042/dicom-web';
  const fields = {
    patientName: box('text', 'name', t('Patient name')),
    patientId: box('text', 'number', t('Patient number')),
    description: box('text', 'description', t('Description of the study')),
    from: box('date', 'from', t('From')),
    to: box('date', 'to', t('To')),
  };
  const search = h('button', { type: 'button', class: 'button' }, t('Search'));
  const status = h('p', { class: 'muted', role: 'status', hidden: true });
  const error = h('p', { class: 'field-error', role: 'alert', hidden: true }, icon('alarm'), h('span', {}));
  const results = h('ul', { class: 'archive-studies', 'aria-label': t('Studies') });
  let listed = false;

  const showStatus = (text: string): void => {
    status.hidden = text === '';
    setText(status, text);
  };
  const refuse = (problem: unknown): void => {
    error.hidden = problem === null;
    const span = error.querySelector('span');
    if (span && problem !== null) setText(span, typeof problem === 'string' ? problem : sentenceOf(problem));
  };
  /** One question at a time; the last one counts. */
  let turn = 0;
  const ask = async (what: string, question: () => Promise<void>): Promise<void> => {
    refuse(null);
    showStatus(what);
    search.disabled = true;
    try {
      await question();
    } catch (problem) {
      showStatus('');
      refuse(problem);
    } finally {
      search.disabled = false;
    }
  };

  const find = (): void => {
    const uri = archive.value.trim();
    if (uri === '') {
      refuse(t('Give the address of the archive to search.'));
      archive.focus();
      return;
    }
    const own = ++turn;
    results.replaceChildren();
    void ask(t('Searching …'), async () => {
      const { studies, more } = await worker.call('archive.studies', {
        uri,
        patientName: fields.patientName.value,
        patientId: fields.patientId.value,
        description: fields.description.value,
        from: fields.from.value || null,
        to: fields.to.value || null,
      });
      if (own !== turn) return;
      const count = studies.length;
      showStatus(
        more
          ? t(
              '{count, plural, one {# study} other {# studies}} among the first that the archive names, and there are more. Narrow the search to find others.',
              { count },
            )
          : count === 0
            ? t('No study fits. Leave fields empty to find more.')
            : t('{count, plural, one {# study} other {# studies}}', { count }),
      );
      results.replaceChildren(...studies.map((study) => studyRow(uri, study)));
      results.scrollIntoView({ block: 'nearest' });
    });
  };
  const studyRow = (uri: string, study: Study): HTMLElement => {
    const cines = h('ul', { class: 'archive-cines', hidden: true, 'aria-label': t('Cines of this study') });
    const button = h(
      'button',
      { type: 'button', class: 'archive-study', 'aria-expanded': 'false' },
      h('strong', {}, study.patientName || t('No name')),
      h('span', { class: 'muted' }, study.patientId),
      h('span', {}, study.date || t('no date')),
      h('span', {}, study.description || study.modalities.join(', ')),
    );
    button.addEventListener('click', () => {
      const opens = cines.hidden;
      cines.hidden = !opens;
      button.setAttribute('aria-expanded', String(opens));
      if (!opens || cines.childElementCount > 0) return;
      void ask(t('Looking into the study …'), async () => {
        const found = await worker.call('archive.cines', { uri, study: study.study });
        showStatus(cineCount(found.cines.length, found.others));
        cines.replaceChildren(...found.cines.map(cineRow));
        if (found.cines.length === 0)
          cines.replaceChildren(h('li', { class: 'muted' }, t('No cine in this study.')));
        cines.scrollIntoView({ block: 'nearest' });
      });
    });
    return h('li', {}, button, cines);
  };
  const cineRow = (cine: Cine): HTMLElement =>
    h(
      'li',
      {},
      h(
        'button',
        {
          type: 'button',
          class: 'archive-cine',
          onclick: () => void ask(t('Opening …'), () => open(cine.uri)),
        },
        icon('recordings'),
        h('span', {}, cine.seriesDescription || cine.modality || t('Cine')),
        h('span', { class: 'muted' }, cineFacts(cine)),
      ),
    );

  search.addEventListener('click', find);
  const field = (label: string, input: HTMLInputElement, isWide = false): HTMLElement =>
    h('div', { class: isWide ? 'field wide' : 'field' }, h('label', { for: input.id }, label), input);
  const element = h(
    'div',
    { class: 'archive-search', hidden: true },
    h(
      'div',
      { class: 'field archive-address' },
      h('label', { for: archive.id }, t('Archive')),
      archive,
      known,
    ),
    h(
      'div',
      { class: 'archive-fields' },
      field(t('Patient name'), fields.patientName),
      field(t('Patient number'), fields.patientId),
      field(t('Description'), fields.description, true),
      field(t('From'), fields.from),
      field(t('To'), fields.to),
      search,
    ),
    error,
    status,
    results,
  );
  element.addEventListener('keydown', (event) => {
    // It may stand in a form, which Enter would send.
    if (event.key !== 'Enter' || !(event.target instanceof HTMLInputElement)) return;
    event.preventDefault();
    find();
  });
  return {
    element,
    show: () => {
      if (listed) return;
      listed = true;
      worker.call('archive.list', {}).then(({ archives }) => {
        known.replaceChildren(...archives.map((uri) => h('option', { value: uri })));
        if (archive.value === '') archive.value = archives[0] ?? '';
        if (archives.length === 0)
          showStatus(
            t('No archive was named when the server was started (--archive); its address can be typed here.'),
          );
      }, refuse);
    },
  };
}

function cineFacts({ number, frames, width, height }: Cine): string {
  return [
    number === null ? null : t('no. {number}', { number: String(number) }),
    frames === null ? null : t('{n, plural, one {# picture} other {# pictures}}', { n: frames }),
    width === null || height === null ? null : `${width} × ${height}`,
  ]
    .filter((fact) => fact !== null)
    .join(', ');
}

function cineCount(cines: number, others: number): string {
  const found = t('{cines, plural, one {# cine} other {# cines}}.', { cines });
  if (others === 0) return found;
  const left = t(
    '{others, plural, one {# still picture or document is} other {# still pictures and documents are}} not listed.',
    { others },
  );
  return `${found} ${left}`;
}

/**
 * The other view of the heart in a recording: which recording shows it, and which view this one is. What both give stands beside the
 * figures (echo-now.ts). The server says which recordings may be it. Runs in the page.
 */
import type { PartnerNearness, ProjectState } from '../../../src/protocol/project-requests.js';
import type { EchoView } from '../../../src/vocabulary/echo.js';
import { h } from '../app/dom.js';
import { partnersOf } from './api.js';

interface ProjectPair {
  readonly element: HTMLElement;
  update(project: ProjectState): void;
}

const near: Readonly<Record<PartnerNearness, string>> = {
  name: 'same name, other view',
  study: 'same study',
  folder: 'same folder',
  none: '',
};

const viewNames: Readonly<Record<EchoView, string>> = { a4c: 'A4C, four-chamber', a2c: 'A2C, two-chamber' };

/** `choose` resolves when the server has taken or refused it, which is said elsewhere. */
export function projectPair(
  id: string,
  choose: (partner: string | null, view: EchoView) => Promise<void>,
): ProjectPair {
  let partners: Awaited<ReturnType<typeof partnersOf>> = [];
  let project: ProjectState | null = null;
  const partner = h('select', {
    // Others may have been opened meanwhile.
    onpointerdown: () => void ask(),
    onfocus: () => void ask(),
    onchange: () => {
      const chosen = partners.find((one) => one.project === partner.value);
      void choose(chosen?.project ?? null, chosen?.view ?? project?.pair?.view ?? 'a4c').finally(show);
    },
  });
  const view = h(
    'select',
    {
      onchange: () => void choose(project?.pair?.partner ?? null, view.value as EchoView).finally(show),
    },
    ...Object.entries(viewNames).map(([value, words]) => h('option', { value }, words)),
  );
  const viewField = h('label', {}, 'This recording shows', view);
  const element = h(
    'div',
    { class: 'project-pair' },
    h('label', {}, 'Other view of this heart', partner),
    viewField,
  );

  let listed = '';
  const show = (): void => {
    const pair = project?.pair ?? null;
    const options = [
      ['', partners.length === 0 ? 'No other recording with a heart is open' : 'None: measured alone'],
      ...partners.map((one) => [
        one.project,
        near[one.near] === '' ? one.name : `${one.name} (${near[one.near]})`,
      ]),
    ] as const;
    const key = JSON.stringify(options);
    if (key !== listed)
      partner.replaceChildren(...options.map(([value, words]) => h('option', { value }, words)));
    listed = key;
    partner.value = pair?.partner ?? '';
    viewField.hidden = pair === null;
    view.value = pair?.view ?? 'a4c';
  };
  const ask = async (): Promise<void> => {
    partners = await partnersOf(id).catch(() => partners);
    show();
  };

  return {
    element,
    update: (next) => {
      const before = project;
      project = next;
      if (!next.measuresHeart) return;
      if (before?.measuresHeart !== true || before.pair?.partner !== next.pair?.partner) void ask();
      show();
    },
  };
}

/**
 * The other view of the heart in a recording: which recording shows it, and which view this one is. What both give stands beside the
 * figures (echo-now.ts). The server says which recordings may be it. Runs in the page.
 */
import type { PartnerNearness, ProjectState } from '../../../src/protocol/project-requests.js';
import type { EchoView } from '../../../src/vocabulary/echo.js';
import { h } from '../app/dom.js';
import { t } from '../core/texts.js';
import { partnersOf } from './api.js';

interface ProjectPair {
  readonly element: HTMLElement;
  update(project: ProjectState): void;
}

function partnerText(name: string, near: PartnerNearness): string {
  switch (near) {
    case 'name':
      return t('{name} (same name, other view)', { name });
    case 'study':
      return t('{name} (same study)', { name });
    case 'folder':
      return t('{name} (same folder)', { name });
    case 'none':
      return name;
  }
}

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
    h('option', { value: 'a4c' }, t('A4C, four-chamber')),
    h('option', { value: 'a2c' }, t('A2C, two-chamber')),
  );
  const viewField = h('label', {}, t('This recording shows'), view);
  const element = h(
    'div',
    { class: 'project-pair' },
    h('label', {}, t('Other view of this heart'), partner),
    viewField,
  );

  let listed = '';
  const show = (): void => {
    const pair = project?.pair ?? null;
    const options = [
      [
        '',
        partners.length === 0
          ? t('No other recording with a heart is open')
          : t('None: this recording is measured alone'),
      ],
      ...partners.map(({ project: other, name, near }) => [other, partnerText(name, near)]),
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

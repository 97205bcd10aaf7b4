/** The place of recorded cases in the page: open one, or go on with one. `rest` is what follows `#/recordings/`. */
import './projects.css';
import type { ResponseOf } from '../../../src/protocol/operations.js';
import type { ProjectState } from '../../../src/protocol/project-requests.js';
import { h, setText } from '../app/dom.js';
import { Refusal } from '../app/painting-worker.js';
import { icon } from '../app/icons.js';
import { toast } from '../app/toast.js';
import type { EndView, ViewContext } from '../app/view.js';
import { archiveSearch } from '../rooms/archive-search.js';
import { folderList, isWorthListing } from '../rooms/folder-list.js';
import { openTwice } from '../rooms/open-twice.js';
import { uploadControl } from '../rooms/upload.js';
import { pictureAddress, sentence, watchProjects, writesPictures } from './api.js';
import { projectView } from './project-view.js';
import { locale, t } from '../core/texts.js';

export function projectsView(context: ViewContext, rest: string): EndView {
  return rest === '' ? listView(context) : projectView(context, rest);
}

function alreadyWords({ name, how }: ResponseOf<'projects.find'>['projects'][number]): string {
  return how === 'place'
    ? t('This recording is open already, as {name}.', { name })
    : t('This recording is open already, as {name}: that file has the same bytes.', { name });
}

function listView({ element, worker, go }: ViewContext): EndView {
  let ended = false;
  const problem = h('p', { class: 'field-error', role: 'alert', hidden: true });
  const say = (sentence: string): void => {
    problem.hidden = sentence === '';
    setText(problem, sentence);
  };
  const opening = h('p', { class: 'muted', role: 'status' });
  const twice = openTwice();
  /** The project of this recording: one that there is already, if that is what the person wants. */
  const openProject = async (uri: string): Promise<void> => {
    const { projects: same } = await worker.call('projects.find', { uri });
    const [newest] = same;
    let id = newest?.id;
    if (newest === undefined || (await twice.ask(alreadyWords(newest))))
      ({ id } = await worker.call('projects.open', { uri }));
    if (!ended && id !== undefined) go({ view: 'recordings', rest: id });
  };
  const open = async (uri: string): Promise<void> => {
    say('');
    twice.hide();
    setText(opening, t('Opening …'));
    try {
      await openProject(uri);
    } catch (error) {
      say(sentence(error));
      if (isWorthListing(error)) await folder.show(uri).catch(() => undefined);
    } finally {
      setText(opening, '');
    }
  };
  const folder = folderList(worker, (uri) => void open(uri));
  const listFolder = (): void => {
    say('');
    folder.show(field.value.trim()).catch((error: unknown) => say(sentence(error)));
  };
  const field = h('input', {
    type: 'text',
    required: true,
    maxlength: 4096,
    placeholder: t('Path on the server: video, DICOM, folder of pictures, .mcap; or dicomweb://…'),
    'aria-label': t('Path on the server'),
  });
  const form = h(
    'form',
    { class: 'recordings-open' },
    field,
    h('button', { type: 'submit', class: 'button primary' }, icon('recordings'), t('Open recording')),
    h(
      'button',
      {
        type: 'button',
        class: 'button',
        onclick: () => {
          if (field.reportValidity()) listFolder();
        },
      },
      t('List folder'),
    ),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void open(field.value.trim());
  });
  const upload = uploadControl({
    onStart: () => say(''),
    onStored: (path, already) => {
      if (already !== null) toast('info', t('The server has this file already, as {already}.', { already }));
      void open(path);
    },
    onProblem: say,
  });
  const archive = archiveSearch(worker, openProject);
  const inArchive = h(
    'details',
    { class: 'recordings-archive' },
    h('summary', {}, t('Search a DICOM archive')),
    archive.element,
  );
  inArchive.addEventListener('toggle', () => {
    archive.element.hidden = !inArchive.open;
    if (inArchive.open) archive.show();
  });
  const list = h('ul', { class: 'recordings-list' });
  let known: readonly ProjectState[] = [];
  const show = (): void => {
    list.replaceChildren(
      ...known.map((project) =>
        h(
          'li',
          {},
          h(
            'a',
            { href: `#/recordings/${project.id}` },
            project.pictures.frames > 0 || project.pictures.complete
              ? h('img', { src: pictureAddress(project.id, 0, 160), alt: '', loading: 'lazy' })
              : icon('recordings'),
            h('strong', {}, project.name),
            h(
              'span',
              { class: 'muted' },
              project.upToDate
                ? t('{n, plural, one {# object} other {# objects}}, tracked', { n: project.objects.length })
                : t('{n, plural, one {# object} other {# objects}}', { n: project.objects.length }),
            ),
            writesPictures(project) ? h('span', { class: 'recording' }, t('Recording pictures')) : null,
            h('span', { class: 'muted' }, new Date(project.createdUnixMs).toLocaleString(locale())),
          ),
          h(
            'button',
            {
              type: 'button',
              class: 'icon-button',
              'aria-label': t('Delete {name} and its results', { name: project.name }),
              onclick: () => {
                if (
                  !window.confirm(
                    t('Delete what was done with "{name}"? The video itself stays.', { name: project.name }),
                  )
                )
                  return;
                worker
                  .call('projects.remove', { project: project.id })
                  .then(refresh, (error: unknown) => say(sentence(error)));
              },
            },
            icon('remove'),
          ),
        ),
      ),
    );
  };
  const refresh = (): void => {
    worker.call('projects.list', {}).then(
      ({ projects }) => {
        if (ended) return;
        known = projects;
        show();
      },
      (error: unknown) => {
        // The connection is made again by itself, and then it is asked again.
        if (!ended && !(error instanceof Refusal && error.code === 'SONO_CONNECTION_LOST'))
          say(sentence(error));
      },
    );
  };
  element.replaceChildren(
    h(
      'section',
      { class: 'recordings' },
      h('h1', {}, t('Recordings')),
      h(
        'p',
        { class: 'muted' },
        t(
          'Point at something on any picture, track it both ways, correct, export. Everything stays on this server.',
        ),
      ),
      form,
      problem,
      opening,
      twice.element,
      folder.element,
      upload.element,
      inArchive,
      list,
    ),
  );
  /** What stands in the list: other changes need no new one. */
  const shownOf = (project: ProjectState): string =>
    JSON.stringify([
      project.objects.length,
      project.upToDate,
      writesPictures(project),
      project.pictures.frames > 0 || project.pictures.complete,
    ]);
  const unwatch = watchProjects(worker, ({ id, state }) => {
    const before = known.find((project) => project.id === id);
    if (state === null || before === undefined) {
      if ((state === null) !== (before === undefined)) refresh();
      return;
    }
    known = known.map((project) => (project.id === id ? state : project));
    if (shownOf(before) !== shownOf(state)) show();
  });
  const unlink = worker.link.watch(({ phase }) => {
    if (phase === 'open') refresh();
  });
  return () => {
    ended = true;
    unwatch();
    unlink();
    upload.cancel();
    element.replaceChildren();
  };
}

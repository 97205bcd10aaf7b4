/** The place of recorded cases in the page: open one, or go on with one. `rest` is what follows `#/recordings/`. */
import './recordings.css';
import { h, setText } from '../app/dom.js';
import { icon } from '../app/icons.js';
import type { EndView, ViewContext } from '../app/view.js';
import { uploadControl } from '../rooms/upload.js';
import { api, writesPictures } from './api.js';
import type { ProjectInfo } from './api.js';
import { projectView } from './project-view.js';

export function recordingsView(context: ViewContext, rest: string): EndView {
  return rest === '' ? listView(context) : projectView(context, rest);
}

function listView({ element, go }: ViewContext): EndView {
  let ended = false;
  const problem = h('p', { class: 'field-error', role: 'alert', hidden: true });
  const say = (sentence: string): void => {
    problem.hidden = sentence === '';
    setText(problem, sentence);
  };
  const opening = h('p', { class: 'muted', role: 'status' });
  const open = async (uri: string): Promise<void> => {
    say('');
    setText(opening, 'Opening …');
    try {
      const { id } = await api.open(uri);
      if (!ended) go({ view: 'recordings', rest: id });
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
    } finally {
      setText(opening, '');
    }
  };
  const field = h('input', {
    type: 'text',
    required: true,
    maxlength: 4096,
    placeholder: 'Path on the server: video, DICOM, folder of pictures, .mcap',
    'aria-label': 'Path on the server',
  });
  const form = h(
    'form',
    { class: 'recordings-open' },
    field,
    h('button', { type: 'submit', class: 'button primary' }, icon('recordings'), 'Open recording'),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void open(field.value.trim());
  });
  const upload = uploadControl({
    onStart: () => say(''),
    onStored: (path) => void open(path),
    onProblem: say,
  });
  const list = h('ul', { class: 'recordings-list' });
  const show = (projects: readonly ProjectInfo[]): void => {
    list.replaceChildren(
      ...projects.map((project) =>
        h(
          'li',
          {},
          h(
            'a',
            { href: `#/recordings/${project.id}` },
            project.pictures.frames > 0 || project.pictures.complete
              ? h('img', { src: api.pictureAddress(project.id, 0, 160), alt: '', loading: 'lazy' })
              : icon('recordings'),
            h('strong', {}, project.name),
            h(
              'span',
              { class: 'muted' },
              `${project.objects.length} objects${project.upToDate ? ', tracked' : ''}`,
            ),
            writesPictures(project) ? h('span', { class: 'recording' }, 'Recording pictures') : null,
            h('span', { class: 'muted' }, new Date(project.createdUnixMs).toLocaleString()),
          ),
          h(
            'button',
            {
              type: 'button',
              class: 'icon-button',
              'aria-label': `Delete ${project.name} and its results`,
              onclick: () => {
                if (!window.confirm(`Delete what was done with "${project.name}"? The video itself stays.`))
                  return;
                api.remove(project.id).then(refresh, (error: unknown) => say(String(error)));
              },
            },
            icon('remove'),
          ),
        ),
      ),
    );
  };
  const refresh = (): void => {
    api.list().then(
      (projects) => {
        if (!ended) show(projects);
      },
      (error: unknown) => say(error instanceof Error ? error.message : String(error)),
    );
  };
  element.replaceChildren(
    h(
      'section',
      { class: 'recordings' },
      h('h1', {}, 'Recordings'),
      h(
        'p',
        { class: 'muted' },
        'Point at something on any picture, track it both ways, correct, export. Everything stays on this server.',
      ),
      form,
      upload.element,
      opening,
      problem,
      list,
    ),
  );
  refresh();
  return () => {
    ended = true;
    upload.cancel();
    element.replaceChildren();
  };
}

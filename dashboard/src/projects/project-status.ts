/** What a project says of itself in one line. Pure. */
import type { ProjectState } from '../../../src/protocol/project-requests.js';
import { serverText, t } from '../core/texts.js';

export function statusText(project: ProjectState): string {
  const { run, pictures, format, upToDate, objects, finder, measuresHeart } = project;
  if (run.phase === 'failed') return serverText(run.message);
  if (run.phase === 'running') {
    if (run.what === 'export') return t('Writing files …');
    const { progress } = run;
    if (!progress) return t('Loading the model …');
    const doing =
      finder !== null ? t('Finding') : progress.pass === 'backward' ? t('Tracking backwards') : t('Tracking');
    const { frames: n, totalFrames: all } = progress;
    return all === null ? t('{doing}: {n}', { doing, n }) : t('{doing}: {n} of {all}', { doing, n, all });
  }
  if (pictures.problem !== null) return serverText(pictures.problem);
  if (!pictures.complete) {
    const { frames: n } = pictures;
    const all = format?.frameCount ?? 0;
    return all > 0
      ? t('{n} of {all} pictures read', { n, all })
      : t('{n, plural, one {# picture} other {# pictures}} read', { n });
  }
  if (finder !== null) {
    if (!upToDate) return t('Nothing has to be marked: let the model look.');
    return measuresHeart ? t('Found and measured.') : t('Found.');
  }
  if (objects.length === 0)
    return t('Mark an object: choose a tool, go to a picture where it is well seen, draw.');
  return upToDate ? t('Tracked.') : t('Marks have changed: track again.');
}

/** What a project says of itself in one line. Pure. */
import type { ProjectState } from '../../../src/protocol/project-requests.js';

export function statusText(project: ProjectState): string {
  const { run, pictures, format, upToDate, objects, finder, measuresHeart } = project;
  if (run.phase === 'failed') return run.message;
  if (run.phase === 'running') {
    if (run.what === 'export') return 'Writing files …';
    const { progress } = run;
    if (!progress) return 'Loading the model …';
    const total = progress.totalFrames === null ? '' : ` of ${progress.totalFrames}`;
    const doing =
      finder !== null ? 'Finding' : progress.pass === 'backward' ? 'Tracking backwards' : 'Tracking';
    return `${doing}: ${progress.frames}${total}`;
  }
  if (pictures.problem !== null) return pictures.problem;
  if (!pictures.complete) {
    const total = format?.frameCount ? ` of ${format.frameCount}` : '';
    return `${pictures.frames}${total} pictures read`;
  }
  if (finder !== null) {
    if (!upToDate) return 'Nothing has to be marked: let it look.';
    return measuresHeart ? 'Found and measured.' : 'Found.';
  }
  if (objects.length === 0)
    return 'Mark an object: choose a tool, go to a picture where it is well seen, draw.';
  return upToDate ? 'Tracked.' : 'Prompts have changed: track again.';
}

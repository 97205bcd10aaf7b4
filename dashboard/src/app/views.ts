/**
 * The views of the page. A view is a function that fills its element and returns how to end it; the shell knows nothing
 * else about it. To add one: a route in core/route.ts, a line here.
 */
import { acceptanceView } from '../acceptance/acceptance-view.js';
import type { Route } from '../core/route.js';
import { projectsView } from '../projects/projects-view.js';
import { gridView } from '../rooms/grid-view.js';
import { roomView } from '../rooms/room-view.js';
import { systemView } from '../system/system-view.js';
import { unknownView } from './unknown-view.js';
import type { EndView, ViewContext } from './view.js';

export function openView(route: Route, context: ViewContext): EndView {
  switch (route.view) {
    case 'rooms':
      return gridView(context);
    case 'room':
      return roomView(context, route.stream);
    case 'acceptance':
      return acceptanceView(context, route.stream);
    case 'system':
      return systemView(context);
    case 'recordings':
      return projectsView(context, route.rest);
    case 'unknown':
      return unknownView(context, route.address);
  }
}

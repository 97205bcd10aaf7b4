/** What a view is given and gives back. Types only, so that views and the list of views do not need each other. */
import type { Route } from '../core/route.js';
import type { PaintingWorker } from './painting-worker.js';

export interface ViewContext {
  readonly worker: PaintingWorker;
  readonly element: HTMLElement;
  readonly go: (route: Route) => void;
}

/** Ends the view: subscriptions, timers, surfaces. */
export type EndView = () => void;

/** Procedural scenes by name, with exact truth. Pure; for the demo's source, tests, benches and evaluation. */
import type { PromptScript } from '../../vocabulary/prompt-script.js';
import type { SyntheticKind } from '../source-uri.js';
import { counterScene } from './counter.js';
import { echoScene } from './echo.js';
import { laparoscopyScene } from './laparoscopy.js';
import type { SceneOptions, SyntheticScene } from './scene.js';

export { counterBits, counterBlockPx, counterDisc, readCounter } from './counter.js';
export { echoScene, type EchoScene, type HeartTruth, type TrueBeat } from './echo.js';
export { plainEcho, rhythms, type EchoParameters } from './heart.js';
export { packRgb } from './scene.js';
export type { SceneFrame, SceneObject, SceneOptions, SyntheticScene } from './scene.js';

const defaults: Record<SyntheticKind, SceneOptions> = {
  laparoscopy: { seed: 1, width: 1280, height: 720, framesPerSecond: 25 },
  echo: { seed: 1, width: 800, height: 600, framesPerSecond: 30 },
  counter: { seed: 1, width: 640, height: 360, framesPerSecond: 25 },
};

/**
 * @param kind which scene
 * @param options width and height in pixels (at least 64), rate in frames per second, seed; defaults as in the URI
 */
export function syntheticScene(kind: SyntheticKind, options: Partial<SceneOptions> = {}): SyntheticScene {
  const full = { ...defaults[kind], ...options };
  switch (kind) {
    case 'laparoscopy':
      return laparoscopyScene(full);
    case 'echo':
      return echoScene(full);
    case 'counter':
      return counterScene(full);
  }
}

/** First prompts for a scene: see SyntheticScene.defaultPrompts. */
export function defaultPrompts(kind: SyntheticKind, options: Partial<SceneOptions> = {}): PromptScript {
  return syntheticScene(kind, options).defaultPrompts();
}

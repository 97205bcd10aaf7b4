/** Line icons, 24 × 24, drawn for sonoscope. Colour comes from the text around them, size from `--icon`. */
import { h, svg } from './dom.js';

const paths = {
  look: 'M7 13.5V6.8a1.4 1.4 0 0 1 2.8 0V11m0-.6V5.2a1.4 1.4 0 0 1 2.8 0V11m0-.8V6.3a1.4 1.4 0 0 1 2.8 0v5m0-2.2a1.4 1.4 0 0 1 2.8 0v4.6c0 4-2.400 6.300-5.800 6.300-2.600 0-4.200-1-5.600-3.400l-2.400-4a1.450 1.450 0 0 1 2.400-1.600l1.200 1.300',
  include: 'M12 5v14M5 12h14',
  exclude: 'M5 12h14',
  box: 'M4.500 8V5.500a1 1 0 0 1 1-1H8m8 0h2.500a1 1 0 0 1 1 1V8m0 8v2.500a1 1 0 0 1-1 1H16m-8 0H5.500a1 1 0 0 1-1-1V16',
  scribble:
    'M4 17c3.500-7.500 6-9.500 7.200-8.300 1.700 1.800-3.400 7 -1.500 8.300 1.700 1.100 4.500-5.800 6.400-4.600 1.300.9-1.200 3.800.4 4.600 1 .5 2.300-.4 3.500-1.800',
  erase:
    'm8.500 19-4-4a1.400 1.400 0 0 1 0-2l8-8a1.400 1.400 0 0 1 2 0l5 5a1.400 1.400 0 0 1 0 2l-7 7zm0 0H20M9 8.500l7 7',
  points:
    'M6 17.500C5 8 10 4.500 12 4.500s7 3.500 6 13zM12 3v3M4.500 16h3v3h-3zm12 0h3v3h-3zM5.500 9.500h3m7 0h3',
  undo: 'M8.500 5 4.500 9l4 4M5 9h9a5.500 5.500 0 0 1 0 11h-3',
  redo: 'M15.500 5l4 4-4 4M19 9h-9a5.500 5.500 0 0 0 0 11h3',
  brush:
    'M13.500 13 20 4.500M9.500 13.500c2 0 3.500 1.500 3.500 3.200 0 2.300-2 3.300-4.500 3.300-2 0-3.500-.5-4.500-1.500 1.700-.3 2-1.300 2.200-2.500.2-1.500 1.500-2.500 3.300-2.500z',
  rub: 'M12 12m-7.500 0a7.500 7.500 0 1 0 15 0a7.500 7.500 0 1 0-15 0M8.500 12h7',
  polygon:
    'M12 4.500 19.500 10 17 19H7.500L4.500 9.500zM10.500 3h3v3h-3zM3 8h3v3H3zm15 .5h3v3h-3zM6 17.500h3v3H6zm9.500 0h3v3h-3z',
  hide: 'M4 4l16 16M9.900 5.700A9 9 0 0 1 12 5.500c4 0 7 2.500 9 6.500a14 14 0 0 1-2.500 3.500M14.500 14.500a3.500 3.500 0 0 1-5-5M6.500 7.500A13 13 0 0 0 3 12c2 4 5 6.500 9 6.500a9 9 0 0 0 4-1',
  show: 'M3 12c2-4 5-6.500 9-6.500s7 2.500 9 6.500c-2 4-5 6.500-9 6.500S5 16 3 12zM15 12a3 3 0 1 1-6 0 3 3 0 0 1 6 0z',
  lock: 'M6 10.500h12v9H6zM8.500 10.500V8a3.500 3.500 0 0 1 7 0v2.500M12 14v2',
  unlock: 'M6 10.500h12v9H6zM8.500 10.500V8a3.500 3.500 0 0 1 6.800-1.200M12 14v2',
  rename: 'm15.500 5.500 3 3M5 19l1-4L16.300 4.700a1.400 1.400 0 0 1 2 0l1 1a1.400 1.400 0 0 1 0 2L9 18z',
  remove: 'M5 7h14M10 7V5h4v2m-7 0 .8 12h8.400L17 7m-7 3.500v5m4-5v5',
  zoomIn: 'M11 8v6m-3-3h6m2 5 4 4M18 11a7 7 0 1 1-14 0 7 7 0 0 1 14 0z',
  zoomOut: 'M8 11h6m2 5 4 4M18 11a7 7 0 1 1-14 0 7 7 0 0 1 14 0z',
  fit: 'M4 9V5h4m8 0h4v4m0 6v4h-4m-8 0H4v-4M9 9.500h6v5H9z',
  actual: 'M6 8.500 8 7v10m0 0H6m2 0h2m5-8.500L17 7v10m0 0h-2m2 0h2M12.500 10v.01M12.500 14v.01',
  grid: 'M4.500 4.500h6v6h-6zm9 0h6v6h-6zm-9 9h6v6h-6zm9 0h6v6h-6z',
  recordings: 'M4.500 6.500h15v11h-15zM8 6.500v11m8-11v11M4.500 10H8m-3.500 4H8m8-4h3.500M16 14h3.500',
  source: 'M4 7.500h10.500v9H4zm10.500 3.200 5.500-3v8.600l-5.500-3',
  settings: 'M5 7h8m4 0h2M5 12h2m4 0h8M5 17h8m4 0h2M15 5v4M9 10v4m6 1v4',
  help: 'M9.300 9.300a2.700 2.700 0 1 1 3.900 2.400c-.8.4-1.200.9-1.200 1.800m0 3v.01M20 12a8 8 0 1 1-16 0 8 8 0 0 1 16 0z',
  close: 'M6 6l12 12M18 6 6 18',
  warning:
    'M12 9.500v4m0 3v.01M10.800 4.800 3.400 17.500A1.400 1.400 0 0 0 4.600 19.600h14.800a1.400 1.400 0 0 0 1.200-2.100L13.200 4.800a1.400 1.400 0 0 0-2.400 0z',
  alarm: 'M8.200 4h7.600L20 8.200v7.600L15.800 20H8.200L4 15.800V8.200zM12 8v5m0 3v.01',
  info: 'M12 11v5m0-8v.01M20 12a8 8 0 1 1-16 0 8 8 0 0 1 16 0z',
  tracking: 'm5 12.500 4.500 4.500L19 7.500',
  uncertain: 'M9 9a3 3 0 1 1 4.300 2.700c-.9.5-1.300 1-1.300 2m0 3.300v.01',
  lost: 'M6.500 6.500l11 11M17.500 6.500l-11 11',
  searching: 'M15.500 15.500 20 20M17 10.500a6.500 6.500 0 1 1-13 0 6.500 6.500 0 0 1 13 0z',
  measure: 'M4 19V5m0 14h16M7.500 15.500l3-4.500 3 2.500 5-7',
  fullscreen: 'M4.500 9V4.500H9m6 0h4.500V9m0 6v4.500H15m-6 0H4.500V15',
  clean: 'M4 6h16v11H4zM9 20h6',
  clock: 'M12 8v4.500l3 2M20 12a8 8 0 1 1-16 0 8 8 0 0 1 16 0z',
  panel: 'M4.500 5.500h15v13h-15zM14.500 5.500v13',
  plus: 'M12 5v14M5 12h14',
  print: 'M7 9V4.500h10V9M7 17H4.500V9h15v8H17m-10-3h10v5.500H7z',
  save: 'M12 4.500v10m-4-4 4 4 4-4M5 19h14',
  play: 'M8 5.500v13l10.500-6.500z',
  stop: 'M7 7h10v10H7z',
  record: 'M12 5.500a6.500 6.500 0 1 1 0 13 6.500 6.500 0 0 1 0-13zm0 3.500a3 3 0 1 1 0 6 3 3 0 0 1 0-6z',
  back: 'M14.500 6 8.500 12l6 6',
  link: 'M10 13.500a3.500 3.500 0 0 0 5 0l3-3a3.500 3.500 0 0 0-5-5l-1 1m2 4a3.500 3.500 0 0 0-5 0l-3 3a3.500 3.500 0 0 0 5 5l1-1',
} as const;

export type IconName = keyof typeof paths;

export function icon(name: IconName): SVGSVGElement {
  return svg(
    'svg',
    { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false' },
    svg('path', { d: paths[name] }),
  );
}

/** A button that shows only an icon: `label` is its name for screen readers, `title` what a mouse that rests on it reads. */
export function iconButton(
  name: IconName,
  label: string,
  onclick: () => void,
  title: string | null = label,
): HTMLButtonElement {
  return h(
    'button',
    { type: 'button', class: 'icon-button', 'aria-label': label, title, onclick },
    icon(name),
  );
}

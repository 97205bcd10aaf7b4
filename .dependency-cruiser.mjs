/**
 * The layers of docs/architecture.md. docs/rooms.json lists the rooms from the ground up and what each may import besides the
 * vocabulary; tests/docs/rooms.test.ts holds that list to the arrows that exist.
 */
import { readFileSync } from 'node:fs';

const rooms = JSON.parse(readFileSync(new URL('docs/rooms.json', import.meta.url), 'utf8'));

const folderOf = (room) => (room === 'bench' ? '^bench/' : `^src/${room}/`);
const only = ([room, targets]) => ({
  name: room,
  severity: 'error',
  comment: `${room} may import only ${['vocabulary', ...targets].join(', ')}`,
  from: { path: folderOf(room) },
  to: { path: '^(src|bench)/', pathNot: [room, 'vocabulary', ...targets].map(folderOf) },
});

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'dashboard-knows-only-the-protocol',
      severity: 'error',
      from: { path: '^dashboard/' },
      to: { path: '^src/', pathNot: ['protocol', 'vocabulary', 'mask'].map(folderOf) },
    },
    ...Object.entries(rooms).map(only),
    {
      name: 'commands-apart',
      severity: 'error',
      comment: 'what two commands need is in src/app, or among the options that they share',
      from: { path: '^src/cli/', pathNot: '^src/cli/(main|commands)\\.ts$' },
      to: { path: '^src/cli/', pathNot: '^src/cli/(live-options|option-values)\\.ts$' },
    },
    {
      name: 'pure-cores',
      severity: 'error',
      comment:
        'these rooms do no I/O; they run in any thread and, but for tracking and analysis, in the browser',
      from: { path: '^src/(vocabulary|mask|tracking|analysis)/' },
      to: { dependencyTypes: ['core', 'npm'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.node.json' },
    tsPreCompilationDeps: true,
    exclude: { path: '\\.test\\.ts$' },
  },
};
